import { controllerOf } from "../../meta/object.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { Pod } from "../generated/types/core-v1.ts";
import type { ExactDeviceRequest, ResourceClaim } from "../generated/types/resource-v1.ts";
import { EXTENDED_RESOURCE_CLAIM } from "../resource/pod-claims.ts";
import { IMPLICIT_PREFIX, type ResourceClasses } from "../resource/resource-classes.ts";
import { podUsage, type Usage } from "./pod-usage.ts";

// What claims for devices take of a quota. @upstream pkg/quota/v1/evaluator/core/resource_claims.go

/** What a claim for devices is charged for depends on these of its namespace, too. */
export interface DeviceSurroundings {
  readonly classes: Pick<ResourceClasses, "of" | "resourceOf">;
  pod(name: string): Pod | undefined;
  claims(): Iterable<ResourceClaim>;
}

const DEVICES = ".deviceclass.resource.k8s.io/devices";
const REQUESTS = "requests.";
/** As many devices as one claim may be given at most. */
const MOST_DEVICES = 32;

/** Whether the name in a quota's `hard` counts devices: `gpu.deviceclass.resource.k8s.io/devices`, or an extended resource that is one of a class. */
export function isDeviceQuota(name: string, classes: DeviceSurroundings["classes"]): boolean {
  return name.endsWith(DEVICES) || (name.startsWith(REQUESTS) && classes.of(name.slice(REQUESTS.length)) !== undefined);
}

/** What a claim may take, at worst, of each class and of the extended resources that the classes stand for. */
export function deviceUsage(claim: ResourceClaim, around: { readonly nowMs: number; readonly devices: DeviceSurroundings }): Usage {
  const ofClasses = devicesByClass(claim);
  const usage = new Map<string, Quantity>();
  const byPod = usageOfItsPod(claim, around);
  const charge = (resource: string, amount: Quantity): void => {
    const name = `${REQUESTS}${resource}`;
    // A pod that asks for the resource has been charged for it already; what the scheduler then claims for it is no second use.
    const left = amount.sub(byPod?.get(name) ?? Quantity.zero);
    if (left.sign > 0) usage.set(name, left);
  };
  for (const [className, count] of ofClasses) {
    const amount = Quantity.of(count);
    usage.set(`${className}${DEVICES}`, amount);
    charge(`${IMPLICIT_PREFIX}${className}`, amount);
    const resource = around.devices.classes.resourceOf(className);
    if (resource !== undefined) charge(resource, amount);
  }
  return usage;
}

function devicesByClass({ spec }: ResourceClaim): ReadonlyMap<string, number> {
  const total = new Map<string, number>();
  for (const request of spec.devices?.requests ?? []) {
    // One of the alternatives is taken: for each class the one that takes most counts. Older versions have the one request's fields beside its name.
    const alternatives: readonly Asked[] = (request.firstAvailable ?? []).length > 0 ? (request.firstAvailable ?? []) : [request.exactly ?? (request as Asked)];
    const worst = new Map<string, number>();
    for (const asked of alternatives) {
      if (asked.deviceClassName === undefined) continue;
      worst.set(asked.deviceClassName, Math.max(worst.get(asked.deviceClassName) ?? 0, countOf(asked)));
    }
    for (const [name, count] of worst) total.set(name, (total.get(name) ?? 0) + count);
  }
  return total;
}

type Asked = Partial<Pick<ExactDeviceRequest, "deviceClassName" | "allocationMode" | "count">>;

function countOf({ allocationMode, count }: Asked): number {
  if (allocationMode === "All") return MOST_DEVICES;
  return allocationMode === undefined || allocationMode === "" || allocationMode === "ExactCount" ? (count ?? 1) : 0;
}

/** What the pod is charged for whose extended resources the claim is for; undefined for claims that are not the one such claim of a pod. */
function usageOfItsPod(claim: ResourceClaim, { nowMs, devices }: { readonly nowMs: number; readonly devices: DeviceSurroundings }): Usage | undefined {
  const owner = podOfExtended(claim);
  if (owner === undefined) return undefined;
  const pod = devices.pod(owner.name);
  if (pod === undefined || pod.metadata.uid !== owner.uid) return undefined;
  const named = pod.status?.extendedResourceClaimStatus?.resourceClaimName;
  const isTheOne = named === undefined ? isFirst(claim, owner.uid, devices.claims()) : named === claim.metadata.name;
  return isTheOne ? podUsage(pod, nowMs) : undefined;
}

/** The pod for whose extended resources the scheduler says that it made the claim. */
function podOfExtended(claim: ResourceClaim): { readonly name: string; readonly uid: string } | undefined {
  if (claim.metadata.annotations?.[EXTENDED_RESOURCE_CLAIM] !== "true") return undefined;
  const owner = controllerOf(claim);
  return owner?.kind === "Pod" && owner.apiVersion === "v1" ? owner : undefined;
}

/** Whoever may make claims could say so of many: only the oldest is spared. */
function isFirst({ metadata }: ResourceClaim, podUid: string, others: Iterable<ResourceClaim>): boolean {
  const { name = "", creationTimestamp = "" } = metadata;
  for (const other of others) {
    if (podOfExtended(other)?.uid !== podUid) continue;
    const { name: otherName = "", creationTimestamp: otherTime = "" } = other.metadata;
    if (otherTime < creationTimestamp || (otherTime === creationTimestamp && otherName < name)) return false;
  }
  return true;
}
