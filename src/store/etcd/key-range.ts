const ZERO = Buffer.of(0);

/** etcd's half-open ranges; `"\0"` as the end means no end. */
export interface KeyRange {
  readonly key: Uint8Array;
  readonly range_end: Uint8Array;
}

export const allKeys: KeyRange = { key: ZERO, range_end: ZERO };

/** Keys under `prefix` from `from` on. */
export function keyRange(prefix: string, from: string = prefix): KeyRange {
  return { key: from === "" ? ZERO : Buffer.from(from), range_end: endOf(Buffer.from(prefix)) };
}

/** The first key above all that begin with `prefix`. */
function endOf(prefix: Buffer): Uint8Array {
  for (let index = prefix.length - 1; index >= 0; index -= 1) {
    const byte = prefix[index] ?? 0;
    if (byte < 0xff) return Buffer.concat([prefix.subarray(0, index), Buffer.of(byte + 1)]);
  }
  return ZERO;
}
