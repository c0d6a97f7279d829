import type { Random } from "../../base/random.ts";
import { type Cidr, formatIp, networkOf } from "../../meta/ip.ts";

const TRIES = 64;

/** A free address: drawn from the upper part of the range first, which leaves the lower one to those who choose. @upstream KEP-3070 */
export function freeIp(cidr: Cidr, random: Random, isTaken: (ip: string) => boolean): string | undefined {
  const base = networkOf(cidr);
  const bits = base.bytes.length * 8 - cidr.prefixLength;
  const size = 2 ** Math.min(bits, 20);
  const reserved = Math.min(Math.max(16, Math.floor(size / 16)), 256);
  const at = (offset: number): string => formatIp({ family: base.family, bytes: plus(base.bytes, offset) });
  const lowest = 1;
  const highest = size - 2;
  if (highest < lowest) return undefined;
  const start = highest - reserved > lowest ? reserved : lowest;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const ip = at(start + Math.floor(random.next() * (highest - start + 1)));
    if (!isTaken(ip)) return ip;
  }
  for (const [from, to] of [
    [start, highest],
    [lowest, start - 1],
  ] as const) {
    for (let offset = from; offset <= to; offset += 1) if (!isTaken(at(offset))) return at(offset);
  }
  return undefined;
}

function plus(bytes: readonly number[], offset: number): number[] {
  const sum = [...bytes];
  let carry = offset;
  for (let index = sum.length - 1; index >= 0 && carry > 0; index -= 1) {
    carry += sum[index] ?? 0;
    sum[index] = carry & 0xff;
    carry = Math.floor(carry / 256);
  }
  return sum;
}

/** A free port. The first ones are for those who choose. @upstream KEP-3668 */
export function freePort({ first, last }: { readonly first: number; readonly last: number }, random: Random, isTaken: (port: number) => boolean): number | undefined {
  const size = last - first + 1;
  const reserved = Math.min(Math.max(16, Math.floor(size / 32)), 128);
  const start = size > reserved * 2 ? first + reserved : first;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const port = start + Math.floor(random.next() * (last - start + 1));
    if (!isTaken(port)) return port;
  }
  for (let port = first; port <= last; port += 1) if (!isTaken(port)) return port;
  return undefined;
}
