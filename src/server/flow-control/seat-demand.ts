/** Half of what is remembered is forgotten in five minutes of ten-second periods. @upstream apiserver/pkg/util/flowcontrol/apf_controller.go */
const SMOOTHING = 0.977;

/**
 * The seats that a level wanted, taken or waited for, over time. Between two readings it keeps the mean, the deviation and
 * the highest; `smoothed` follows what is wanted up at once, and down slowly.
 */
export class SeatDemand {
  #value = 0;
  #sinceMs: number;
  #durationMs = 0;
  /** Integrals over time of the value and of its square. */
  #sum = 0;
  #squares = 0;
  #max = 0;
  highest = 0;
  average = 0;
  deviation = 0;
  smoothed = 0;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  set(value: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#value = value;
    if (value > this.#max) this.#max = value;
  }

  /** Ends a period and begins the next. */
  read(nowMs: number): void {
    this.#advance(nowMs);
    this.highest = this.#max;
    if (this.#durationMs > 0) {
      this.average = this.#sum / this.#durationMs;
      this.deviation = Math.sqrt(Math.max(0, this.#squares / this.#durationMs - this.average * this.average));
      const envelope = this.average + this.deviation;
      this.smoothed = Math.max(envelope, SMOOTHING * this.smoothed + (1 - SMOOTHING) * envelope);
    }
    this.#durationMs = 0;
    this.#sum = 0;
    this.#squares = 0;
    this.#max = this.#value;
  }

  #advance(nowMs: number): void {
    const elapsed = nowMs - this.#sinceMs;
    if (elapsed <= 0) return;
    this.#sinceMs = nowMs;
    this.#durationMs += elapsed;
    this.#sum += this.#value * elapsed;
    this.#squares += this.#value * this.#value * elapsed;
  }
}
