/** Records of one transaction of usual size. */
const BYTES = 512 * 1024;

/**
 * Where the records of one transaction lie until it is durable; the next one uses the same memory. PERF: memory of its own
 * for each record is as much garbage as all values together, and has to be found by lmdb anew.
 */
export class RecordSpace {
  readonly #bytes = Buffer.allocUnsafeSlow(BYTES);
  #at = 0;

  /** Everything that was taken may be used again. */
  clear(): void {
    this.#at = 0;
  }

  /** Bytes of any content. */
  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > BYTES) return Buffer.allocUnsafe(length);
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
