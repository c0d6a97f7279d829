import { rfc3339 } from "../../base/clock.ts";
import { deepEqual } from "../../base/values.ts";
import type { ManagedFieldsEntry, ObjectMeta } from "../generated/meta-v1.ts";
import type { KubeObject } from "../object.ts";
import { isJsonObject } from "../patch/json-value.ts";
import type { Schema } from "../schema.ts";
import { badRequest, failure } from "../status-error.ts";
import { configFaults, faultsText } from "./check-config.ts";
import { conflictError, type Conflict } from "./conflicts.ts";
import { FieldSet } from "./field-set.ts";
import { decodeFields, FieldsError } from "./fields-v1.ts";
import { lastAppliedFields, refreshLastApplied } from "./last-applied.ts";
import { capUpdateManagers, decodeManagers, encodeManager, encodeManagers, ManagedFieldsError, managerId, type Manager, type Managers, withoutMeta } from "./managed-fields.ts";
import { dropNulls } from "./merge-config.ts";
import { fieldsOfNewObject } from "./new-object-fields.ts";
import { applyConfig, managersAfterUpdate, type ApplyOutcome, type InVersion } from "./update-managers.ts";

interface Place {
  readonly schema: Schema;
  /** The version that the object and the configuration are in: `apps/v1`. */
  readonly apiVersion: string;
  /** `status`, `scale` …; empty or absent for the object itself. */
  readonly subresource?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How the object looks in the versions that managers wrote it in; absent: all versions look alike. May throw what stops the work. */
  readonly inVersion?: InVersion | undefined;
  /** What nobody can own through this endpoint, as FieldsV1: `{ "f:status": {} }` for the object of a kind with a status. */
  readonly ignored?: { readonly [part: string]: unknown } | undefined;
}

export interface ApplyRequest extends Place {
  /** As stored, in `apiVersion`; absent when the object is to be created. */
  readonly live?: KubeObject | undefined;
  /** The configuration as parsed, not decoded. */
  readonly config: unknown;
  readonly manager: string;
  readonly force?: boolean | undefined;
}

export interface UpdateRequest extends Place {
  /** As stored; absent when the object is created. */
  readonly live?: KubeObject | undefined;
  /** What is about to be stored, decoded and defaulted. */
  readonly next: KubeObject;
  /** From fieldManager or the user agent. */
  readonly manager: string;
}

const defaultManager = "unknown";
const kubectlManager = "kubectl";
const beforeFirstApply = "before-first-apply";

/**
 * Server-side apply: the live object with the configuration laid over it, and its managedFields. What the manager set
 * before and leaves out now is removed unless others own it. The result has yet to be decoded, defaulted and
 * validated. Throws 400 for a wrong version, 409 with one cause per field that others own, and 500 with upstream's
 * text when the configuration does not fit the schema. @upstream apimachinery/pkg/util/managedfields/internal
 */
export function apply(request: ApplyRequest): KubeObject {
  const { live, manager, schema, apiVersion, subresource = "", now, force = false, inVersion } = request;
  const config = checkedConfig(request);
  const ignored = ignoredFields(request);
  let managers = managersForApply(live);
  const liveObject = withoutManagedFields(live ?? { apiVersion, kind: config.kind, metadata: {} });
  if (managers.size === 0 && live !== undefined && (live.metadata.uid ?? "") !== "") {
    const empty = { apiVersion, kind: config.kind, metadata: {} };
    managers = capUpdateManagers(afterUpdate(managers, { before: empty, after: liveObject, manager: beforeFirstApply }, { ...request, ignored }));
  }
  const applier = { name: manager === "" ? defaultManager : manager, operation: "Apply" as const, apiVersion, subresource };
  let outcome = applyConfig(managers, liveObject, config, { schema, ignored, applier, force, inVersion });
  if (outcome.conflicts.length > 0 && manager === kubectlManager) outcome = migrate(outcome, { managers, liveObject, config, schema, ignored, applier, inVersion });
  if (outcome.conflicts.length > 0) throw conflictError(outcome.conflicts);

  const merged = dropNulls(outcome.object, schema);
  const isSame = deepEqual(merged, dropNulls(liveObject, schema));
  const id = managerId(applier);
  const own = outcome.managers.get(id);
  const result = new Map(outcome.managers);
  const fields = own === undefined ? FieldSet.empty : withoutMeta(own.fields);
  if (own === undefined || fields.isEmpty) result.delete(id);
  else result.set(id, { ...own, fields, time: isSame ? own.time : rfc3339(now) });
  const object = (isSame ? liveObject : merged) as KubeObject;
  return withManagedFields(manager === kubectlManager ? refreshLastApplied(object, config) : object, result);
}

/**
 * The managedFields that a plain write leaves behind: what it changed is the writer's. Fresh, or the live object's own where nothing
 * changes. A request that sends `managedFields: [{}]` clears them. @upstream apimachinery/pkg/util/managedfields/internal/fieldmanager.go Update
 */
export function trackUpdate(request: UpdateRequest): readonly ManagedFieldsEntry[] | undefined {
  const { live, next } = request;
  const given = next.metadata.managedFields;
  const isReset = given !== undefined && given.length > 0 && given[0] !== undefined && Object.keys(given[0]).length === 0;
  const isStatusWrite = (request.subresource ?? "") !== "";
  const managers = isReset && !isStatusWrite ? new Map<string, Manager>() : managersForUpdate(live, isStatusWrite ? undefined : given);
  // Once an object has no managers it gets none by plain writes.
  if (managers.size === 0 && live !== undefined && (live.metadata.uid ?? "") !== "") return undefined;
  if (live === undefined && managers.size === 0) {
    const fields = fieldsOfNewObject(withoutManagedFields(next), request.schema, ignoredFields(request));
    return fields.isEmpty ? undefined : [encodeManager(writerOf(request.manager, request, fields))];
  }
  const before = live === undefined ? { apiVersion: next.apiVersion, kind: next.kind, metadata: {} } : withoutManagedFields(live);
  const after = afterUpdate(managers, { before, after: withoutManagedFields(next), manager: request.manager }, { ...request, ignored: ignoredFields(request) });
  if (after === managers && live !== undefined && deepEqual(given ?? live.metadata.managedFields, live.metadata.managedFields)) return live.metadata.managedFields;
  return after.size === 0 ? undefined : encodeManagers(capUpdateManagers(after));
}

/**
 * `next` with the live entries' times where nothing but times would change, so that the write is none.
 * @upstream apimachinery/pkg/util/managedfields/internal/… IgnoreManagedFieldsTimestampsTransformer
 */
export function keepTimes<T extends KubeObject>(next: T, live: KubeObject): T {
  const [mine, theirs] = [next.metadata.managedFields, live.metadata.managedFields];
  if (mine === undefined || theirs === undefined || mine.length !== theirs.length) return next;
  const isTwin = (a: ManagedFieldsEntry, b: ManagedFieldsEntry): boolean => a.manager === b.manager && deepEqual({ ...a, time: undefined }, { ...b, time: undefined });
  if (deepEqual(mine, theirs) || !mine.every((entry) => theirs.some((other) => isTwin(entry, other)))) return next;
  const plain = (object: KubeObject): KubeObject => ({ ...object, metadata: { ...object.metadata, managedFields: undefined, resourceVersion: undefined } });
  return deepEqual(plain(next), plain(live)) ? { ...next, metadata: { ...next.metadata, managedFields: theirs } } : next;
}

function checkedConfig({ config, apiVersion, schema }: ApplyRequest): KubeObject {
  if (!isJsonObject(config)) throw badRequest("error decoding YAML: the configuration is no object");
  const { metadata } = config;
  if (config["apiVersion"] !== apiVersion)
    throw badRequest(`Incorrect version specified in apply patch. Specified patch version: ${String(config["apiVersion"])}, expected: ${apiVersion}`);
  if (isJsonObject(metadata) && metadata["managedFields"] !== undefined && metadata["managedFields"] !== null) throw badRequest("metadata.managedFields must be nil");
  const faults = configFaults(config, schema);
  if (faults.length === 0) return config as unknown as KubeObject;
  const { name = "", namespace = "" } = (isJsonObject(metadata) ? metadata : {}) as ObjectMeta;
  const who = `${namespace === "" ? "" : namespace}/${name}; ${apiVersion}, Kind=${String(config["kind"])}`;
  throw failure("", `failed to create typed patch object (${who}): ${faultsText(faults)}`);
}

/** Conflicts with what kubectl applied from the client's side are none. @upstream managedfields/internal/lastappliedmanager.go */
function migrate(
  outcome: ApplyOutcome,
  state: {
    readonly managers: Managers;
    readonly liveObject: KubeObject;
    readonly config: KubeObject;
    readonly schema: Schema;
    readonly ignored: FieldSet;
    readonly applier: Omit<Manager, "fields" | "time">;
    readonly inVersion: InVersion | undefined;
  },
): ApplyOutcome {
  const allowed = lastAppliedFields(state.liveObject, state.schema);
  if (allowed === undefined) return outcome;
  const left: Conflict[] = [];
  for (const { manager, fields } of outcome.conflicts) {
    const remaining = fields.difference(allowed);
    if (!remaining.isEmpty) left.push({ manager, fields: remaining });
  }
  return left.length > 0 ? { ...outcome, conflicts: left } : applyConfig(state.managers, state.liveObject, state.config, { ...state, force: true });
}

function afterUpdate(
  managers: Managers,
  change: { readonly before: unknown; readonly after: unknown; readonly manager: string },
  place: Omit<Place, "ignored"> & { readonly ignored: FieldSet },
): Managers {
  const { managers: left, fields } = managersAfterUpdate(managers, change.before, change.after, place);
  const taken = withoutMeta(fields);
  return taken.isEmpty ? left : taking(left, taken, change.manager, place);
}

/** With what a plain write of `manager` made its own. */
function taking(managers: Managers, taken: FieldSet, manager: string, place: Omit<Place, "ignored">): Managers {
  const writer = writerOf(manager, place, taken);
  const id = managerId(writer);
  const before = managers.get(id);
  return new Map(managers).set(id, before === undefined ? writer : { ...writer, fields: before.fields.union(taken) });
}

function writerOf(manager: string, { apiVersion, subresource = "", now }: Omit<Place, "ignored">, fields: FieldSet): Manager {
  return { name: manager === "" ? defaultManager : manager, operation: "Update", apiVersion, subresource, fields, time: rfc3339(now) };
}

function managersForApply(live: KubeObject | undefined): Managers {
  try {
    return decodeManagers(live?.metadata.managedFields);
  } catch (error) {
    if (error instanceof FieldsError || error instanceof ManagedFieldsError) throw failure("", `failed to decode managed fields: ${error.message}`);
    throw error;
  }
}

/** The request's own entries count when they can be read, for they may be edited; else the live ones. */
function managersForUpdate(live: KubeObject | undefined, given: readonly ManagedFieldsEntry[] | undefined): Managers {
  for (const entries of [given, live?.metadata.managedFields]) {
    if (entries === undefined || entries.length === 0) continue;
    try {
      return decodeManagers(entries);
    } catch (error) {
      if (!(error instanceof FieldsError || error instanceof ManagedFieldsError)) throw error;
    }
  }
  return new Map();
}

const ignoredFields = ({ ignored }: Place): FieldSet => (ignored === undefined ? FieldSet.empty : decodeFields(ignored));

function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function withManagedFields<T extends KubeObject>(object: T, managers: Managers): T {
  const plain = withoutManagedFields(object);
  return managers.size === 0 ? plain : { ...plain, metadata: { ...plain.metadata, managedFields: encodeManagers(managers) } };
}
