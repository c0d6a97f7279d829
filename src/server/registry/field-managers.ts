import { deepFreeze, type Draft } from "../../base/values.ts";
import { apply, keepTimes, trackUpdate } from "../../meta/apply/apply.ts";
import { managersFault } from "../../meta/apply/managed-fields.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { ResourceTable } from "../resources/resource-table.ts";
import type { ServedResource } from "../resources/served-resource.ts";
import { throughVersions } from "./through-versions.ts";

/** Who writes, and through which endpoint. */
export interface Writer {
  readonly manager: string;
  readonly subresource: string;
  readonly nowMs: number;
}

// PERF: frozen, so that their sets are worked out once.
const spec = deepFreeze({ "f:spec": {} });
const status = deepFreeze({ "f:status": {} });

/** What cannot be owned through an endpoint, because writing there does not change it. @upstream GetResetFields of the strategies */
function ignoredAt(served: ServedResource, subresource: string): { readonly [part: string]: unknown } | undefined {
  if (subresource === "status") return spec;
  return served.hasStatus ? status : undefined;
}

/** Records in managedFields what a plain write changed; undefined when that is done at once. */
export function trackWrite(
  draft: Draft<KubeObject>,
  live: KubeObject | undefined,
  served: ServedResource,
  { manager, subresource, nowMs }: Writer,
  table: ResourceTable,
): Promise<void> | undefined {
  const { schema, apiVersion } = served;
  const ignored = ignoredAt(served, subresource);
  const tracked = throughVersions(served, table, (inVersion) =>
    trackUpdate({ live, next: draft as KubeObject, manager, schema, apiVersion, subresource, now: nowMs, ignored, inVersion }),
  );
  if (tracked instanceof Promise) return tracked.then((entries) => setManagers(draft, entries));
  setManagers(draft, tracked);
  return undefined;
}

/** Once an object is as it will be stored: the times that it had, where nothing but times would change. */
export function settleTimes(draft: Draft<KubeObject>, live: KubeObject): void {
  const settled = keepTimes(draft as KubeObject, live);
  if (settled !== draft) setManagers(draft, settled.metadata.managedFields);
}

type Entries = NonNullable<Draft<KubeObject>["metadata"]["managedFields"]>;

function setManagers(draft: Draft<KubeObject>, managedFields: KubeObject["metadata"]["managedFields"]): void {
  if (managedFields === undefined || managedFields.length === 0) delete draft.metadata.managedFields;
  // PERF: sets of fields are frozen and shared; only the entries may still be changed.
  else draft.metadata.managedFields = (Object.isFrozen(managedFields) ? managedFields.map((entry) => ({ ...entry })) : managedFields) as Entries;
}

/** Lets `mutate` change a draft; managers that cannot be read afterwards are put back. Undefined when all is done at once. @upstream apiserver/pkg/endpoints/handlers/fieldmanager/admission.go */
export function keepingManagers(draft: Draft<KubeObject>, warnings: string[], mutate: () => Promise<void> | undefined): Promise<void> | undefined {
  const before = draft.metadata.managedFields;
  const mutating = mutate();
  if (mutating !== undefined) return mutating.then(() => keepReadable(draft, before, warnings));
  keepReadable(draft, before, warnings);
  return undefined;
}

function keepReadable(draft: Draft<KubeObject>, before: Entries | undefined, warnings: string[]): void {
  const after = draft.metadata.managedFields;
  if (after === before || after === undefined) return;
  const fault = managersFault(after);
  if (fault === undefined) return;
  if (before === undefined) delete draft.metadata.managedFields;
  else draft.metadata.managedFields = before;
  warnings.push(
    `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${fault}`,
  );
}

/** Server-side apply: what should stand when `config` is laid over `live`. */
export async function applyConfiguration(
  config: unknown,
  live: KubeObject | undefined,
  served: ServedResource,
  { manager, subresource, nowMs, force }: Writer & { readonly force: boolean },
  table: ResourceTable,
): Promise<KubeObject> {
  const request = { live, config, manager, force, schema: served.schema, apiVersion: served.apiVersion, subresource, now: nowMs, ignored: ignoredAt(served, subresource) };
  return throughVersions(served, table, (inVersion) => apply({ ...request, inVersion }));
}
