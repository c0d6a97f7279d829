import { Quantity } from "../../meta/quantity.ts";
import type { GroupResource } from "../../meta/resource.ts";
import { groupResourceText } from "../../meta/resource.ts";
import type { PersistentVolumeClaim, Pod, Service } from "../generated/types/core-v1.ts";
import type { ResourceClaim } from "../generated/types/resource-v1.ts";
import { type DeviceSurroundings, deviceUsage, isDeviceQuota } from "./device-usage.ts";
import { podUsage, type Usage } from "./pod-usage.ts";

const one = Quantity.of(1);
/** Resources that quotas count under their bare name, too. */
const bareNames = new Set(["configmaps", "secrets", "replicationcontrollers", "resourcequotas", "services", "persistentvolumeclaims"]);

export function isBareCount(name: string): boolean {
  return bareNames.has(name);
}

/** What usage depends on besides the object itself. */
export interface UsageSurroundings {
  readonly nowMs: number;
  readonly devices: DeviceSurroundings;
}

/** All that one object takes of a quota: `{ "count/services": 1, services: 1, "services.nodeports": 2 }`. */
export function objectUsage(resource: GroupResource, object: unknown, around: UsageSurroundings): Usage {
  const name = groupResourceText(resource);
  const usage = new Map([[`count/${name}`, one]]);
  if (isBareCount(name)) usage.set(name, one);
  if (name === "pods") return podUsage(object as Pod, around.nowMs);
  for (const [key, amount] of particularUsage(name, object, around)) usage.set(key, amount);
  return usage;
}

function particularUsage(resource: string, object: unknown, around: UsageSurroundings): Iterable<readonly [string, Quantity]> {
  if (resource === "services") return serviceUsage(object as Service);
  if (resource === "persistentvolumeclaims") return claimUsage(object as PersistentVolumeClaim);
  return resource === deviceClaims ? deviceUsage(object as ResourceClaim, around) : [];
}

const deviceClaims = "resourceclaims.resource.k8s.io";

const podNames = /^(?:pods|count\/pods|cpu|memory|ephemeral-storage|hugepages-.*|requests\.(?!storage$).*|limits\..*)$/;
const classSuffix = ".storageclass.storage.k8s.io/";

/** Whether objects of a resource can count for a name in a quota's `hard`. @upstream Evaluator.MatchingResources */
export function concerns(resource: GroupResource, name: string, classes: DeviceSurroundings["classes"]): boolean {
  const own = groupResourceText(resource);
  if (own === "pods") return podNames.test(name);
  if (name === `count/${own}` || (name === own && isBareCount(own))) return true;
  if (own === "services") return name.startsWith("services.");
  if (own === deviceClaims) return isDeviceQuota(name, classes);
  return own === "persistentvolumeclaims" && (name === "requests.storage" || name.includes(classSuffix));
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
