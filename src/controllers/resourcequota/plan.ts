import type { PersistentVolumeClaim, Pod, ResourceQuota, ResourceQuotaStatus, Service } from "../../api/generated/types/core-v1.ts";
import type { ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import type { DeviceSurroundings } from "../../api/quota/device-usage.ts";
import { concerns, isBareCount, objectUsage, serviceUsage, type UsageSurroundings } from "../../api/quota/object-usage.ts";
import { podUsage } from "../../api/quota/pod-usage.ts";
import { claimInScopes, isScoped, podInScopes } from "../../api/quota/scopes.ts";
import { deepEqual } from "../../base/values.ts";
import { Quantity } from "../../meta/quantity.ts";
import { isPodTerminal } from "../pods/pod-state.ts";

export interface QuotaState {
  readonly quota: ResourceQuota;
  readonly pods: readonly Pod[];
  readonly services: readonly Service[];
  readonly claims: readonly PersistentVolumeClaim[];
  readonly deviceClaims: readonly ResourceClaim[];
  readonly classes: DeviceSurroundings["classes"];
  /** How many objects of `configmaps`, `deployments.apps` … there are; undefined when that is no resource. */
  readonly countOf: (resource: string) => number | undefined;
  readonly nowMs: number;
}

/** The resource whose objects a quota's name counts: `deployments.apps` of `count/deployments.apps`; undefined for other names. */
export function countedResource(name: string): string | undefined {
  if (name.startsWith("count/")) return name.slice("count/".length);
  return isBareCount(name) ? name : undefined;
}

const volumeClaims = { group: "", resource: "persistentvolumeclaims" };
const deviceClaims = { group: "resource.k8s.io", resource: "resourceclaims" };

/** @upstream pkg/controller/resourcequota/resource_quota_controller.go syncResourceQuota */
export function quotaStatus(state: QuotaState): ResourceQuotaStatus {
  const { hard = {} } = state.quota.spec;
  const scoped = isScoped(state.quota.spec);
  const total = new Map<string, Quantity>();
  const add = (usage: Iterable<readonly [string, Quantity]>): void => {
    for (const [name, amount] of usage) total.set(name, total.get(name)?.add(amount) ?? amount);
  };
  const around = surroundings(state);
  for (const pod of state.pods) if (podInScopes(pod, state.quota.spec)) add(podUsage(pod, state.nowMs));
  for (const claim of state.claims) if (claimInScopes(claim, state.quota.spec)) add(objectUsage(volumeClaims, claim, around));
  // Scopes are about pods and volume claims; with them nothing else counts.
  if (!scoped) {
    for (const service of state.services) add(serviceUsage(service));
    const names = new Set(Object.keys(hard).filter((name) => concerns(deviceClaims, name, state.classes)));
    if (names.size > 0) for (const claim of state.deviceClaims) add([...objectUsage(deviceClaims, claim, around)].filter(([name]) => names.has(name)));
  }
  const used: Record<string, string> = {};
  for (const name of Object.keys(hard).sort()) {
    const resource = countedResource(name);
    const counted = resource === undefined || resource === "pods" || resource === volumeClaims.resource ? undefined : state.countOf(resource);
    if (counted === undefined) used[name] = (total.get(name) ?? Quantity.zero).toString();
    else used[name] = String(scoped ? 0 : counted);
  }
  return { hard, used };
}

/** Whether news of a pod may change what a quota counts. @upstream pkg/quota/v1/install/update_filter.go DefaultUpdateFilter */
export function countsOtherwise(previous: Pod, pod: Pod): boolean {
  if (previous.metadata.deletionTimestamp !== pod.metadata.deletionTimestamp || previous.metadata.deletionGracePeriodSeconds !== pod.metadata.deletionGracePeriodSeconds)
    return true;
  if (isPodTerminal(previous) !== isPodTerminal(pod) || previous.status?.qosClass !== pod.status?.qosClass) return true;
  // Where it runs is all the same.
  return previous.spec !== pod.spec && !deepEqual({ ...previous.spec, nodeName: "" }, { ...pod.spec, nodeName: "" });
}

function surroundings({ nowMs, classes, pods, deviceClaims: claims }: QuotaState): UsageSurroundings {
  let byName: ReadonlyMap<string | undefined, Pod> | undefined;
  const podsByName = (): ReadonlyMap<string | undefined, Pod> => (byName ??= new Map(pods.map((pod) => [pod.metadata.name, pod])));
  return { nowMs, devices: { classes, pod: (name) => podsByName().get(name), claims: () => claims } };
}
