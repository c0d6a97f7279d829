/** An address as numbers: 4 bytes for IPv4 (also when written as IPv4-mapped IPv6), 16 for IPv6. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly bytes: readonly number[];
  /** Written with leading zeros in an IPv4 part; Go's old parser took them as decimal. */
  readonly leadingZeros: boolean;
  /** Written as `::ffff:10.0.0.1`. */
  readonly mapped: boolean;
}
export interface Cidr {
  readonly address: IpAddress;
  /** Counted within the address's family. */
  readonly prefixLength: number;
  readonly leadingZerosInLength: boolean;
}

/** @upstream k8s.io/utils/net ParseIPSloppy */
export function parseIp(text: string): IpAddress | undefined {
  if (!text.includes(":")) {
    const four = parseIpv4(text);
    return four === undefined ? undefined : { family: 4, bytes: four.bytes, leadingZeros: four.leadingZeros, mapped: false };
  }
  if (text.length > 45) return undefined;
  const six = parseIpv6(text);
  if (six === undefined) return undefined;
  const { bytes, leadingZeros } = six;
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return mapped ? { family: 4, bytes: bytes.slice(12), leadingZeros, mapped } : { family: 6, bytes, leadingZeros, mapped };
}

function parseIpv4(text: string): { readonly bytes: number[]; readonly leadingZeros: boolean } | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || text.length > 63) return undefined;
  let leadingZeros = false;
  const bytes: number[] = [];
  for (const part of parts) {
    if (!/^[0-9]+$/.test(part) || Number(part) > 255) return undefined;
    if (part.length > 1 && part.startsWith("0")) leadingZeros = true;
    bytes.push(Number(part));
  }
  return { bytes, leadingZeros };
}

function parseIpv6(text: string): { readonly bytes: readonly number[]; readonly leadingZeros: boolean } | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  let leadingZeros = false;
  const groups = halves.map((half, index) => {
    const bytes: number[] = [];
    const parts = half === "" ? [] : half.split(":");
    for (const [at, part] of parts.entries()) {
      if (part.includes(".")) {
        const four = at === parts.length - 1 && index === halves.length - 1 ? parseIpv4(part) : undefined;
        if (four === undefined) return undefined;
        leadingZeros ||= four.leadingZeros;
        bytes.push(...four.bytes);
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
        const word = Number.parseInt(part, 16);
        bytes.push(word >> 8, word & 0xff);
      }
    }
    return bytes;
  });
  const [head, tail] = groups;
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  if (halves.length === 1) return head.length === 16 ? { bytes: head, leadingZeros } : undefined;
  const gap = 16 - head.length - (tail?.length ?? 0);
  return gap < 2 ? undefined : { bytes: [...head, ...Array.from({ length: gap }, () => 0), ...(tail ?? [])], leadingZeros };
}

/** @upstream k8s.io/utils/net ParseCIDRSloppy */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const address = parseIp(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (address === undefined || !/^[0-9]{1,4}$/.test(length)) return undefined;
  const written = Number(length);
  const prefixLength = address.mapped ? written - 96 : written;
  if (written > (address.mapped || address.family === 6 ? 128 : 32) || prefixLength < 0) return undefined;
  return { address, prefixLength, leadingZerosInLength: length.length > 1 && length.startsWith("0") };
}

/** RFC 5952 text: `2001:db8::1`, `10.0.0.1`. */
export function formatIp({ family, bytes }: Pick<IpAddress, "family" | "bytes">): string {
  if (family === 4) return bytes.join(".");
  const words: number[] = [];
  for (let index = 0; index < 16; index += 2) words.push(((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0));
  let [start, length] = [-1, 1];
  for (let index = 0; index < 8; index += 1) {
    let end = index;
    while (end < 8 && words[end] === 0) end += 1;
    if (end - index > length) [start, length] = [index, end - index];
  }
  const hex = words.map((word) => word.toString(16));
  return start < 0 ? hex.join(":") : `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

/** The first address of a CIDR's range. */
export function networkOf({ address, prefixLength }: Cidr): IpAddress {
  const bytes = address.bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, prefixLength - index * 8))) & 0xff);
  return { ...address, bytes };
}

/** `10.0.0.0/24` for `10.0.0.7/24`. */
export const formatCidr = (cidr: Cidr): string => `${formatIp(networkOf(cidr))}/${cidr.prefixLength}`;

/** Whether an address lies in a range. */
export function cidrContains(cidr: Cidr, address: IpAddress): boolean {
  if (cidr.address.family !== address.family) return false;
  const network = networkOf(cidr).bytes;
  return networkOf({ ...cidr, address }).bytes.every((byte, index) => byte === network[index]);
}

const hasHostBits = (cidr: Cidr): boolean => networkOf(cidr).bytes.some((byte, index) => byte !== cidr.address.bytes[index]);

/** Messages; `strict` also refuses leading zeros and IPv4-mapped IPv6. @upstream apimachinery/pkg/util/validation/ip.go */
export function ipErrors(value: string, { strict = true }: { readonly strict?: boolean } = {}): string[] {
  const address = parseIp(value);
  if (address === undefined) return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"];
  if (!strict) return [];
  if (address.leadingZeros) return ["must not have leading 0s"];
  return address.mapped ? ["must not be an IPv4-mapped IPv6 address"] : [];
}
export function ipv4Errors(value: string): string[] {
  return parseIp(value)?.family === 4 ? [] : ["must be a valid IPv4 address"];
}
export function ipv6Errors(value: string): string[] {
  return parseIp(value)?.family === 6 ? [] : ["must be a valid IPv6 address"];
}

/** Messages; `strict` also refuses leading zeros, IPv4-mapped IPv6 and bits beyond the prefix. */
export function cidrErrors(value: string, { strict = true }: { readonly strict?: boolean } = {}): string[] {
  const cidr = parseCidr(value);
  if (cidr === undefined) return ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"];
  if (!strict) return [];
  const errors: string[] = [];
  if (cidr.address.leadingZeros) errors.push("must not have leading 0s in IP");
  if (cidr.leadingZerosInLength) errors.push("must not have leading 0s in prefix length");
  if (cidr.address.mapped) errors.push("must not be an IPv4-mapped IPv6 address");
  if (hasHostBits(cidr)) errors.push("must not have bits set beyond the prefix length");
  return errors;
}
