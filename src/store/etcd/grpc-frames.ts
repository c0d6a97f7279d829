/** A message as gRPC frames it: a flag for compression, four bytes of length, the message. */
export function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Takes chunks as they come and gives back whole messages. */
export class FrameReader {
  #parts: Buffer[] = [];
  #size = 0;

  push(chunk: Buffer): Buffer[] {
    this.#parts.push(chunk);
    this.#size += chunk.length;
    const messages: Buffer[] = [];
    for (;;) {
      const head = this.#peek(5);
      if (head === undefined) return messages;
      if (head[0] !== 0) throw new Error("a compressed message came although none was asked for");
      const length = head.readUInt32BE(1);
      if (this.#size < 5 + length) return messages;
      const whole = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts, this.#size);
      messages.push(whole.subarray(5, 5 + length));
      this.#parts = whole.length === 5 + length ? [] : [whole.subarray(5 + length)];
      this.#size -= 5 + length;
    }
  }

  #peek(length: number): Buffer | undefined {
    if (this.#size < length) return undefined;
    const first = this.#parts[0] as Buffer;
    if (first.length >= length) return first;
    this.#parts = [Buffer.concat(this.#parts, this.#size)];
    return this.#parts[0];
  }
}
