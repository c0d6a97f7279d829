import type { Schema } from "../schema.ts";
import { compareObjects, withoutIgnored, type Comparison } from "./compare.ts";
import type { Conflict } from "./conflicts.ts";
import { FieldSet } from "./field-set.ts";
import { fieldSetOf, withNamedFields } from "./field-set-of.ts";
import { mergeConfig, removeFields } from "./merge-config.ts";
import { managerId, type Manager, type Managers } from "./managed-fields.ts";

/**
 * Takes from all managers but `except` what changed under them. Without `force`, changes to what they manage are
 * conflicts. @upstream structured-merge-diff merge/update.go update
 */
function takeAway(
  managers: Managers,
  { added, modified, removed }: Comparison,
  options: { readonly except?: string; readonly force: boolean },
): { readonly managers: Managers; readonly conflicts: readonly Conflict[] } {
  const changed = modified.union(added);
  const conflicts: Conflict[] = [];
  const out = new Map<string, Manager>();
  for (const [id, manager] of managers) {
    if (id === options.except) {
      if (!manager.fields.isEmpty) out.set(id, manager);
      continue;
    }
    const lost = manager.fields.intersection(changed);
    if (!lost.isEmpty) conflicts.push({ manager, fields: lost });
    const fields = manager.fields.difference(lost).difference(removed);
    if (!fields.isEmpty) out.set(id, fields === manager.fields ? manager : { ...manager, fields });
  }
  return options.force || conflicts.length === 0 ? { managers: out, conflicts: [] } : { managers, conflicts };
}

/** After a plain write: what the write added or changed is taken from all; the second result is the writer's share. */
export function managersAfterUpdate(
  managers: Managers,
  live: unknown,
  next: unknown,
  options: { readonly schema: Schema; readonly ignored: FieldSet },
): { readonly managers: Managers; readonly fields: FieldSet } {
  const comparison = withoutIgnored(compareObjects(live, next, options.schema), options.ignored);
  const { added, modified, removed } = comparison;
  if (added.isEmpty && modified.isEmpty && removed.isEmpty) return { managers, fields: FieldSet.empty };
  return { managers: takeAway(managers, comparison, { force: true }).managers, fields: modified.union(added) };
}

export interface ApplyOutcome {
  readonly object: unknown;
  readonly managers: Managers;
  /** Not empty: nothing was applied. */
  readonly conflicts: readonly Conflict[];
}

/** Lays a configuration over the live object and drops what its manager no longer sets. @upstream structured-merge-diff merge/update.go Apply */
export function applyConfig(
  managers: Managers,
  live: unknown,
  config: unknown,
  options: { readonly schema: Schema; readonly ignored: FieldSet; readonly applier: Omit<Manager, "fields" | "time">; readonly force: boolean },
): ApplyOutcome {
  const { schema, ignored, applier, force } = options;
  const id = managerId(applier);
  const last = managers.get(id);
  const fields = fieldSetOf(config, schema).recursiveDifference(ignored);
  const next = new Map(managers).set(id, { ...applier, fields, ...(last?.time === undefined ? {} : { time: last.time }) });
  const merged = mergeConfig(live, config, schema);
  const object = last === undefined || last.fields.isEmpty ? merged : prune(merged, next, { last: last.fields, schema });
  const comparison = withoutIgnored(compareObjects(live, object, schema), ignored);
  return { object, ...takeAway(next, comparison, { except: id, force }) };
}

/**
 * Removes what the applier set last time and nobody claims now.
 * @upstream structured-merge-diff merge/update.go prune
 */
function prune(merged: unknown, managers: Managers, { last, schema }: { readonly last: FieldSet; readonly schema: Schema }): unknown {
  const named = (set: FieldSet): FieldSet => withNamedFields(set, schema);
  const lastNamed = named(last);
  let pruned = removeFields(merged, lastNamed, schema);
  let managed = FieldSet.empty;
  for (const { fields } of managers.values()) managed = managed.union(fields);
  const mergedSet = named(fieldSetOf(merged, schema));
  // What others, or the new configuration, own comes back …
  pruned = removeFields(merged, mergedSet.difference(named(fieldSetOf(pruned, schema)).union(named(managed))), schema);
  // … and so does all that the applier had not set.
  return removeFields(merged, mergedSet.difference(named(fieldSetOf(pruned, schema))).intersection(lastNamed), schema);
}
