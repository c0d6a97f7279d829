const NEWLINE = 10;
/** No object that a server stores is near this; a longer line means that the stream is not what we think. */
const LONGEST_LINE_BYTES = 64 * 1024 * 1024;

/**
 * Newline-delimited JSON out of chunks that end anywhere, also within a character. Bytes are cut at newlines, so only
 * whole characters are decoded: push(`{"a":1}\n{"b`) gives [{a:1}], push(`":2}\n`) gives [{b:2}].
 */
export class JsonLines {
  #rest: Uint8Array[] = [];
  #restBytes = 0;
  readonly #decoder = new TextDecoder();

  /** The values of the lines that `chunk` completes. Throws SyntaxError for a line that is not JSON. */
  push(chunk: Uint8Array): unknown[] {
    const last = chunk.lastIndexOf(NEWLINE);
    if (last < 0) {
      this.#keep(chunk);
      return [];
    }
    let text = "";
    for (const piece of this.#rest) text += this.#decoder.decode(piece, { stream: true });
    text += this.#decoder.decode(chunk.subarray(0, last));
    this.#rest = [];
    this.#restBytes = 0;
    if (last + 1 < chunk.length) this.#keep(chunk.subarray(last + 1));
    return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [JSON.parse(line) as unknown]));
  }

  /** The last line when the stream ended without a newline. What does not parse was cut off and is dropped. */
  end(): unknown[] {
    let text = "";
    for (const piece of this.#rest) text += this.#decoder.decode(piece, { stream: true });
    this.#rest = [];
    this.#restBytes = 0;
    try {
      return text.trim() === "" ? [] : [JSON.parse(text) as unknown];
    } catch {
      return [];
    }
  }

  #keep(bytes: Uint8Array): void {
    this.#restBytes += bytes.length;
    if (this.#restBytes > LONGEST_LINE_BYTES) throw new RangeError("a line of the stream is too long");
    // A copy: the sender may use its buffer again, and a view would hold all of it.
    this.#rest.push(bytes.slice());
  }
}
