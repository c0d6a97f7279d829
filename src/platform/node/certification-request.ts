import { isIP } from "node:net";
import type { RequestedNames } from "../certificates.ts";

/** One DER value: its tag, its length, what is in it. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, { length: bytes }) => sum + bytes, 0);
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  if (length > 0xffff) throw new RangeError("a certificate request is at most 64 KiB long");
  return new Uint8Array(Buffer.concat([Uint8Array.of(tag, ...size), ...parts]));
}

const sequence = (...parts: readonly Uint8Array[]): Uint8Array => der(0x30, ...parts);
const set = (...parts: readonly Uint8Array[]): Uint8Array => der(0x31, ...parts);
const oid = (...bytes: readonly number[]): Uint8Array => der(0x06, Uint8Array.from(bytes));
const utf8 = (text: string): Uint8Array => der(0x0c, new TextEncoder().encode(text));
const nothing = der(0x05);

const COMMON_NAME = oid(0x55, 0x04, 0x03);
const ORGANIZATION = oid(0x55, 0x04, 0x0a);
const ALTERNATIVE_NAMES = oid(0x55, 0x1d, 0x11);
const EXTENSION_REQUEST = oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e);

/** How requests are signed, each with its identifier. RFC 5754, RFC 5758, RFC 8410 */
export const ALGORITHMS = {
  sha256WithRSA: sequence(oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b), nothing),
  ecdsaWithSha256: sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)),
  ecdsaWithSha384: sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03)),
  ecdsaWithSha512: sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04)),
  ed25519: sequence(oid(0x2b, 0x65, 0x70)),
} as const;
export type SignatureAlgorithm = keyof typeof ALGORITHMS;

/** What is signed of a request: names, and the public key (SPKI, DER). RFC 2986 */
export function requestInfo(names: RequestedNames, publicKey: Uint8Array): Uint8Array {
  const attribute = (type: Uint8Array, value: string): Uint8Array => set(sequence(type, utf8(value)));
  const subject = [
    // A set's values stand in order.
    ...(names.organizations?.length ? [set(...names.organizations.map((value) => sequence(ORGANIZATION, utf8(value))).sort(Buffer.compare))] : []),
    ...(names.commonName === undefined ? [] : [attribute(COMMON_NAME, names.commonName)]),
  ];
  const alternatives = [...(names.dnsNames ?? []).map((name) => der(0x82, new TextEncoder().encode(name))), ...(names.ips ?? []).map((ip) => der(0x87, addressBytes(ip)))];
  const extension = (): Uint8Array => sequence(ALTERNATIVE_NAMES, der(0x04, sequence(...alternatives)));
  const attributes = alternatives.length === 0 ? [] : [sequence(EXTENSION_REQUEST, set(sequence(extension())))];
  return sequence(der(0x02, Uint8Array.of(0)), sequence(...subject), publicKey, der(0xa0, ...attributes));
}

/** The whole request: what is signed, how, and the signature. */
export function certificationRequest(info: Uint8Array, algorithm: Uint8Array, signature: Uint8Array): Uint8Array {
  return sequence(info, algorithm, der(0x03, Uint8Array.of(0), signature));
}

function addressBytes(ip: string): Uint8Array {
  if (isIP(ip) === 4) return Uint8Array.from(ip.split(".").map(Number));
  const [head = "", tail] = canonicalIp(ip).split("::");
  const words = (text: string): number[] => (text === "" ? [] : text.split(":").map((word) => Number.parseInt(word, 16)));
  const [before, after] = [words(head), words(tail ?? "")];
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

/** One way to write an address: lower case, the longest run of zeros left out. Throws RangeError when it is none. */
export function canonicalIp(ip: string): string {
  const family = isIP(ip);
  if (family === 0) throw new RangeError(`${JSON.stringify(ip)} is not an IP address`);
  return family === 4 ? ip : new URL(`http://[${ip}]`).hostname.slice(1, -1);
}
