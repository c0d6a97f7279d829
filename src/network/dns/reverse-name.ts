import { formatIp, parseIp } from "../../meta/ip.ts";

/** `10.96.0.1` for `1.0.96.10.in-addr.arpa`, likewise under ip6.arpa; undefined for every other name. */
export function addressOfReverseName(name: string): string | undefined {
  if (name.endsWith(".in-addr.arpa")) {
    const ip = parseIp(name.slice(0, -".in-addr.arpa".length).split(".").reverse().join("."));
    return ip?.family === 4 ? formatIp(ip) : undefined;
  }
  if (!name.endsWith(".ip6.arpa")) return undefined;
  const digits = name.slice(0, -".ip6.arpa".length).split(".").reverse();
  if (digits.length !== 32 || !digits.every((digit) => /^[0-9a-f]$/.test(digit))) return undefined;
  const ip = parseIp(Array.from({ length: 8 }, (_, group) => digits.slice(group * 4, group * 4 + 4).join("")).join(":"));
  return ip === undefined ? undefined : formatIp(ip);
}
