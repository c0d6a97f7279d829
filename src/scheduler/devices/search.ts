import type { Device, ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { toleratesDeviceTaint } from "../../api/resource/pod-claims.ts";
import { keyOf } from "../../meta/object.ts";
import { Quantity } from "../../meta/quantity.ts";
import { AllocationError, SearchExpired } from "./allocation-error.ts";
import type { AllocatedState } from "./allocated-state.ts";
import { consumptionOf } from "./capacity.ts";
import type { Constraint } from "./constraints.ts";
import { CounterLedger } from "./counter-ledger.ts";
import type { DeviceId } from "./device-id.ts";
import type { Candidate } from "./pools.ts";
import { type Ask, type Asks, MAX_RESULTS } from "./requests.ts";

/** A claim with what its requests come to on the node. */
export interface ClaimAsks {
  readonly claim: ResourceClaim;
  readonly asks: readonly Asks[];
  readonly constraints: readonly Constraint[];
}

/** A device that one claim gets. */
export interface Taken {
  readonly ask: Ask;
  readonly candidate: Candidate;
  /** What it takes of a device that several may have; undefined: it has the device alone. */
  readonly share: ReadonlyMap<string, Quantity> | undefined;
  readonly drewCounters: boolean;
}

export interface SearchDeps {
  readonly candidates: readonly Candidate[];
  readonly allocated: AllocatedState;
  /** Asked now and then; true ends the search with SearchExpired. */
  isExpired(): boolean;
}

/** What is being given out of a device that several may have. */
interface Shares {
  count: number;
  /** Those of them that are no administrators'. */
  users: number;
  readonly consumed: Map<string, Quantity>;
}

/** `too-many`: more devices than a claim can have, whichever are taken. */
type Outcome = "done" | "failed" | "too-many";

const STEPS_BETWEEN_LOOKS = 256;

/**
 * Tries devices for one request after the other, in their order, until all claims have what they ask for; within a
 * request only in rising order, since the order does not matter there. @upstream structured allocateOne
 */
export class Search {
  /** What each claim got, once `run` was true. */
  readonly taken: Taken[][];
  /** The alternative that each request got. */
  readonly chosen: Ask[][];
  readonly #claims: readonly ClaimAsks[];
  readonly #deps: SearchDeps;
  readonly #counters: CounterLedger;
  /** Which claims, by their place, are getting the device for themselves. */
  readonly #holders = new Map<DeviceId, number[]>();
  readonly #shares = new Map<DeviceId, Shares>();
  #steps = 0;

  constructor(claims: readonly ClaimAsks[], deps: SearchDeps) {
    this.#claims = claims;
    this.#deps = deps;
    this.#counters = new CounterLedger(deps.allocated);
    this.taken = claims.map(() => []);
    this.chosen = claims.map(() => []);
  }

  run(): boolean {
    return this.#claim(0) === "done";
  }

  #claim(index: number): Outcome {
    return index >= this.#claims.length ? "done" : this.#request(index, 0);
  }

  #request(claim: number, index: number): Outcome {
    const asks = this.#claims[claim]?.asks[index];
    if (asks === undefined) {
      const outcome = this.#claim(claim + 1);
      // Other choices for this claim may leave a smaller alternative for the next.
      return outcome === "too-many" ? "failed" : outcome;
    }
    let alwaysTooMany = true;
    for (const ask of asks.alternatives) {
      const outcome = this.#devices(claim, index, { ask, count: 0, from: 0 });
      if (outcome === "done") (this.chosen[claim] ?? [])[index] = ask;
      if (outcome === "done" || !asks.isPrioritized) return outcome;
      if (outcome !== "too-many") alwaysTooMany = false;
    }
    return alwaysTooMany ? "too-many" : "failed";
  }

  #devices(claim: number, request: number, { ask, count, from }: { readonly ask: Ask; readonly count: number; readonly from: number }): Outcome {
    this.#steps += 1;
    if (this.#steps % STEPS_BETWEEN_LOOKS === 0 && this.#deps.isExpired()) throw new SearchExpired("timed out trying to allocate devices");
    if (ask.all?.length === 0) return "failed";
    if (count >= ask.count) return this.#request(claim, request + 1);
    if ((this.taken[claim] ?? []).length + ask.count - count > MAX_RESULTS) return "too-many";
    const { candidates } = this.#deps;
    const next = ask.all?.[count];
    if (next !== undefined) return this.#take(claim, ask, next) ? this.#goOn(claim, request, { ask, count: count + 1, from: 0 }) : "failed";
    for (let index = from; index < candidates.length; index += 1) {
      const candidate = candidates[index] as Candidate;
      if (this.#isHeld(claim, ask, candidate) || !ask.isSelectable(candidate) || !this.#take(claim, ask, candidate)) continue;
      const outcome = this.#goOn(claim, request, { ask, count: count + 1, from: index + 1 });
      if (outcome !== "failed") return outcome;
    }
    return "failed";
  }

  /** With the device just taken; gives it back unless all is done. */
  #goOn(claim: number, request: number, at: { readonly ask: Ask; readonly count: number; readonly from: number }): Outcome {
    const outcome = this.#devices(claim, request, at);
    if (outcome !== "done") this.#giveBack(claim);
    return outcome;
  }

  #isHeld(claim: number, { isAdmin }: Ask, { id, device }: Candidate): boolean {
    const holders = this.#holders.get(id) ?? [];
    if (isAdmin) return device.allowMultipleAllocations !== true && holders.includes(claim);
    return holders.length > 0 || this.#deps.allocated.isTaken(id);
  }

  #take(claim: number, ask: Ask, candidate: Candidate): boolean {
    const { id, driver, device } = candidate;
    if (this.#isHeld(claim, ask, candidate) || isTainted(device, ask)) return false;
    const consumption = consumptionOf(ask.request.capacity, driver, device);
    if (consumption === undefined || !this.#hasRoom(candidate, consumption)) return false;
    const isShared = device.allowMultipleAllocations === true;
    // Counters are drawn once, by the first of those who share; and administrators look at what others drew them for.
    const wereDrawn = isShared && ((this.#shares.get(id)?.users ?? 0) > 0 || this.#deps.allocated.isShared(id));
    const draws = (device.consumesCounters ?? []).length > 0 && !ask.isAdmin && !wereDrawn;
    if (draws && !this.#counters.canDraw(candidate)) return false;
    if (!this.#constrain(claim, ask, candidate)) return false;
    if (draws) this.#counters.draw(candidate);
    if (isShared) this.#share(id, ask, consumption);
    else this.#holders.set(id, [...(this.#holders.get(id) ?? []), claim]);
    this.taken[claim]?.push({ ask, candidate, share: isShared ? consumption : undefined, drewCounters: draws });
    return true;
  }

  #giveBack(claim: number): void {
    const last = this.taken[claim]?.pop();
    if (last === undefined) return;
    const { ask, candidate, share, drewCounters } = last;
    const { id } = candidate;
    for (const constraint of this.#claims[claim]?.constraints ?? []) constraint.remove(ask.name);
    if (drewCounters) this.#counters.putBack(candidate);
    if (share !== undefined) {
      this.#unshare(id, ask, share);
      return;
    }
    const holders = this.#holders.get(id) ?? [];
    holders.splice(holders.lastIndexOf(claim), 1);
    if (holders.length === 0) this.#holders.delete(id);
  }

  #constrain(claim: number, ask: Ask, { id, driver, device }: Candidate): boolean {
    const { constraints = [], claim: object } = this.#claims[claim] ?? {};
    for (const [index, constraint] of constraints.entries()) {
      if (constraint.add(ask.name, driver, device)) continue;
      if (ask.all !== undefined && object !== undefined)
        throw new AllocationError(`claim ${keyOf(object)}, request ${ownName(ask.name)}: cannot add device ${id} because a claim constraint would not be satisfied`);
      for (const added of constraints.slice(0, index)) added.remove(ask.name);
      return false;
    }
    return true;
  }

  #hasRoom({ id, device }: Candidate, consumption: ReadonlyMap<string, Quantity>): boolean {
    for (const [name, amount] of consumption) {
      const entry = device.capacity?.[name];
      if (entry === undefined) continue;
      const before = this.#deps.allocated.consumed(id, name) ?? Quantity.zero;
      const now = this.#shares.get(id)?.consumed.get(name) ?? Quantity.zero;
      if (before.add(now).add(amount).compare(Quantity.parse(entry.value)) > 0) return false;
    }
    return true;
  }

  #share(id: DeviceId, { isAdmin }: Ask, consumption: ReadonlyMap<string, Quantity>): void {
    const shares = this.#shares.get(id) ?? { count: 0, users: 0, consumed: new Map<string, Quantity>() };
    this.#shares.set(id, shares);
    shares.count += 1;
    if (!isAdmin) shares.users += 1;
    for (const [name, amount] of consumption) shares.consumed.set(name, (shares.consumed.get(name) ?? Quantity.zero).add(amount));
  }

  #unshare(id: DeviceId, { isAdmin }: Ask, consumption: ReadonlyMap<string, Quantity>): void {
    const shares = this.#shares.get(id);
    if (shares === undefined) return;
    shares.count -= 1;
    if (!isAdmin) shares.users -= 1;
    if (shares.count === 0) this.#shares.delete(id);
    else for (const [name, amount] of consumption) shares.consumed.set(name, (shares.consumed.get(name) ?? Quantity.zero).sub(amount));
  }
}

/** Effects other than these keep nobody away. @upstream taintPreventsAllocation */
function isTainted({ taints = [] }: Device, { request }: Ask): boolean {
  return taints.some(
    (taint) => (taint.effect === "NoSchedule" || taint.effect === "NoExecute") && !(request.tolerations ?? []).some((toleration) => toleratesDeviceTaint(toleration, taint)),
  );
}

const ownName = (name: string): string => name.slice(name.indexOf("/") + 1);
