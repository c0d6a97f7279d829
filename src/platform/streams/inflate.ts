const windowBytes = 32_768;
const mostBits = 15;
const lengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const distanceBase = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12_289, 16_385, 24_577];
const distanceExtra = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
/** The order in which a dynamic block names the lengths of its code lengths' codes. */
const codeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A canonical Huffman code: how many codes there are of each length, and the symbols in the codes' order. */
interface HuffmanCode {
  readonly counts: readonly number[];
  readonly symbols: readonly number[];
}

function huffmanCode(lengths: readonly number[]): HuffmanCode {
  const counts = Array.from({ length: mostBits + 1 }, (_, length) => (length === 0 ? 0 : lengths.filter((other) => other === length).length));
  const symbols = lengths
    .map((length, symbol) => ({ length, symbol }))
    .filter(({ length }) => length > 0)
    .sort((one, other) => one.length - other.length || one.symbol - other.symbol)
    .map(({ symbol }) => symbol);
  return { counts, symbols };
}

const fixedLiterals = huffmanCode(Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)));
const fixedDistances = huffmanCode(Array.from({ length: 30 }, () => 5));

/**
 * Decompresses one endless zlib stream (RFC 1950, RFC 1951) in parts, each of which its writer flushed to a byte's edge:
 * `inflate(part 1)`, `inflate(part 2)`, … Meant for header blocks: small, and safe against input that swells.
 */
export class Inflater {
  readonly #dictionary: Uint8Array;
  readonly #mostBytes: number;
  #begun = false;
  #window: Uint8Array = new Uint8Array();
  #out: number[] = [];
  #input: Uint8Array = new Uint8Array();
  #at = 0;
  #bits = 0;
  #bitCount = 0;

  constructor({ dictionary, mostBytes }: { readonly dictionary: Uint8Array /** of one part, decompressed. */; readonly mostBytes: number }) {
    this.#dictionary = dictionary;
    this.#mostBytes = mostBytes;
  }

  /** Throws when the bytes are not a whole part or give more than `mostBytes`. */
  inflate(part: Uint8Array): Uint8Array {
    this.#input = part;
    this.#at = 0;
    this.#bits = 0;
    this.#bitCount = 0;
    this.#out = [];
    if (!this.#begun) this.#begin();
    while (this.#at < this.#input.length) this.#block();
    const out = Uint8Array.from(this.#out);
    this.#window = lastBytes(this.#window, out);
    return out;
  }

  #begin(): void {
    const method = this.#read(8);
    const flags = this.#read(8);
    if ((method & 15) !== 8 || (method * 256 + flags) % 31 !== 0) throw new Error("not a zlib stream");
    if ((flags & 32) !== 0) {
      // The dictionary's checksum: there is but one dictionary.
      this.#read(16);
      this.#read(16);
      this.#window = this.#dictionary;
    }
    this.#begun = true;
  }

  #block(): void {
    const isLast = this.#read(1) === 1;
    const type = this.#read(2);
    if (type === 0) this.#stored();
    else if (type === 1) this.#compressed(fixedLiterals, fixedDistances);
    else if (type === 2) this.#dynamic();
    else throw new Error("a block of an unknown type");
    // What follows the last block is a checksum, which nobody asked for.
    if (isLast) this.#at = this.#input.length;
  }

  #stored(): void {
    this.#bits = 0;
    this.#bitCount = 0;
    const length = this.#read(16);
    if (this.#read(16) !== (length ^ 0xffff)) throw new Error("a stored block's length is damaged");
    for (let left = length; left > 0; left -= 1) this.#put(this.#read(8));
  }

  #dynamic(): void {
    const literalCount = this.#read(5) + 257;
    const distanceCount = this.#read(5) + 1;
    const codeCount = this.#read(4) + 4;
    const codeLengths = Array.from({ length: 19 }, () => 0);
    for (const symbol of codeLengthOrder.slice(0, codeCount)) codeLengths[symbol] = this.#read(3);
    const code = huffmanCode(codeLengths);
    const lengths: number[] = [];
    while (lengths.length < literalCount + distanceCount) {
      const symbol = this.#symbol(code);
      if (symbol < 16) lengths.push(symbol);
      else {
        const repeated = symbol === 16 ? (lengths.at(-1) ?? 0) : 0;
        const times = symbol === 16 ? 3 + this.#read(2) : symbol === 17 ? 3 + this.#read(3) : 11 + this.#read(7);
        for (let left = times; left > 0; left -= 1) lengths.push(repeated);
      }
    }
    this.#compressed(huffmanCode(lengths.slice(0, literalCount)), huffmanCode(lengths.slice(literalCount)));
  }

  #compressed(literals: HuffmanCode, distances: HuffmanCode): void {
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol < 256) this.#put(symbol);
      else if (symbol === 256) return;
      else {
        const length = this.#extended(symbol - 257, lengthBase, lengthExtra);
        const distance = this.#extended(this.#symbol(distances), distanceBase, distanceExtra);
        for (let left = length; left > 0; left -= 1) this.#put(this.#back(distance));
      }
    }
  }

  #extended(index: number, bases: readonly number[], extras: readonly number[]): number {
    const base = bases[index];
    if (base === undefined) throw new Error("a length or distance that does not exist");
    return base + this.#read(extras[index] ?? 0);
  }

  #symbol({ counts, symbols }: HuffmanCode): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= mostBits; length += 1) {
      code |= this.#read(1);
      const count = counts[length] ?? 0;
      if (code - first < count) return symbols[index + code - first] ?? 0;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new Error("a code that does not exist");
  }

  #read(count: number): number {
    while (this.#bitCount < count) {
      const byte = this.#input[this.#at];
      if (byte === undefined) throw new Error("compressed bytes end too early");
      this.#bits |= byte << this.#bitCount;
      this.#at += 1;
      this.#bitCount += 8;
    }
    const value = this.#bits & ((1 << count) - 1);
    this.#bits >>>= count;
    this.#bitCount -= count;
    return value;
  }

  #back(distance: number): number {
    const index = this.#out.length - distance;
    const byte = index >= 0 ? this.#out[index] : this.#window[this.#window.length + index];
    if (byte === undefined) throw new Error("a distance beyond the beginning");
    return byte;
  }

  #put(byte: number): void {
    if (this.#out.length >= this.#mostBytes) throw new Error(`more than ${this.#mostBytes} bytes when decompressed`);
    this.#out.push(byte);
  }
}

function lastBytes(before: Uint8Array, added: Uint8Array): Uint8Array {
  if (added.length >= windowBytes) return added.subarray(added.length - windowBytes);
  const kept = before.subarray(Math.max(0, before.length + added.length - windowBytes));
  const whole = new Uint8Array(kept.length + added.length);
  whole.set(kept);
  whole.set(added, kept.length);
  return whole;
}
