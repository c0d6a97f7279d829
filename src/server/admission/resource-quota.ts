import type { Container, PersistentVolumeClaim, Pod, ResourceQuota } from "../../api/generated/types/core-v1.ts";
import type { DeviceClass, ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { concerns, objectUsage, type UsageSurroundings } from "../../api/quota/object-usage.ts";
import type { Usage } from "../../api/quota/pod-usage.ts";
import { isPodLevelResource } from "../../api/pod/resource-name.ts";
import { claimInScopes, isScoped, podInScopes } from "../../api/quota/scopes.ts";
import { ResourceClasses } from "../../api/resource/resource-classes.ts";
import type { Clock } from "../../base/clock.ts";
import type { KubeObject } from "../../meta/object.ts";
import { Quantity } from "../../meta/quantity.ts";
import { forbidden } from "../../meta/status-error.ts";
import { type CacheEntry, encodeForStore } from "../cache/cache-entry.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";

const PREFIX = "/registry/resourcequotas/";
const CLASSES = "/registry/deviceclasses/";
const CLAIMS = "/registry/resourceclaims/";
const PODS = "/registry/pods/";
/** A quota on these asks every container to say what it needs. @upstream pkg/quota/v1/evaluator/core/pods.go validationSet */
const explicit = new Set(["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"]);

/**
 * Refuses what would exceed a quota of its namespace, and charges for what would not: the quota's new status is written
 * in the same commit as the object. Writes to one namespace with quotas go one after the other from here to their
 * commit; another server on the same store is noticed by the quota's revision. @upstream apiserver/pkg/admission/plugin/resourcequota
 */
export function resourceQuota(deps: { readonly cache: StateCache; readonly clock: Pick<Clock, "now"> }): AdmissionPlugin {
  const quotas = deps.cache.resource(PREFIX);
  /** The end of the last write to each namespace. */
  const ends = new Map<string, Promise<void>>();
  const held = new Map<AdmissionRequest, () => void>();

  const enter = async (request: AdmissionRequest): Promise<void> => {
    const { namespace } = request;
    const before = ends.get(namespace);
    let leave = (): void => {};
    const end = new Promise<void>((resolve) => {
      leave = resolve;
    });
    ends.set(namespace, end);
    held.set(request, () => {
      leave();
      if (ends.get(namespace) === end) ends.delete(namespace);
    });
    await before;
  };

  const chargeAll = async (request: AdmissionRequest): Promise<void> => {
    await enter(request);
    // What another server charged meanwhile counts.
    await deps.cache.fresh();
    const around = surroundings(deps, request.namespace);
    for (const [, entry] of quotas.range(`${PREFIX}${request.namespace}/`)) charge(request, entry, around);
  };

  return {
    name: "ResourceQuota",
    validate(request) {
      if (quotas.size === 0 || !isCharged(request) || quotas.range(`${PREFIX}${request.namespace}/`).next().done === true) return undefined;
      return chargeAll(request);
    },
    release(request) {
      if (held.size === 0) return;
      held.get(request)?.();
      held.delete(request);
    },
  };
}

/** Of a request in `namespace`; nothing is looked up before it is asked for. */
function surroundings({ cache, clock }: { readonly cache: StateCache; readonly clock: Pick<Clock, "now"> }, namespace: string): UsageSurroundings {
  const listed = (resource: string, prefix: string): readonly KubeObject[] => [...cache.resource(resource).range(prefix)].map(([, { object }]) => object);
  return {
    nowMs: clock.now(),
    devices: {
      classes: new ResourceClasses(() => listed(CLASSES, CLASSES) as readonly DeviceClass[]),
      pod: (name) => cache.resource(PODS).get(`${PODS}${namespace}/${name}`)?.object as Pod | undefined,
      claims: () => listed(CLAIMS, `${CLAIMS}${namespace}/`) as readonly ResourceClaim[],
    },
  };
}

function isCharged({ operation, served, subresource, object, namespace }: AdmissionRequest): boolean {
  const { group, resource } = served.resource;
  if (namespace === "" || object === undefined || served.storage === undefined || resource === "events") return false;
  if (operation === "CREATE") return subresource === "";
  if (operation === "UPDATE" && subresource === "" && group === "resource.k8s.io" && resource === "resourceclaims") return true;
  if (operation !== "UPDATE" || group !== "") return false;
  if (subresource === "resize") return resource === "pods";
  return subresource === "" && (resource === "pods" || resource === "services" || resource === "persistentvolumeclaims");
}

function charge(request: AdmissionRequest, entry: CacheEntry, around: UsageSurroundings): void {
  const quota = entry.object as ResourceQuota;
  const { served, previous, name } = request;
  const object = request.object as KubeObject;
  const { group, resource } = served.resource;
  const refuse = (why: string): Error => forbidden({ group, resource, name }, why);
  const quotaName = quota.metadata.name ?? "";
  const isPod = group === "" && resource === "pods";
  // What its controller has not taken up yet bounds nothing.
  const hard = quota.status?.hard ?? {};
  const relevant = Object.keys(hard).filter((key) => concerns(served.resource, key, around.devices.classes));
  const unknown = relevant.filter((key) => quota.status?.used?.[key] === undefined);
  if (relevant.length === 0) return;
  const isClaim = group === "" && resource === "persistentvolumeclaims";
  const isMeant = isPod ? podInScopes(object as Pod, quota.spec) : isClaim ? claimInScopes(object as PersistentVolumeClaim, quota.spec) : !isScoped(quota.spec);
  if (!isMeant) return;
  if (isPod && request.operation === "CREATE") {
    const unsaid = unsaidBy(object as Pod, relevant);
    if (unsaid !== "") throw refuse(`failed quota: ${quotaName}: must specify ${unsaid}`);
  }
  if (unknown.length > 0) throw refuse(`status unknown for quota: ${quotaName}, resources: ${unknown.sort().join(",")}`);
  const delta = more(objectUsage(served.resource, object, around), previous === undefined ? undefined : objectUsage(served.resource, previous, around));
  const used: Record<string, string> = { ...quota.status?.used };
  const exceeded: string[] = [];
  let changed = false;
  for (const key of relevant.sort()) {
    const amount = delta.get(key);
    if (amount === undefined) continue;
    const total = Quantity.parse(used[key] ?? "0").add(amount);
    if (total.compare(Quantity.parse(hard[key] ?? "0")) > 0) exceeded.push(key);
    used[key] = total.toString();
    changed = true;
  }
  if (exceeded.length > 0) {
    const list = (amountOf: (key: string) => string): string => exceeded.map((key) => `${key}=${amountOf(key)}`).join(",");
    const requested = list((key) => (delta.get(key) ?? Quantity.zero).toString());
    throw refuse(`exceeded quota: ${quotaName}, requested: ${requested}, used: ${list((key) => quota.status?.used?.[key] ?? "0")}, limited: ${list((key) => hard[key] ?? "0")}`);
  }
  if (!changed) return;
  const next = { ...quota, status: { ...quota.status, used } };
  request.alsoCommit.push({ type: "put", key: entry.key, value: encodeForStore(next), if: { revision: entry.revision } });
}

/** What is taken in addition to what was taken before; what becomes less is left to the controller. */
function more(now: Usage, before: Usage | undefined): Usage {
  const delta = new Map<string, Quantity>();
  for (const [key, amount] of now) {
    const old = before?.get(key);
    const added = old === undefined ? amount : amount.sub(old);
    if (added.sign > 0) delta.set(key, added);
  }
  return delta;
}

/** `limits.cpu for: a,b; requests.memory for: a`, or nothing when every container says what it must. */
function unsaidBy({ spec }: Pod, names: readonly string[]): string {
  // Who says for the pod as a whole what it needs has said enough.
  if ([...Object.keys(spec.resources?.requests ?? {}), ...Object.keys(spec.resources?.limits ?? {})].some(isPodLevelResource)) return "";
  const required = names.filter((name) => explicit.has(name)).sort();
  const containers: readonly Container[] = [...spec.containers, ...(spec.initContainers ?? [])];
  const parts: string[] = [];
  for (const name of required) {
    const silent = containers.filter((container) => !says(container, name)).map((container) => container.name);
    if (silent.length > 0) parts.push(`${name} for: ${[...new Set(silent)].sort().join(",")}`);
  }
  return parts.join("; ");
}

/** `limits.cpu` stands among the limits, `cpu` and `requests.cpu` among the requests. */
function says({ resources }: Pick<Container, "resources">, name: string): boolean {
  const [, kind, resource = ""] = /^(limits\.|requests\.)?(.*)$/.exec(name) ?? [];
  return (kind === "limits." ? resources?.limits : resources?.requests)?.[resource] !== undefined;
}
