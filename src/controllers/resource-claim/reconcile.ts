import { pods, resourceClaims, resourceClaimTemplates } from "../../api/generated/resources.ts";
import type { Pod, PodResourceClaim } from "../../api/generated/types/core-v1.ts";
import type { ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { nameOfClaim, unprotected, whyNotForPod } from "../../api/resource/pod-claims.ts";
import { LruMap } from "../../client/lru-map.ts";
import { controllerOf, keyOf } from "../../meta/object.ts";
import { hasReason, notFound } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { isNamespaceTerminating, messageOf } from "../failures.ts";
import { claimMetrics } from "./metrics.ts";
import { claimFor, claimKeysOf, isPodDone, mustReserve, needsWork, planClaim, POD_CLAIM_NAME } from "./plan.ts";

const CLAIM = "claim:";
const POD = "pod:";
const USERS = "resource-claim-users";
const OWNER = "resource-claim-owner";
const FIELD_MANAGER = "ResourceClaimController";
/** Claims and pods that are remembered until the watch has caught up. */
const MAX_REMEMBERED = 500;

/** Makes claims for pods, and gives back and deletes those of pods that are over. @upstream pkg/controller/resourceclaim/controller.go */
export function resourceClaimController(deps: ControllerDeps): Controller {
  const { client, recorder } = deps;
  const podInformer = deps.informers.informer(pods);
  const claims = deps.informers.informer(resourceClaims);
  const templates = deps.informers.informer(resourceClaimTemplates);
  /** Made by us and perhaps not seen yet, by pod UID and entry. */
  const made = new LruMap<ResourceClaim>(MAX_REMEMBERED);
  const metrics = claimMetrics(deps.metrics, () => claims.lister.list());
  /** UIDs of pods that are gone for certain. */
  const gone = new LruMap<true>(MAX_REMEMBERED);

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    if (key.startsWith(POD)) await syncPod(key.slice(POD.length), signal);
    else await syncClaim(key.slice(CLAIM.length), signal);
  }

  async function syncPod(key: string, signal: AbortSignal): Promise<void> {
    const pod = podInformer.lister.get(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || isPodDone(pod)) return;
    const names = new Map<string, string>();
    for (const podClaim of pod.spec.resourceClaims ?? []) {
      try {
        const name = await ensureClaim(pod, podClaim, signal);
        if (name !== undefined) names.set(podClaim.name, name);
      } catch (error) {
        if (isNamespaceTerminating(error)) return;
        recorder.event(pod, "Warning", "FailedResourceClaimCreation", `PodResourceClaim ${podClaim.name}: ${messageOf(error)}`);
        throw new Error(`pod ${key}, PodResourceClaim ${podClaim.name}: ${messageOf(error)}`, { cause: error });
      }
    }
    if (names.size > 0) await record(pod, names, signal);
    for (const podClaim of pod.spec.resourceClaims ?? []) {
      const named = nameOfClaim(pod, podClaim);
      if (named === "none" || "missing" in named) continue;
      const claim = claims.lister.get(`${pod.metadata.namespace ?? ""}/${named.name}`);
      if (claim === undefined || (named.checksOwner && whyNotForPod(pod, claim) !== undefined) || !mustReserve(pod, claim)) continue;
      const reservedFor = [...(claim.status?.reservedFor ?? []), { resource: "pods", name: pod.metadata.name ?? "", uid: pod.metadata.uid ?? "" }];
      await client.update(resourceClaims, { ...claim, status: { ...claim.status, reservedFor } }, { namespace: claim.metadata.namespace, subresource: "status", signal });
    }
  }

  /** The name of a claim that was made just now or earlier and is not recorded yet. */
  async function ensureClaim(pod: Pod, podClaim: PodResourceClaim, signal: AbortSignal): Promise<string | undefined> {
    const { namespace = "", uid = "" } = pod.metadata;
    const named = nameOfClaim(pod, podClaim);
    if (named === "none") return undefined;
    if ("missing" in named) {
      if (!named.isToBeMade) throw new Error(`checking for claim before creating it: ${named.missing}`);
    } else {
      const claim = claims.lister.get(`${namespace}/${named.name}`);
      if (claim !== undefined && (!named.checksOwner || whyNotForPod(pod, claim) === undefined)) return undefined;
    }
    const templateName = podClaim.resourceClaimTemplateName;
    if (templateName === undefined) return undefined;
    const there = claims.lister.byIndex(OWNER, uid).find(({ metadata }) => metadata.annotations?.[POD_CLAIM_NAME] === podClaim.name);
    const known = there ?? (await justMade(`${uid}/${podClaim.name}`, signal));
    if (known !== undefined) return known.metadata.name;
    const template = templates.lister.get(`${namespace}/${templateName}`);
    if (template === undefined)
      throw new Error(
        `resource claim template ${JSON.stringify(templateName)}: ${notFound({ group: "resource.k8s.io", resource: "resourceclaimtemplates", name: templateName }).message}`,
      );
    try {
      const claim = await client.create(resourceClaims, claimFor(pod, podClaim.name, template), { namespace, signal });
      metrics.made(template.spec, true);
      made.set(`${uid}/${podClaim.name}`, claim);
      return claim.metadata.name;
    } catch (error) {
      metrics.made(template.spec, false);
      if (isNamespaceTerminating(error)) throw error;
      throw new Error(`create ResourceClaim : ${messageOf(error)}`, { cause: error });
    }
  }

  /** A claim that we made and that still exists, although the watch may not know it. */
  async function justMade(key: string, signal: AbortSignal): Promise<ResourceClaim | undefined> {
    const claim = made.get(key);
    if (claim === undefined) return undefined;
    try {
      const live = await client.get(resourceClaims, claim.metadata.name ?? "", { namespace: claim.metadata.namespace, signal });
      return live.metadata.uid === claim.metadata.uid ? live : undefined;
    } catch (error) {
      if (hasReason(error, "NotFound")) return undefined;
      throw error;
    }
  }

  async function record({ metadata, status }: Pod, names: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> {
    const { name = "", namespace } = metadata;
    const others = (status?.resourceClaimStatuses ?? []).filter((entry) => !names.has(entry.name));
    const resourceClaimStatuses = [...others, ...[...names].map(([podClaim, resourceClaimName]) => ({ name: podClaim, resourceClaimName }))];
    const value = { apiVersion: "v1", kind: "Pod", metadata: { name, namespace, uid: metadata.uid }, status: { resourceClaimStatuses } };
    try {
      await client.patch(pods, name, { type: "apply", value, force: true }, { namespace, subresource: "status", fieldManager: FIELD_MANAGER, signal });
    } catch (error) {
      if (!hasReason(error, "NotFound")) throw error;
    }
  }

  async function syncClaim(key: string, signal: AbortSignal): Promise<void> {
    const claim = claims.lister.get(key);
    if (claim === undefined) return;
    const valid = await stillThere(claim, signal);
    const { status, unprotect } = planClaim(claim, valid);
    const { namespace } = claim.metadata;
    let current = claim;
    if (status !== undefined) current = await client.update(resourceClaims, { ...claim, status }, { namespace, subresource: "status", signal });
    if (unprotect) {
      await client.update(resourceClaims, { ...current, metadata: unprotected(current.metadata) }, { namespace, signal });
    }
    const owner = controllerOf(claim);
    if (valid.length > 0 || owner?.kind !== "Pod" || owner.apiVersion !== "v1") return;
    // A pod that is not known may only not be known yet: the garbage collector sees to those that are gone.
    const pod = podInformer.lister.get(`${namespace ?? ""}/${owner.name}`);
    if (pod === undefined || (pod.metadata.uid === owner.uid && !isPodDone(pod))) return;
    try {
      await client.delete(resourceClaims, claim.metadata.name ?? "", { namespace, preconditions: { uid: claim.metadata.uid ?? "" }, signal });
    } catch (error) {
      if (!hasReason(error, "NotFound")) throw error;
    }
  }

  /** The consumers of the claim that may still use it. */
  async function stillThere({ metadata, status }: ResourceClaim, signal: AbortSignal) {
    const { namespace = "" } = metadata;
    const valid = [];
    for (const consumer of status?.reservedFor ?? []) {
      const { apiGroup = "", resource, name, uid } = consumer;
      if (apiGroup !== "" || resource !== "pods") throw new Error(`unsupported ReservedFor entry: ${JSON.stringify(consumer)}`);
      if (gone.get(uid) === true) continue;
      const pod = podInformer.lister.get(`${namespace}/${name}`) ?? (await livePod(namespace, name, signal));
      if (pod !== undefined && pod.metadata.uid === uid && !isPodDone(pod)) valid.push(consumer);
    }
    return valid;
  }

  async function livePod(namespace: string, name: string, signal: AbortSignal): Promise<Pod | undefined> {
    try {
      return await client.get(pods, name, { namespace, signal });
    } catch (error) {
      if (hasReason(error, "NotFound")) return undefined;
      throw error;
    }
  }

  function setup(queue: Enqueue): void {
    const usesClaims = ({ spec, status }: Pod): boolean => spec.resourceClaims !== undefined || status?.extendedResourceClaimStatus !== undefined;
    const templatesOf = ({ metadata: { namespace = "" }, spec: { resourceClaims: used = [] } }: Pod): readonly string[] =>
      used.flatMap(({ resourceClaimTemplateName: name }) => (name === undefined ? [] : [`template:${namespace}/${name}`]));
    deps.informers.addIndex(podInformer, USERS, (pod) => (usesClaims(pod) ? [...claimKeysOf(pod).map((key) => CLAIM + key), ...templatesOf(pod)] : undefined));
    deps.informers.addIndex(claims, OWNER, (claim) => controllerOf(claim)?.uid ?? "");
    const enqueuePod = (pod: Pod): void => {
      if (!usesClaims(pod)) return;
      if (isPodDone(pod)) for (const key of claimKeysOf(pod)) queue.add(CLAIM + key);
      if (needsWork(pod, claims.lister)) queue.add(POD + keyOf(pod));
    };
    podInformer.subscribe({
      added: enqueuePod,
      updated: (_previous, pod) => enqueuePod(pod),
      deleted(pod) {
        if (!usesClaims(pod)) return;
        gone.set(pod.metadata.uid ?? "", true);
        for (const key of claimKeysOf(pod)) queue.add(CLAIM + key);
      },
    });
    const enqueueUsers = (claim: ResourceClaim): void => {
      for (const pod of podInformer.lister.byIndex(USERS, CLAIM + keyOf(claim))) enqueuePod(pod);
    };
    const enqueueClaim = (claim: ResourceClaim): void => {
      queue.add(CLAIM + keyOf(claim));
      enqueueUsers(claim);
    };
    claims.subscribe({ added: enqueueClaim, updated: (_previous, claim) => enqueueClaim(claim), deleted: enqueueUsers });
    templates.subscribe({
      added(template) {
        for (const pod of podInformer.lister.byIndex(USERS, `template:${keyOf(template)}`)) enqueuePod(pod);
      },
    });
  }

  return { name: "resource-claim", workers: 4, setup, reconcile };
}
