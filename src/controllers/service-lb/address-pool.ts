import { formatIp, networkOf, parseCidr, parseIp } from "../../meta/ip.ts";

interface Range {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** Addresses that may be given away: `192.168.1.240/28, 10.0.0.5-10.0.0.9, fd00::1`. */
export class AddressPool {
  readonly #ranges: readonly Range[];

  /** Throws when a part is neither an address, a range nor a CIDR. */
  constructor(text: string) {
    this.#ranges = text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "")
      .map(parseRange);
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  contains(ip: string): boolean {
    const address = parseIp(ip);
    if (address === undefined) return false;
    const value = toBigInt(address.bytes);
    return this.#ranges.some(({ family, first, last }) => family === address.family && first <= value && value <= last);
  }

  has(family: 4 | 6): boolean {
    return this.#ranges.some((range) => range.family === family);
  }

  /** The lowest address that is not taken. `taken` holds addresses as formatIp writes them. */
  firstFree(family: 4 | 6, taken: ReadonlySet<string>): string | undefined {
    for (const range of this.#ranges) {
      if (range.family !== family) continue;
      // At most one step more than addresses are taken, however large the range is.
      for (let value = range.first; value <= range.last; value += 1n) {
        const ip = toText(family, value);
        if (!taken.has(ip)) return ip;
      }
    }
    return undefined;
  }
}

/** One spelling for each address. */
export function canonicalIp(text: string): string {
  const address = parseIp(text);
  return address === undefined ? text : formatIp(address);
}

function parseRange(text: string): Range {
  const cidr = parseCidr(text);
  if (cidr !== undefined) {
    const { family } = cidr.address;
    const first = toBigInt(networkOf(cidr).bytes);
    const width = BigInt((family === 4 ? 32 : 128) - cidr.prefixLength);
    return { family, first, last: first + (1n << width) - 1n };
  }
  const [from = "", to = from] = text.split("-").map((part) => part.trim());
  const first = parseIp(from);
  const last = parseIp(to);
  if (first === undefined || last === undefined || first.family !== last.family) throw new Error(`${JSON.stringify(text)} is no address, range of addresses or CIDR`);
  return { family: first.family, first: toBigInt(first.bytes), last: toBigInt(last.bytes) };
}

function toBigInt(bytes: readonly number[]): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function toText(family: 4 | 6, value: bigint): string {
  const length = family === 4 ? 4 : 16;
  return formatIp({ family, bytes: Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 0xffn)) });
}
