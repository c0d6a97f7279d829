import { randomBytes, randomFillSync } from "node:crypto";
import type { Random } from "../../base/random.ts";

// PERF: a call of the system's source costs microseconds however few bytes it gives: small wishes share one.
const POOL_BYTES = 4_096;
const SMALL_BYTES = 64;
const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

/** Given once, and wiped from the pool. */
function take(length: number): Uint8Array {
  if (used + length > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.slice(used, used + length);
  pool.fill(0, used, used + length);
  used += length;
  return bytes;
}

/** The machine's random source, fit for secrets. */
export const systemRandom: Random = {
  // 53 bits, as many as a double holds.
  next() {
    const bytes = take(8);
    const view = new DataView(bytes.buffer);
    return (view.getUint32(0) * 2 ** 21 + (view.getUint32(4) >>> 11)) / 2 ** 53;
  },
  bytes: (length) => (length <= SMALL_BYTES ? take(length) : new Uint8Array(randomBytes(length))),
};
