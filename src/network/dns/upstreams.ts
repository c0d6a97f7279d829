import { parseIp } from "../../meta/ip.ts";

/** A name server to ask. */
export interface Upstream {
  readonly address: string;
  readonly port: number;
}

/** `10.0.0.2`, `10.0.0.2:5353`, `[fd00::2]:53`; undefined for anything else. */
export function parseUpstream(text: string): Upstream | undefined {
  const parts = /^\[(?<six>[^\]]+)\](?::(?<sixPort>[0-9]{1,5}))?$|^(?<four>[0-9.]+)(?::(?<fourPort>[0-9]{1,5}))?$|^(?<bare>[0-9a-fA-F:.]+)$/.exec(text)?.groups;
  const address = parts?.["six"] ?? parts?.["four"] ?? parts?.["bare"];
  if (address === undefined || parseIp(address) === undefined) return undefined;
  return { address, port: Number(parts?.["sixPort"] ?? parts?.["fourPort"] ?? 53) };
}

/** The name servers of a resolv.conf, without those that are ourselves. */
export function upstreamsOf(resolvConf: string, own: readonly string[]): readonly Upstream[] {
  return resolvConf.split("\n").flatMap((line) => {
    const [keyword, value] = line.trim().split(/\s+/);
    if (keyword !== "nameserver" || value === undefined || own.includes(value)) return [];
    const upstream = parseUpstream(value.replace(/%.*$/, ""));
    return upstream === undefined ? [] : [upstream];
  });
}
