import type { Draft } from "../../base/values.ts";
import type { ManagedFieldsEntry } from "../generated/meta-v1.ts";
import { decodeFields, encodeFields, FieldsError } from "./fields-v1.ts";
import { FieldSet } from "./field-set.ts";

/**
 * Who manages what. Keyed by `managerId`, because one manager has an entry for each operation, version and subresource.
 * @upstream apimachinery/pkg/util/managedfields/internal/managedfields.go
 */
export type Managers = ReadonlyMap<string, Manager>;

export interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly fields: FieldSet;
  /** RFC 3339; absent until the object changes for the first time. */
  readonly time?: string | undefined;
}

/** managedFields that cannot be read. */
export class ManagedFieldsError extends Error {
  override readonly name = "ManagedFieldsError";
}

/** Appliers keep their entry whatever version they apply. */
export function managerId({ name, operation, apiVersion, subresource }: Omit<Manager, "fields" | "time">): string {
  return `${name}\n${operation}\n${operation === "Apply" ? "" : apiVersion}\n${subresource}`;
}

/** Throws ManagedFieldsError or FieldsError. */
export function decodeManagers(entries: readonly ManagedFieldsEntry[] | undefined): Map<string, Manager> {
  const managers = new Map<string, Manager>();
  for (const [index, entry] of (entries ?? []).entries()) {
    const { manager: name = "", operation, apiVersion = "", subresource = "", fieldsType = "", fieldsV1, time } = entry;
    if (operation !== "Apply" && operation !== "Update")
      throw new ManagedFieldsError(`error decoding manager from ${JSON.stringify(name)}: operation must be \`Apply\` or \`Update\``);
    if (fieldsType === "") throw new ManagedFieldsError(`missing fieldsType in managed fields entry ${index}`);
    if (fieldsType !== "FieldsV1") throw new ManagedFieldsError(`invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${index}`);
    const manager: Manager = { name, operation, apiVersion, subresource, fields: fieldsV1 === undefined || fieldsV1 === null ? FieldSet.empty : decodeFields(fieldsV1), time };
    managers.set(managerId(manager), manager);
  }
  return managers;
}

/** Why entries cannot be read, if they cannot. */
export function managersFault(entries: readonly ManagedFieldsEntry[]): string | undefined {
  try {
    decodeManagers(entries);
    return undefined;
  } catch (error) {
    if (error instanceof FieldsError || error instanceof ManagedFieldsError) return error.message;
    throw error;
  }
}

/** The entries in upstream's order: by operation, time, manager, version and subresource. */
export function encodeManagers(managers: Managers): ManagedFieldsEntry[] {
  const second = ({ time }: Manager): number => (time === undefined ? 0 : Math.trunc(Date.parse(time) / 1000));
  const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  const sorted = [...managers.values()].sort(
    (a, b) =>
      compareText(a.operation, b.operation) ||
      second(a) - second(b) ||
      compareText(a.name, b.name) ||
      compareText(a.apiVersion, b.apiVersion) ||
      compareText(a.subresource, b.subresource),
  );
  return sorted.map(encodeManager);
}

/** PERF: on every write; assignments are several times faster than conditional spreads. */
export function encodeManager({ name, operation, apiVersion, subresource, fields, time }: Manager): ManagedFieldsEntry {
  const entry: Draft<ManagedFieldsEntry> = {};
  if (name !== "") entry.manager = name;
  entry.operation = operation;
  if (apiVersion !== "") entry.apiVersion = apiVersion;
  if (time !== undefined) entry.time = time;
  entry.fieldsType = "FieldsV1";
  entry.fieldsV1 = encodeFields(fields);
  if (subresource !== "") entry.subresource = subresource;
  return entry as ManagedFieldsEntry;
}

/** Entries by Update that an object may have; older ones are merged into one per version. */
const maxUpdateManagers = 10;
const oldUpdatesName = "ancient-changes";

/** @upstream apimachinery/pkg/util/managedfields/internal/capmanagers.go */
export function capUpdateManagers(managers: Managers): Managers {
  const updaters = [...managers].filter(([, { operation }]) => operation === "Update");
  if (updaters.length <= maxUpdateManagers) return managers;
  const second = (time: string | undefined): number => (time === undefined ? 0 : Math.trunc(Date.parse(time) / 1000));
  updaters.sort(([idA, a], [idB, b]) => second(a.time) - second(b.time) || (idA < idB ? -1 : 1));
  const out = new Map(managers);
  const firstOfVersion = new Map<string, string>();
  let left = updaters.length;
  for (const [id, manager] of updaters) {
    if (left <= maxUpdateManagers) break;
    const first = firstOfVersion.get(manager.apiVersion);
    if (first === undefined) {
      firstOfVersion.set(manager.apiVersion, id);
      continue;
    }
    const bucket = { name: oldUpdatesName, operation: "Update" as const, apiVersion: manager.apiVersion, subresource: "" };
    const bucketId = managerId(bucket);
    const before = out.get(bucketId) ?? out.get(first);
    if (!out.has(bucketId)) out.delete(first);
    if (id !== bucketId) out.delete(id);
    out.set(bucketId, { ...bucket, fields: manager.fields.union(before?.fields ?? FieldSet.empty), time: manager.time });
    left -= 1;
  }
  return out;
}

/** Paths that nobody manages. @upstream apimachinery/pkg/util/managedfields/internal/stripmeta.go */
const stripped = decodeFields({
  "f:apiVersion": {},
  "f:kind": {},
  "f:metadata": {
    ".": {},
    "f:name": {},
    "f:namespace": {},
    "f:creationTimestamp": {},
    "f:selfLink": {},
    "f:uid": {},
    "f:clusterName": {},
    "f:generation": {},
    "f:managedFields": {},
    "f:resourceVersion": {},
  },
});

export const withoutMeta = (fields: FieldSet): FieldSet => fields.difference(stripped);
