import type { Schema } from "../schema.ts";
import { compareObjects, withoutIgnored, type Comparison } from "./compare.ts";
import type { Conflict } from "./conflicts.ts";
import { FieldSet } from "./field-set.ts";
import { fieldSetOf, withNamedFields } from "./field-set-of.ts";
import { dropNulls, mergeConfig, removeFields } from "./merge-config.ts";
import { managerId, type Manager, type Managers } from "./managed-fields.ts";

/** An object as another version of its kind has it, and that version's shape; undefined: there is no such version. */
export type InVersion = (object: unknown, apiVersion: string) => { readonly object: unknown; readonly schema: Schema } | undefined;

/** Where objects, fields and managers may be of several versions. */
export interface Versions {
  /** Of the objects that are compared: `apps/v1`. */
  readonly apiVersion: string;
  /** Absent: all versions of the kind look alike. */
  readonly inVersion?: InVersion | undefined;
}

/** What changed as each version sees it; undefined for a version that is gone. Worked out once per version. */
function comparisons(
  before: unknown,
  after: unknown,
  { apiVersion, inVersion, schema, ignored }: Versions & { readonly schema: Schema; readonly ignored: FieldSet },
): (version: string) => Comparison | undefined {
  const known = new Map([[apiVersion, withoutIgnored(compareObjects(before, after, schema), ignored)] as [string, Comparison | undefined]]);
  return (version) => {
    if (inVersion === undefined) return known.get(apiVersion);
    if (!known.has(version)) {
      const [left, right] = [inVersion(before, version), inVersion(after, version)];
      known.set(version, left === undefined || right === undefined ? undefined : withoutIgnored(compareObjects(left.object, right.object, left.schema), ignored));
    }
    return known.get(version);
  };
}

/**
 * Takes from all managers but `except` what changed under them, as their version sees it; those of a version that is gone go. Without `force`, changes to what they manage are
 * conflicts. @upstream structured-merge-diff merge/update.go update
 */
function takeAway(
  managers: Managers,
  changedIn: (version: string) => Comparison | undefined,
  options: { readonly except?: string; readonly force: boolean },
): { readonly managers: Managers; readonly conflicts: readonly Conflict[] } {
  const conflicts: Conflict[] = [];
  const out = new Map<string, Manager>();
  for (const [id, manager] of managers) {
    if (id === options.except) {
      if (!manager.fields.isEmpty) out.set(id, manager);
      continue;
    }
    const comparison = changedIn(manager.apiVersion);
    if (comparison === undefined) continue;
    const { added, modified, removed } = comparison;
    const lost = manager.fields.intersection(modified.union(added));
    if (!lost.isEmpty) conflicts.push({ manager, fields: lost });
    const fields = manager.fields.difference(lost).difference(removed);
    if (!fields.isEmpty) out.set(id, fields === manager.fields ? manager : { ...manager, fields });
  }
  return options.force || conflicts.length === 0 ? { managers: out, conflicts: [] } : { managers, conflicts };
}

const nothing: Comparison = { added: FieldSet.empty, modified: FieldSet.empty, removed: FieldSet.empty };

/** After a plain write: what the write added or changed is taken from all; the second result is the writer's share. */
export function managersAfterUpdate(
  managers: Managers,
  live: unknown,
  next: unknown,
  options: Versions & { readonly schema: Schema; readonly ignored: FieldSet },
): { readonly managers: Managers; readonly fields: FieldSet } {
  const changedIn = comparisons(live, next, options);
  const { added, modified, removed } = changedIn(options.apiVersion) ?? nothing;
  if (added.isEmpty && modified.isEmpty && removed.isEmpty) return { managers, fields: FieldSet.empty };
  return { managers: takeAway(managers, changedIn, { force: true }).managers, fields: modified.union(added) };
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
  options: {
    readonly schema: Schema;
    readonly ignored: FieldSet;
    readonly applier: Omit<Manager, "fields" | "time">;
    readonly force: boolean;
    readonly inVersion?: InVersion | undefined;
  },
): ApplyOutcome {
  const { schema, ignored, applier, force, inVersion } = options;
  const { apiVersion } = applier;
  const id = managerId(applier);
  const last = managers.get(id);
  const fields = fieldSetOf(config, schema).recursiveDifference(ignored);
  const next = new Map(managers).set(id, { ...applier, fields, ...(last?.time === undefined ? {} : { time: last.time }) });
  const merged = mergeConfig(live, config, schema);
  const object = last === undefined || last.fields.isEmpty ? merged : prune(merged, next, { last, schema, apiVersion, inVersion });
  const changedIn = comparisons(live, object, { apiVersion, inVersion, schema, ignored });
  return { object, ...takeAway(next, changedIn, { except: id, force }) };
}

interface Pruning extends Versions {
  readonly last: Manager;
  readonly schema: Schema;
}

/**
 * Removes what the applier set last time and nobody claims now. Done in the version that it was set in.
 * @upstream structured-merge-diff merge/update.go prune
 */
function prune(merged: unknown, managers: Managers, { last, schema, apiVersion, inVersion = sameIn(schema) }: Pruning): unknown {
  const then = last.apiVersion === apiVersion ? { object: merged, schema } : inVersion(merged, last.apiVersion);
  if (then === undefined) return merged;
  const lastNamed = withNamedFields(last.fields, then.schema);
  let pruned = removeFields(then.object, lastNamed, then.schema);
  // What others, or the new configuration, own comes back …
  pruned = withOwned({ merged: then.object, pruned, version: last.apiVersion, schema: then.schema }, managers, inVersion);
  // … and so does all that the applier had not set.
  const named = (object: unknown): FieldSet => withNamedFields(fieldSetOf(object, then.schema), then.schema);
  pruned = removeFields(then.object, named(then.object).difference(named(pruned)).intersection(lastNamed), then.schema);
  return last.apiVersion === apiVersion ? pruned : (inVersion(dropNulls(pruned, then.schema), apiVersion)?.object ?? merged);
}

/** Puts back what any manager owns, each in its own version. */
function withOwned(
  state: { readonly merged: unknown; readonly pruned: unknown; readonly version: string; readonly schema: Schema },
  managers: Managers,
  inVersion: InVersion,
): unknown {
  const owned = new Map<string, FieldSet>();
  for (const { apiVersion, fields } of managers.values()) owned.set(apiVersion, (owned.get(apiVersion) ?? FieldSet.empty).union(fields));
  let { pruned } = state;
  for (const [version, fields] of [...owned].sort(([a], [b]) => Number(b === state.version) - Number(a === state.version))) {
    const mine = version === state.version;
    const whole = mine ? { object: state.merged, schema: state.schema } : inVersion(state.merged, version);
    const left = mine ? { object: pruned } : inVersion(dropNulls(pruned, state.schema), version);
    if (whole === undefined || left === undefined) continue;
    const { schema } = whole;
    const named = (set: FieldSet): FieldSet => withNamedFields(set, schema);
    const lost = named(fieldSetOf(whole.object, schema)).difference(named(fieldSetOf(left.object, schema)).union(named(fields)));
    const kept = removeFields(whole.object, lost, schema);
    pruned = mine ? kept : (inVersion(dropNulls(kept, schema), state.version)?.object ?? pruned);
  }
  return pruned;
}

const sameIn =
  (schema: Schema): InVersion =>
  (object) => ({ object, schema });
