import { parseIp } from "../../meta/ip.ts";

/**
 * Whether requests may be sent on to an address that somebody wrote into an object: never to this machine itself, to the
 * link (where clouds answer with their secrets), to many at once or to nowhere. A name is not looked up.
 * @upstream apimachinery/pkg/util/proxy/dial.go, pkg/proxy/util/utils.go IsProxyableIP
 */
export function isProxyable(host: string): boolean {
  // 0177.0.0.1 is 127.0.0.1 to the resolver.
  if (/^[\d.]+$/.test(host) && /(^|\.)0\d/.test(host)) return false;
  const parsed = parseIp(host);
  if (parsed === undefined) return !/^localhost\.?$/i.test(host) && !/\.localhost\.?$/i.test(host) && !looksLikeAddress(host);
  const { family, bytes } = parsed;
  const [a = 0, b = 0] = bytes;
  if (family === 4) return isProxyableIpv4(bytes);
  // IPv4 in IPv6: ::ffff:127.0.0.1.
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff) return isProxyableIpv4(bytes.slice(12));
  const isUnspecifiedOrLoopback = bytes.slice(0, 15).every((byte) => byte === 0) && (bytes[15] ?? 0) <= 1;
  const isLinkLocal = a === 0xfe && (b & 0xc0) === 0x80;
  return !isUnspecifiedOrLoopback && !isLinkLocal && a !== 0xff;
}

function isProxyableIpv4([a = 0, b = 0, c = 0, d = 0]: readonly number[]): boolean {
  const isLoopback = a === 127;
  const isLinkLocal = a === 169 && b === 254;
  const isMulticast = a >= 224 && a < 240;
  const isBroadcast = a === 255 && b === 255 && c === 255 && d === 255;
  // All of 0.0.0.0/8 reaches this machine on Linux.
  return !isLoopback && !isLinkLocal && !isMulticast && !isBroadcast && a !== 0;
}

/** `2130706433`, `0x7f.1`, `127.1`: not addresses for us, but for the resolver. */
function looksLikeAddress(host: string): boolean {
  return /^(0x[0-9a-f]+|\d+)(\.(0x[0-9a-f]+|\d+))*\.?$/i.test(host);
}
