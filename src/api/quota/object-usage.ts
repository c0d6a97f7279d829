import { Quantity } from "../../meta/quantity.ts";
import type { GroupResource } from "../../meta/resource.ts";
import { groupResourceText } from "../../meta/resource.ts";
import type { PersistentVolumeClaim, Pod, Service } from "../generated/types/core-v1.ts";
import type { ExactDeviceRequest, ResourceClaim } from "../generated/types/resource-v1.ts";
import { podUsage, type Usage } from "./pod-usage.ts";

const one = Quantity.of(1);
/** Resources that quotas count under their bare name, too. */
const bareNames = new Set(["configmaps", "secrets", "replicationcontrollers", "resourcequotas", "services", "persistentvolumeclaims"]);

export function isBareCount(name: string): boolean {
  return bareNames.has(name);
}

/** All that one object takes of a quota: `{ "count/services": 1, services: 1, "services.nodeports": 2 }`. */
export function objectUsage(resource: GroupResource, object: unknown, nowMs: number): Usage {
  const name = groupResourceText(resource);
  const usage = new Map([[`count/${name}`, one]]);
  if (isBareCount(name)) usage.set(name, one);
  if (name === "pods") return podUsage(object as Pod, nowMs);
  if (name === deviceClaims) for (const [key, amount] of deviceUsage(object as ResourceClaim)) usage.set(key, amount);
  const more = name === "services" ? serviceUsage(object as Service) : name === "persistentvolumeclaims" ? claimUsage(object as PersistentVolumeClaim) : [];
  for (const [key, amount] of more) usage.set(key, amount);
  return usage;
}

const deviceClaims = "resourceclaims.resource.k8s.io";
const devicesSuffix = ".deviceclass.resource.k8s.io/devices";
/** As many devices as one claim may be given at most. */
const MOST_DEVICES = 32;

const podNames = /^(?:pods|count\/pods|cpu|memory|ephemeral-storage|hugepages-.*|requests\.(?!storage$).*|limits\..*)$/;
const classSuffix = ".storageclass.storage.k8s.io/";

/** Whether objects of a resource can count for a name in a quota's `hard`. @upstream Evaluator.MatchingResources */
export function concerns(resource: GroupResource, name: string): boolean {
  const own = groupResourceText(resource);
  if (own === "pods") return podNames.test(name);
  if (name === `count/${own}` || (name === own && isBareCount(own))) return true;
  if (own === "services") return name.startsWith("services.");
  if (own === deviceClaims) return isDeviceQuota(name);
  return own === "persistentvolumeclaims" && (name === "requests.storage" || name.includes(classSuffix));
}

/** Of how many devices of a class a quota speaks: `gpu.deviceclass.resource.k8s.io/devices`. */
export const isDeviceQuota = (name: string): boolean => name.endsWith(devicesSuffix);

/** What a claim for devices may take of each class, at worst. @upstream pkg/quota/v1/evaluator/core/resource_claims.go */
export function deviceUsage({ spec }: ResourceClaim): Usage {
  const usage = new Map<string, Quantity>();
  for (const request of spec.devices?.requests ?? []) {
    // One of the alternatives is taken: for each class the one that takes most counts. Older versions have the one request's fields beside its name.
    const alternatives: readonly Asked[] = (request.firstAvailable ?? []).length > 0 ? (request.firstAvailable ?? []) : [request.exactly ?? (request as Asked)];
    const worst = new Map<string, number>();
    for (const asked of alternatives) {
      if (asked.deviceClassName === undefined) continue;
      worst.set(asked.deviceClassName, Math.max(worst.get(asked.deviceClassName) ?? 0, countOf(asked)));
    }
    for (const [name, count] of worst) {
      const key = `${name}${devicesSuffix}`;
      usage.set(key, (usage.get(key) ?? Quantity.zero).add(Quantity.of(count)));
    }
  }
  return usage;
}

type Asked = Partial<Pick<ExactDeviceRequest, "deviceClassName" | "allocationMode" | "count">>;

function countOf({ allocationMode, count }: Asked): number {
  if (allocationMode === "All") return MOST_DEVICES;
  return allocationMode === undefined || allocationMode === "" || allocationMode === "ExactCount" ? (count ?? 1) : 0;
}

/** Ports and load balancers of a service; that it is one counts besides. @upstream pkg/quota/v1/evaluator/core/services.go */
export function serviceUsage({ spec }: Service): Usage {
  const usage = new Map<string, Quantity>();
  const ports = spec?.ports?.length ?? 0;
  if (spec?.type === "LoadBalancer") {
    usage.set("services.loadbalancers", one);
    if (spec.allocateLoadBalancerNodePorts !== false) usage.set("services.nodeports", Quantity.of(ports));
    else usage.set("services.nodeports", Quantity.of((spec.ports ?? []).filter(({ nodePort = 0 }) => nodePort !== 0).length));
  } else if (spec?.type === "NodePort") usage.set("services.nodeports", Quantity.of(ports));
  return usage;
}

/** What a claim asks for, also under the name of its class. @upstream pkg/quota/v1/evaluator/core/persistent_volume_claims.go */
function claimUsage({ spec, status }: PersistentVolumeClaim): Usage {
  const usage = new Map<string, Quantity>();
  const asked = spec.resources?.requests?.["storage"];
  const given = status?.allocatedResources?.["storage"];
  const amounts = [asked, given].filter((text) => text !== undefined).map((text) => Quantity.parse(text));
  const [first, second] = amounts;
  const storage = first !== undefined && second !== undefined ? (first.compare(second) >= 0 ? first : second) : first;
  const prefix = spec.storageClassName === undefined || spec.storageClassName === "" ? undefined : `${spec.storageClassName}.storageclass.storage.k8s.io/`;
  if (prefix !== undefined) usage.set(`${prefix}persistentvolumeclaims`, one);
  if (storage === undefined) return usage;
  usage.set("requests.storage", storage);
  if (prefix !== undefined) usage.set(`${prefix}requests.storage`, storage);
  return usage;
}
