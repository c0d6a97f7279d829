import type { Node } from "../../api/generated/types/core-v1.ts";
import type { AllocationResult, DeviceClass, ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { keyOf } from "../../meta/object.ts";
import { AllocationError, PoolsUnsettled, SearchExpired } from "./allocation-error.ts";
import type { AllocatedState } from "./allocated-state.ts";
import { allocationResult } from "./allocation-result.ts";
import { type Constraint, constraintOf } from "./constraints.ts";
import type { Candidate, Pool, SliceIndex } from "./pools.ts";
import { asksOf } from "./requests.ts";
import { Search } from "./search.ts";
import type { SelectorMatches } from "./selector-matches.ts";

export interface AllocatorDeps {
  readonly slices: SliceIndex;
  readonly allocated: AllocatedState;
  readonly matches: SelectorMatches;
  classOf(name: string): DeviceClass | undefined;
  /** A new UID for each share of a device that several may have. */
  newShareId(): string;
  /** Whether the time for searching is over. */
  isExpired(): boolean;
}

/** One result for each claim, or why the node cannot give what they ask for. */
export type Allocation = { readonly results: readonly AllocationResult[] } | { readonly reason: string };

/** Finds devices for claims that have none, on one node after the other. @upstream dynamic-resource-allocation/structured Allocator */
export class Allocator {
  readonly #deps: AllocatorDeps;

  constructor(deps: AllocatorDeps) {
    this.#deps = deps;
  }

  /** All claims or none. Throws AllocationError when no node could do. */
  allocate(node: Node, claims: readonly ResourceClaim[]): Allocation {
    const { slices, isExpired, allocated, newShareId } = this.#deps;
    if (isExpired()) return { reason: "timed out trying to allocate devices" };
    const pools = slices.poolsFor(node);
    try {
      const asked = claims.map((claim) => ({ claim, asks: asksOf(claim, node, pools, this.#deps), constraints: constraintsOf(claim) }));
      const search = new Search(asked, { candidates: candidatesOf(pools), allocated, isExpired });
      if (!search.run()) return { reason: pools.some(({ fault }) => fault !== undefined) ? "invalid resource pools were encountered" : "cannot allocate all claims" };
      return { results: asked.map(({ claim }, index) => allocationResult(claim, { taken: search.taken[index] ?? [], chosen: search.chosen[index] ?? [] }, node, newShareId)) };
    } catch (error) {
      if (error instanceof PoolsUnsettled || error instanceof SearchExpired) return { reason: error.message };
      throw error;
    }
  }
}

function candidatesOf(pools: readonly Pool[]): readonly Candidate[] {
  return pools.flatMap(({ devices }) => devices);
}

function constraintsOf(claim: ResourceClaim): readonly Constraint[] {
  return (claim.spec.devices?.constraints ?? []).map((constraint, index) => {
    const made = constraintOf(constraint);
    if (made === undefined) throw new AllocationError(`claim ${keyOf(claim)}, constraint #${index}: empty constraint (unsupported constraint type?)`);
    return made;
  });
}
