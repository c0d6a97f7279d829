import { type Cidr, formatIp, networkOf, parseCidr } from "../../meta/ip.ts";

/** A range of addresses that is cut into equal blocks, one for each node. `10.42.0.0/16` in /24: `10.42.0.0/24`, `10.42.1.0/24` … */
export class CidrPool {
  readonly #base: bigint;
  readonly #family: 4 | 6;
  readonly #maskSize: number;
  readonly #count: number;
  readonly #used = new Set<number>();
  #next = 0;

  /** Throws when the range is none or smaller than one block. */
  constructor(range: string, maskSize: number) {
    const cidr = parseCidr(range);
    if (cidr === undefined) throw new Error(`${JSON.stringify(range)} is not a CIDR`);
    const bits = maskSize - cidr.prefixLength;
    if (bits < 0) throw new Error(`node mask /${maskSize} does not fit into ${range}`);
    this.#base = toBigInt(networkOf(cidr).bytes);
    this.#family = cidr.address.family;
    this.#maskSize = maskSize;
    // Upstream cuts at most 2^16 blocks of an IPv6 range; more nodes there cannot be.
    this.#count = 2 ** Math.min(bits, 24);
  }

  get family(): 4 | 6 {
    return this.#family;
  }

  /** A free block, the next after the last one given; undefined when there is none. */
  take(): string | undefined {
    for (let tried = 0; tried < this.#count; tried += 1) {
      const index = (this.#next + tried) % this.#count;
      if (this.#used.has(index)) continue;
      this.#used.add(index);
      this.#next = (index + 1) % this.#count;
      return this.#block(index);
    }
    return undefined;
  }

  /** Marks a block that a node has already; false when it is not of this pool. */
  occupy(block: string): boolean {
    const range = this.#indexes(block);
    if (range === undefined) return false;
    for (let index = range[0]; index <= range[1]; index += 1) this.#used.add(index);
    return true;
  }

  release(block: string): void {
    const range = this.#indexes(block);
    if (range !== undefined) for (let index = range[0]; index <= range[1]; index += 1) this.#used.delete(index);
  }

  #block(index: number): string {
    const width = this.#family === 4 ? 32 : 128;
    const address = this.#base + (BigInt(index) << BigInt(width - this.#maskSize));
    return `${formatIp({ family: this.#family, bytes: toBytes(address, width / 8) })}/${this.#maskSize}`;
  }

  #indexes(block: string): readonly [number, number] | undefined {
    const cidr: Cidr | undefined = parseCidr(block);
    if (cidr === undefined || cidr.address.family !== this.#family) return undefined;
    const width = this.#family === 4 ? 32 : 128;
    const shift = BigInt(width - this.#maskSize);
    const start = toBigInt(networkOf(cidr).bytes) - this.#base;
    const end = start + (1n << BigInt(width - cidr.prefixLength)) - 1n;
    const last = BigInt(this.#count - 1);
    if (end < 0n || start >> shift > last) return undefined;
    const first = start < 0n ? 0n : start >> shift;
    return [Number(first), Number(end >> shift < last ? end >> shift : last)];
  }
}

function toBigInt(bytes: readonly number[]): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function toBytes(value: bigint, length: number): readonly number[] {
  return Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 0xffn));
}
