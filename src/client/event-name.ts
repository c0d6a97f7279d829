import type { Clock } from "../base/clock.ts";
import { type Random, uuid } from "../base/random.ts";

const NANOSECONDS = 1_000_000;
/** What the last six hexadecimal digits count up to. */
const LOW = 2 ** 24;
const LONGEST = 253;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/**
 * Names of events: `web.18cf2d4e5b6a7f80`, what an event is about and the nanoseconds in hexadecimal, of which the clock knows the
 * milliseconds; the rest keeps names apart. A UUID where that is no name. @upstream client-go/tools/record/event.go makeEvent
 */
export class EventNames {
  readonly #clock: Clock;
  readonly #random: Random;
  #sequence: number;
  #high = Number.NaN;
  #highText = "";

  constructor(deps: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#sequence = Math.floor(deps.random.next() * NANOSECONDS);
  }

  next(about: string): string {
    this.#sequence = (this.#sequence + 1) % NANOSECONDS;
    const name = `${about}.${this.#nanoseconds()}`;
    return name.length <= LONGEST && subdomain.test(about) ? name : uuid(this.#random);
  }

  /** PERF: too large for a number, so in two halves, of which the upper is the same for a while. */
  #nanoseconds(): string {
    const ms = Math.floor(this.#clock.now());
    const highMs = Math.floor(ms / LOW);
    const rest = (ms - highMs * LOW) * NANOSECONDS + this.#sequence;
    const carry = Math.floor(rest / LOW);
    const high = highMs * NANOSECONDS + carry;
    if (high !== this.#high) {
      this.#high = high;
      this.#highText = high.toString(16);
    }
    return this.#highText + (rest - carry * LOW + LOW).toString(16).slice(1);
  }
}
