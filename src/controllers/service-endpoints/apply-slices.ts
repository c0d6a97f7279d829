import { endpointSlices } from "../../api/generated/resources.ts";
import type { EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import type { Client } from "../../client/client.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Expectations } from "../../reconcile/expectations.ts";
import { isNamespaceTerminating } from "../failures.ts";
import type { SlicePlan } from "./slice-plan.ts";

/** Does what a plan says. Created slices are expected to show up in the informer before the next reconcile. Throws the first failure after trying everything. */
export async function applySlices(
  key: string,
  plan: SlicePlan,
  deps: { readonly client: Client; readonly expectations: Expectations; readonly signal: AbortSignal },
): Promise<void> {
  const { client, expectations, signal } = deps;
  const errors: unknown[] = [];
  const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      errors.push(error);
      return false;
    }
  };
  const place = (slice: Pick<EndpointSlice, "metadata">) => ({ namespace: slice.metadata.namespace, signal });
  if (plan.create.length > 0) expectations.expectCreations(key, plan.create.length);
  for (const slice of plan.create) if (!(await attempt(() => client.create(endpointSlices, slice, place(slice))))) expectations.creationObserved(key);
  for (const slice of plan.update) await attempt(() => client.update(endpointSlices, slice, place(slice)));
  for (const slice of plan.remove) await attempt(() => client.delete(endpointSlices, slice.metadata.name ?? "", place(slice)));
  const failure = errors.find((error) => !hasReason(error, "NotFound") && !isNamespaceTerminating(error));
  if (failure !== undefined) throw failure;
}
