import type { Device } from "../../api/generated/types/resource-v1.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { AllocatedState } from "./allocated-state.ts";
import type { Candidate, Pool } from "./pools.ts";

/** What is left of pools' shared counters, in billionths, by counter set and counter. @upstream structured checkAvailableCounters */
export class CounterLedger {
  readonly #allocated: AllocatedState;
  readonly #left = new Map<Pool, Map<string, bigint>>();

  constructor(allocated: AllocatedState) {
    this.#allocated = allocated;
  }

  canDraw({ pool, device }: Candidate): boolean {
    const left = this.#of(pool);
    for (const [counter, amount] of drawnBy(device)) if ((left.get(counter) ?? 0n) < amount) return false;
    return true;
  }

  draw({ pool, device }: Candidate): void {
    add(this.#of(pool), device, -1n);
  }

  putBack({ pool, device }: Candidate): void {
    add(this.#of(pool), device, 1n);
  }

  #of(pool: Pool): Map<string, bigint> {
    let left = this.#left.get(pool);
    if (left !== undefined) return left;
    left = new Map();
    for (const { name, counters } of pool.counters.values())
      for (const [counter, { value }] of Object.entries(counters)) left.set(`${name}/${counter}`, Quantity.parse(value).nanos);
    for (const { id, device } of pool.drawing) if (this.#allocated.isTaken(id) || this.#allocated.isShared(id)) add(left, device, -1n);
    this.#left.set(pool, left);
    return left;
  }
}

function* drawnBy({ consumesCounters = [] }: Device): Iterable<readonly [counter: string, amount: bigint]> {
  for (const { counterSet, counters } of consumesCounters)
    for (const [counter, { value }] of Object.entries(counters)) yield [`${counterSet}/${counter}`, Quantity.parse(value).nanos];
}

function add(left: Map<string, bigint>, device: Device, sign: bigint): void {
  for (const [counter, amount] of drawnBy(device)) left.set(counter, (left.get(counter) ?? 0n) + sign * amount);
}
