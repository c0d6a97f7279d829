import { clone, type Draft } from "../../base/values.ts";
import { apply, keepTimes, trackUpdate } from "../../meta/apply/apply.ts";
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

/** What cannot be owned through an endpoint, because writing there does not change it. @upstream GetResetFields of the strategies */
function ignoredAt(served: ServedResource, subresource: string): { readonly [part: string]: unknown } | undefined {
  if (subresource === "status") return { "f:spec": {} };
  return served.hasStatus ? { "f:status": {} } : undefined;
}

/** Records in managedFields what a plain write changed. */
export async function trackWrite(
  draft: Draft<KubeObject>,
  live: KubeObject | undefined,
  served: ServedResource,
  { manager, subresource, nowMs }: Writer,
  table: ResourceTable,
): Promise<void> {
  const request = {
    live,
    next: draft as KubeObject,
    manager,
    schema: served.schema,
    apiVersion: served.apiVersion,
    subresource,
    now: nowMs,
    ignored: ignoredAt(served, subresource),
  };
  const tracked = await throughVersions(served, table, (inVersion) => trackUpdate({ ...request, inVersion }));
  const { managedFields } = (live === undefined ? tracked : keepTimes(tracked, live)).metadata;
  if (managedFields === undefined || managedFields.length === 0) delete draft.metadata.managedFields;
  else draft.metadata.managedFields = clone(managedFields) as NonNullable<Draft<KubeObject>["metadata"]["managedFields"]>;
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
