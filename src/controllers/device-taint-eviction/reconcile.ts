import { pods, resourceClaims, resourceSlices } from "../../api/generated/resources.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { ResourceClaim, ResourceSlice } from "../../api/generated/types/resource-v1.ts";
import { claimNamesOf, isReservedFor, whyNotForPod } from "../../api/resource/pod-claims.ts";
import { keyOf } from "../../meta/object.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { enqueueKeys, LateQueue } from "../enqueue.ts";
import { disruptAndDelete } from "../pods/disruption.ts";
import { evictionMetrics } from "../pods/eviction-metrics.ts";
import { isPodTerminal } from "../pods/pod-state.ts";
import { evictionTime, hasEvictingTaint, poolOfSlice, poolsOfClaim } from "./plan.ts";

const POOL = "device-pool";
const EVENT = "DeviceTaintManagerEviction";

/** Deletes pods whose devices have become tainted beyond what their claims tolerate. @upstream pkg/controller/devicetainteviction/device_taint_eviction.go */
export function deviceTaintEvictionController(deps: ControllerDeps): Controller {
  const { clock, recorder, informers } = deps;
  const podInformer = informers.informer(pods);
  const claims = informers.informer(resourceClaims);
  const slices = informers.informer(resourceSlices);
  /** UIDs of the pods that will have to go, by key. */
  const scheduled = new Map<string, string>();
  const late = new LateQueue();
  const evictions = evictionMetrics(deps.metrics, "device_taint_eviction_controller");
  const slicesOf = (pool: string): readonly ResourceSlice[] => slices.lister.byIndex(POOL, pool);

  /** The earliest time of those that its claims give. */
  function dueTime(pod: Pod): number | undefined {
    if ((pod.spec.nodeName ?? "") === "") return undefined;
    let earliest: number | undefined;
    for (const { named } of claimNamesOf(pod)) {
      if (named === "none" || "missing" in named) continue;
      const claim = claims.lister.get(`${pod.metadata.namespace ?? ""}/${named.name}`);
      if (claim === undefined || !isReservedFor(pod, claim) || (named.checksOwner && whyNotForPod(pod, claim) !== undefined)) continue;
      const dueMs = evictionTime(claim, slicesOf);
      if (dueMs !== undefined) earliest = Math.min(earliest ?? dueMs, dueMs);
    }
    return earliest;
  }

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const pod = podInformer.lister.get(key);
    if (pod === undefined || isPodTerminal(pod) || pod.metadata.deletionTimestamp !== undefined) {
      scheduled.delete(key);
      return;
    }
    const { uid = "" } = pod.metadata;
    const dueMs = dueTime(pod);
    if (dueMs === undefined) {
      if (scheduled.get(key) === uid) recorder.event(pod, "Normal", EVENT, "Cancelling deletion");
      scheduled.delete(key);
      return;
    }
    scheduled.set(key, uid);
    const nowMs = clock.now();
    if (dueMs > nowMs) {
      late.addAfter(key, dueMs - nowMs);
      return;
    }
    recorder.event(pod, "Normal", EVENT, "Marking for deletion");
    const how = { reason: "DeletionByDeviceTaintManager", message: "Device Taint manager: deleting due to NoExecute taint" };
    await disruptAndDelete(pod, how, { client: deps.client, nowMs, signal });
    evictions.deleted((clock.now() - dueMs) / 1000);
    scheduled.delete(key);
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    informers.addIndex(slices, POOL, (slice) => [poolOfSlice(slice)]);
    informers.addIndex(claims, POOL, poolsOfClaim);
    const usersOf = ({ metadata, status }: ResourceClaim): readonly string[] =>
      (status?.reservedFor ?? []).flatMap(({ apiGroup = "", resource, name }) => (apiGroup === "" && resource === "pods" ? [`${metadata.namespace ?? ""}/${name}`] : []));
    enqueueKeys(queue, claims, usersOf);
    podInformer.subscribe({
      added(pod) {
        if (usesClaims(pod)) queue.add(keyOf(pod));
      },
      updated(previous, pod) {
        if (usesClaims(pod) && (previous.spec.nodeName !== pod.spec.nodeName || previous.status?.resourceClaimStatuses !== pod.status?.resourceClaimStatuses))
          queue.add(keyOf(pod));
      },
      deleted(pod) {
        if (scheduled.has(keyOf(pod))) queue.add(keyOf(pod));
      },
    });
    const look = (pool: string, ...changed: readonly ResourceSlice[]): void => {
      // Slices change often, taints seldom. A slice that goes may bring an older generation's taints back.
      if (![...changed, ...slicesOf(pool)].some(hasEvictingTaint)) return;
      for (const claim of claims.lister.byIndex(POOL, pool)) for (const pod of usersOf(claim)) queue.add(pod);
    };
    slices.subscribe({
      added: (slice) => look(poolOfSlice(slice), slice),
      updated(previous, slice) {
        look(poolOfSlice(slice), previous, slice);
        if (poolOfSlice(previous) !== poolOfSlice(slice)) look(poolOfSlice(previous), previous);
      },
      deleted: (slice) => look(poolOfSlice(slice), slice),
    });
  }

  return { name: "device-taint-eviction", workers: 8, setup, reconcile };
}

function usesClaims({ spec, status }: Pod): boolean {
  return (spec.resourceClaims?.length ?? 0) > 0 || status?.extendedResourceClaimStatus !== undefined;
}
