import type { Node } from "../../api/generated/types/core-v1.ts";
import type { DeviceClass, DeviceRequest, DeviceSelector, DeviceSubRequest, ExactDeviceRequest, ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { keyOf } from "../../meta/object.ts";
import { AllocationError, PoolsUnsettled } from "./allocation-error.ts";
import { type Candidate, isDeviceOn, type Pool } from "./pools.ts";
import type { SelectorMatches } from "./selector-matches.ts";

/** A claim never gets more. @upstream AllocationResultsMaxSize */
export const MAX_RESULTS = 32;

/** What one request, or one alternative of a request, comes to on one node. */
export interface Ask {
  /** `gpu`, or `gpu/large` of an alternative. */
  readonly name: string;
  readonly class: DeviceClass;
  readonly isAdmin: boolean;
  readonly request: Pick<DeviceSubRequest, "selectors" | "tolerations" | "capacity">;
  readonly count: number;
  /** All that match, where all are wanted. */
  readonly all: readonly Candidate[] | undefined;
  isSelectable(candidate: Candidate): boolean;
}

/** A request with what may be taken for it: one ask, or several of which the first that works is taken. */
export interface Asks {
  readonly isPrioritized: boolean;
  readonly alternatives: readonly Ask[];
}

export interface AskDeps {
  classOf(name: string): DeviceClass | undefined;
  readonly matches: SelectorMatches;
}

/** Throws AllocationError for what no node can make up for. @upstream structured validateDeviceRequest */
export function asksOf(claim: ResourceClaim, node: Node, pools: readonly Pool[], deps: AskDeps): readonly Asks[] {
  const at = { claim, node, pools, deps };
  const asks = (claim.spec.devices?.requests ?? []).map((request) => asksOfRequest(request, at));
  const least = asks.reduce((sum, { alternatives }) => sum + Math.min(...alternatives.map(({ count }) => count)), 0);
  if (least > MAX_RESULTS) throw new AllocationError(`claim ${keyOf(claim)}: number of requested devices ${least} exceeds the claim limit of ${MAX_RESULTS}`);
  return asks;
}

interface At {
  readonly claim: ResourceClaim;
  readonly node: Node;
  readonly pools: readonly Pool[];
  readonly deps: AskDeps;
}

function asksOfRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, at: At): Asks {
  if (firstAvailable.length > 0)
    return { isPrioritized: true, alternatives: firstAvailable.map((alternative) => askOf(`${name}/${alternative.name}`, alternative.name, alternative, at)) };
  if (exactly === undefined) throw new AllocationError(`claim ${keyOf(at.claim)}, request ${name}: missing device class name (unsupported request type?)`);
  return { isPrioritized: false, alternatives: [askOf(name, name, exactly, at)] };
}

function askOf(name: string, ownName: string, request: ExactDeviceRequest | DeviceSubRequest, { claim, node, pools, deps }: At): Ask {
  const at = `claim ${keyOf(claim)}, request ${ownName}`;
  const requestClass = deps.classOf(request.deviceClassName);
  if (requestClass === undefined)
    throw new AllocationError(`${at}: could not retrieve device class ${request.deviceClassName}: deviceclass.resource.k8s.io "${request.deviceClassName}" not found`);
  const known = new Map<Candidate, boolean>();
  const ask = (candidate: Candidate): boolean => {
    const { matches } = deps;
    return (
      selectorsMatch(requestClass.spec.selectors, candidate, matches, `class ${requestClass.metadata.name ?? ""}`) &&
      selectorsMatch(request.selectors, candidate, matches, `claim ${keyOf(claim)}`) &&
      isDeviceOn(candidate, node)
    );
  };
  const isSelectable = (candidate: Candidate): boolean => {
    const answer = known.get(candidate) ?? ask(candidate);
    known.set(candidate, answer);
    return answer;
  };
  const all = request.allocationMode === "All" ? everyMatch(pools, isSelectable, at) : undefined;
  return {
    name,
    class: requestClass,
    isAdmin: "adminAccess" in request && request.adminAccess === true,
    request,
    count: all?.length ?? request.count ?? 1,
    all,
    isSelectable,
  };
}

/** How many "all" are is only known once the pools are. */
function everyMatch(pools: readonly Pool[], isSelectable: (candidate: Candidate) => boolean, at: string): readonly Candidate[] {
  for (const { id, isIncomplete, fault } of pools) {
    if (isIncomplete) throw new PoolsUnsettled(`${at}: asks for all devices, but resource pool ${id} is currently being updated`);
    if (fault !== undefined) throw new PoolsUnsettled(`${at}: asks for all devices, but resource pool ${id} is currently invalid`);
  }
  return pools.flatMap(({ devices }) => devices.filter(isSelectable));
}

function selectorsMatch(selectors: readonly DeviceSelector[] = [], { driver, device, id }: Candidate, matches: SelectorMatches, owner: string): boolean {
  return selectors.every(({ cel }, index) => matches.of(cel?.expression ?? "", { driver, device, id }, `${owner}: selector #${index}`));
}
