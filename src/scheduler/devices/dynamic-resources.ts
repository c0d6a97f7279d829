import type { NodeSelector } from "../../api/generated/types/core-v1.ts";
import type { AllocationResult, DeviceRequest, ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { canBeReserved, isReservedFor } from "../../api/resource/pod-claims.ts";
import { resourceClaims } from "../../api/generated/resources.ts";
import type { Clock } from "../../base/clock.ts";
import { deepEqual } from "../../base/values.ts";
import { type Random, uuid } from "../../base/random.ts";
import type { Client } from "../../client/client.ts";
import { controllerOf, keyOf } from "../../meta/object.ts";
import type { Change } from "../changes.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import type { PodInfo } from "../cluster/pod-info.ts";
import { normalizeByMax, type Plugin, type Prefiltered, type Rejection, type Relief } from "../plugin.ts";
import { matchesSelector } from "../plugins/node-affinity.ts";
import { Allocator } from "./allocate.ts";
import { AllocationError } from "./allocation-error.ts";
import { type ClaimBinder, deleteClaim, type Reserved } from "./bind-claims.ts";
import { bindingReadiness, isBindingOverdue } from "./binding-conditions.ts";
import { claimsOfPod } from "./claims-of-pod.ts";
import type { DeviceReaders } from "./device-readers.ts";
import { asksForDevices, claimOnNode, isThoughtOf, type NodeExtendedClaim, thoughtOfClaim } from "./extended-claim.ts";
import { isResourceOf } from "../../api/resource/resource-classes.ts";

export const DYNAMIC_RESOURCES = "DynamicResources";

export interface DynamicResourcesDeps {
  readonly readers: DeviceReaders;
  readonly binder: ClaimBinder;
  readonly client: Pick<Client, "get" | "update" | "delete">;
  readonly clock: Clock;
  readonly random: Random;
}

/** What is found on one node. */
interface Offer {
  /** In the order of State.wanting. */
  readonly results: readonly AllocationResult[];
  readonly extended: NodeExtendedClaim | undefined;
}

interface State {
  /** All of the pod, that of its extended resources last. */
  readonly claims: readonly ResourceClaim[];
  readonly extended: ResourceClaim | undefined;
  /** Those without devices. */
  readonly wanting: readonly ResourceClaim[];
  readonly allocator: Allocator | undefined;
  readonly offers: Map<string, Offer>;
  /** Claims whose devices are out of reach of a node, or do not get ready. */
  readonly unavailable: Set<ResourceClaim>;
}

/** All nodes together may be searched for so long; this thread has other things to do. */
const SEARCH_LIMIT_MS = 2_000;
/** @upstream FirstAvailableDeviceRequestMaxSize */
const MAX_ALTERNATIVES = 8;

/** A pod runs where its claims have devices or can get them. @upstream plugins/dynamicresources/dynamicresources.go */
export function dynamicResources(deps: DynamicResourcesDeps): Plugin {
  const { readers, binder } = deps;
  /** Scores come from what filtering found. */
  const states = new WeakMap<PodInfo, State>();
  return {
    name: DYNAMIC_RESOURCES,
    holds: (pod) => pod.spec.resourceClaims !== undefined && "missing" in claimsOfPod(pod, readers.claims),
    prefilter(pod) {
      const prepared = prepare(pod, deps);
      if (prepared !== "skip" && "state" in prepared) states.set(pod, prepared.state as State);
      return prepared;
    },
    filter: (pod, node, state) => judge(pod, node, state as State, deps),
    prescore(pod) {
      const state = states.get(pod);
      return state?.wanting.some((claim) => requestsOf(claim).some(({ firstAvailable = [] }) => firstAvailable.length > 0)) === true ? state : "skip";
    },
    score: (_pod, { name }, state) => preference((state as State).wanting, (state as State).offers.get(name)),
    normalize: (scores) => normalizeByMax(scores, false),
    reserve({ pod }, { name }, state) {
      const reserved = reservedOn(name, state as State);
      if (reserved.length === 0) return undefined;
      binder.reserve(reserved);
      return { commit: (signal) => binder.commit(reserved, pod, name, signal), undo: () => binder.undo(reserved, pod) };
    },
    relieve: (pod, state) => relieve(pod, state as State | undefined, deps),
    listens: [
      "node/add",
      "node/label",
      "resource-claim/add",
      "resource-claim/update",
      "resource-claim/delete",
      "target/claims",
      "device-class/add",
      "device-class/update",
      "resource-slice/add",
      "resource-slice/update",
    ],
    mayHelp: (pod, change) => mayHelp(pod, change, readers),
  };
}

const requestsOf = ({ spec }: ResourceClaim): readonly DeviceRequest[] => spec.devices?.requests ?? [];

function prepare(pod: PodInfo, { readers, clock, random }: DynamicResourcesDeps): Prefiltered {
  const { claims: ledger, resources } = readers;
  const isPlain = pod.pod.spec.resourceClaims === undefined;
  if (isPlain && pod.requests.scalars.size === 0) return "skip";
  const named = claimsOfPod(pod.pod, ledger);
  if ("missing" in named) return { rejected: named.missing };
  const extended = asksForDevices(pod, resources) ? (ledger.extendedOf(pod.pod) ?? thoughtOfClaim(pod.pod, uuid(random))) : undefined;
  const claims = extended === undefined ? named : [...named, extended];
  if (claims.length === 0) return "skip";
  for (const claim of claims) {
    const rejected = whyNotNow(claim, pod, readers, claim === extended);
    if (rejected !== undefined) return { rejected };
  }
  const wanting = claims.filter(({ status }) => status?.allocation === undefined);
  const untilMs = clock.now() + SEARCH_LIMIT_MS;
  const allocator =
    wanting.length === 0
      ? undefined
      : new Allocator({
          slices: readers.slices,
          allocated: ledger.allocated,
          matches: readers.matches,
          classOf: (name) => readers.classes.get(name),
          newShareId: () => uuid(random),
          isExpired: () => clock.now() > untilMs,
        });
  return { state: { claims, extended, wanting, allocator, offers: new Map(), unavailable: new Set() } satisfies State };
}

function whyNotNow(claim: ResourceClaim, { pod }: PodInfo, { claims, classes }: DeviceReaders, isExtended: boolean): string | undefined {
  if (claim.status?.allocation !== undefined) return canBeReserved(claim) || isReservedFor(pod, claim) ? undefined : "resourceclaim in use";
  if (claims.isPending(claim.metadata.uid)) return `resource claim ${keyOf(claim)} is in the process of being allocated`;
  if (isExtended) return undefined;
  const lacks = (request: string, className: string): string | undefined =>
    classes.get(className) === undefined ? `request ${request}: device class ${className} does not exist` : undefined;
  for (const { name, exactly, firstAvailable = [] } of requestsOf(claim)) {
    if (exactly === undefined && firstAvailable.length === 0) return `resource claim ${keyOf(claim)}, request ${name}: unknown request type`;
    const why = exactly === undefined ? undefined : lacks(name, exactly.deviceClassName);
    if (why !== undefined) return why;
    for (const alternative of firstAvailable) {
      const other = lacks(`${name}/${alternative.name}`, alternative.deviceClassName);
      if (other !== undefined) return other;
    }
  }
  return undefined;
}

/** No pod's end would help: claims keep their devices. */
const away = (reason: string): readonly Rejection[] => [{ reason, unresolvable: true }];

function judge(pod: PodInfo, info: NodeInfo, state: State, { readers, clock }: DynamicResourcesDeps): readonly Rejection[] | undefined {
  const { node, name } = info;
  if (node === undefined) return undefined;
  const { claims, extended, wanting, allocator, offers, unavailable } = state;
  let onNode: NodeExtendedClaim | undefined;
  if (extended !== undefined) {
    // It was made in an earlier attempt, for another node: it has to go first.
    if (extended.spec.devices?.requests !== undefined) return away("cannot schedule extended resource claim");
    const found = claimOnNode(pod, info, extended, readers.resources);
    if (found !== undefined && "lacks" in found) return away("cannot fit resource");
    if (found === undefined && claims.length === 1) return undefined;
    onNode = found;
  }
  const out = claims.filter((claim) => claim.status?.allocation !== undefined && isOut(claim, (selector) => matchesSelector(selector, node), clock.now()));
  if (allocator !== undefined) {
    const asking = wanting.flatMap((claim) => (claim !== extended ? [claim] : onNode === undefined ? [] : [onNode.claim]));
    const found = allocate(allocator, node, asking);
    if ("reason" in found) return away(found.reason);
    offers.set(name, { results: found.results, extended: onNode });
  }
  if (out.length === 0) return undefined;
  for (const claim of out) unavailable.add(claim);
  return away("resourceclaim not available on the node");
}

function isOut(claim: ResourceClaim, matches: (selector: NodeSelector) => boolean, nowMs: number): boolean {
  const selector = claim.status?.allocation?.nodeSelector;
  if (selector !== undefined && !matches(selector)) return true;
  const readiness = bindingReadiness(claim);
  return readiness === "waiting" ? isBindingOverdue(claim, nowMs) : readiness !== "ready";
}

function allocate(allocator: Allocator, ...[node, claims]: Parameters<Allocator["allocate"]>): ReturnType<Allocator["allocate"]> {
  try {
    return allocator.allocate(node, claims);
  } catch (error) {
    if (error instanceof AllocationError) throw new Error(`running ${JSON.stringify(DYNAMIC_RESOURCES)} filter plugin: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Nodes where earlier alternatives can be had are better. @upstream computeScore */
function preference(wanting: readonly ResourceClaim[], offer: Offer | undefined): number {
  let score = 0;
  for (const [index, claim] of wanting.entries()) {
    const given = new Set((offer?.results[index]?.devices?.results ?? []).map(({ request }) => request));
    for (const { name, firstAvailable = [] } of requestsOf(claim))
      for (const [place, alternative] of firstAvailable.entries()) if (given.has(`${name}/${alternative.name}`)) score += MAX_ALTERNATIVES - place;
  }
  return score;
}

function reservedOn(nodeName: string, { claims, extended, wanting, offers }: State): readonly Reserved[] {
  const offer = offers.get(nodeName);
  return claims.flatMap((claim): readonly Reserved[] => {
    const place = wanting.indexOf(claim);
    if (place < 0) return [{ claim, allocation: undefined }];
    if (claim !== extended) return [{ claim, allocation: offer?.results[place] }];
    // The node has the resources without any claim.
    if (offer?.extended === undefined) return [];
    return [{ claim: offer.extended.claim, allocation: offer.results[place], extended: offer.extended }];
  });
}

/** When no node will do: a claim that only this pod uses gives its devices back, so that others can be found. @upstream PostFilter */
function relieve({ pod }: PodInfo, state: State | undefined, { client }: DynamicResourcesDeps): Relief {
  if (state === undefined) return { text: "no new claims to deallocate" };
  const { unavailable, extended } = state;
  for (const claim of unavailable) {
    const { reservedFor = [] } = claim.status ?? {};
    if (claim === extended || reservedFor.length > 1 || (reservedFor.length === 1 && !isReservedFor(pod, claim))) continue;
    const { allocation: _allocation, reservedFor: _reservedFor, devices: _devices, ...status } = claim.status ?? {};
    const place = { namespace: claim.metadata.namespace, subresource: "status" };
    return {
      text: "deallocation of ResourceClaim completed",
      async act(signal) {
        await client.update(resourceClaims, { ...claim, status }, { ...place, signal });
      },
    };
  }
  if (extended !== undefined && !isThoughtOf(extended)) return { text: "deletion of ResourceClaim completed", act: () => deleteClaim(extended, client) };
  return { text: "still not schedulable" };
}

/** @upstream isSchedulableAfterClaimChange, isSchedulableAfterPodChange */
function mayHelp({ pod, requests }: PodInfo, change: Change, { claims: ledger, resources }: DeviceReaders): boolean {
  switch (change.resource) {
    case "target":
      return !("missing" in claimsOfPod(change.next ?? pod, ledger));
    case "device-class": {
      const next = change.next;
      return pod.spec.resourceClaims !== undefined || (next !== undefined && [...requests.scalars.keys()].some((name) => isResourceOf(name, next)));
    }
    case "resource-claim": {
      const claims = claimsOfPod(pod, ledger);
      if ("missing" in claims) return false;
      const { previous, next } = change;
      if (previous?.status?.allocation !== undefined && next?.status?.allocation === undefined) return true;
      const usesIt = (claim: ResourceClaim | undefined): boolean =>
        claim !== undefined && (controllerOf(claim)?.uid === pod.metadata.uid || claims.some(({ metadata }) => metadata.uid === claim.metadata.uid));
      if (next === undefined) return usesIt(previous);
      return usesIt(next) && (previous === undefined || !deepEqual(previous.status ?? {}, next.status ?? {}));
    }
    case "resource-slice":
      return pod.spec.resourceClaims !== undefined || [...requests.scalars.keys()].some((name) => resources.of(name) !== undefined);
    default:
      return true;
  }
}
