/** The input is not a well-formed protobuf message. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads protobuf's primitives from bytes, never beyond their end. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new ProtobufError("unexpected end of message");
    return this.#bytes[this.#at++] as number;
  }

  /** A signed 64-bit varint as a number; what a number cannot hold exactly is refused. */
  varint(): number {
    let low = 0;
    let shift = 0;
    let high = 0;
    for (let count = 0; count < 10; count += 1) {
      const byte = this.#byte();
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else if (shift === 28) {
        low |= (byte & 0x0f) << 28;
        high = (byte & 0x7f) >> 4;
      } else high |= (byte & 0x7f) << (shift - 32);
      if (byte < 0x80) {
        const value = (high | 0) * 4294967296 + (low >>> 0);
        if (!Number.isSafeInteger(value)) throw new ProtobufError("integer out of range");
        return value;
      }
      shift += 7;
    }
    throw new ProtobufError("varint too long");
  }

  double(): number {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#take(8), 8);
    return view.getFloat64(0, true);
  }

  bytes(): Uint8Array {
    const length = this.varint();
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  text(): string {
    try {
      return utf8.decode(this.bytes());
    } catch (error) {
      if (error instanceof ProtobufError) throw error;
      throw new ProtobufError("text is not valid UTF-8");
    }
  }

  /** A reader over an embedded message. */
  message(): Reader {
    const length = this.varint();
    const from = this.#take(length);
    return new Reader(this.#bytes, from, from + length);
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.#take(8);
    else if (wireType === 2) this.bytes();
    else if (wireType === 5) this.#take(4);
    else throw new ProtobufError(`unknown wire type ${wireType}`);
  }

  #take(length: number): number {
    if (length < 0 || this.#at + length > this.#end) throw new ProtobufError("unexpected end of message");
    const from = this.#at;
    this.#at += length;
    return from;
  }
}
