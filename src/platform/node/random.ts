import { randomBytes } from "node:crypto";
import type { Random } from "../../base/random.ts";

/** The machine's random source, fit for secrets. */
export const systemRandom: Random = {
  // 53 bits, as many as a double holds.
  next() {
    const bytes = randomBytes(8);
    return (bytes.readUInt32BE(0) * 2 ** 21 + (bytes.readUInt32BE(4) >>> 11)) / 2 ** 53;
  },
  bytes: (length) => new Uint8Array(randomBytes(length)),
};
