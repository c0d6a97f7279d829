const encoder = new TextEncoder();

/** Writes protobuf's primitives into a buffer that grows. */
export class Writer {
  #bytes: Uint8Array = new Uint8Array(1024);
  #length = 0;

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  /** Negative numbers take ten bytes, as two's complement of 64 bits. */
  varint(value: number): void {
    this.#reserve(10);
    let low = (value % 4294967296) >>> 0;
    let high = Math.floor(value / 4294967296) >>> 0;
    while (high !== 0 || low > 0x7f) {
      this.#bytes[this.#length++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#bytes[this.#length++] = low;
  }

  double(value: number): void {
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  text(text: string): void {
    this.bytes(encoder.encode(text));
  }

  /** What `write` puts in, with its length before it. */
  embedded(write: () => void): void {
    // Room for a length of one byte is left; longer ones move the content.
    this.#reserve(1);
    const start = this.#length;
    this.#length += 1;
    write();
    const size = this.#length - start - 1;
    if (size < 0x80) {
      this.#bytes[start] = size;
      return;
    }
    let extra = 0;
    for (let rest = size >>> 7; rest > 0; rest >>>= 7) extra += 1;
    this.#reserve(extra);
    this.#bytes.copyWithin(start + 1 + extra, start + 1, this.#length);
    const end = this.#length + extra;
    this.#length = start;
    this.varint(size);
    this.#length = end;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
