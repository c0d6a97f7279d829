import type { Pod } from "../../api/generated/types/core-v1.ts";

/** A resolver's configuration: `{servers: ["10.96.0.10"], searches: ["ns.svc.cluster.local"], options: ["ndots:5"]}`. */
export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface DnsInput {
  readonly host: DnsConfig;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
}

const maxServers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2048;

/** `resolv.conf` to its parts; the last `search` line wins. */
export function parseResolvConf(text: string): DnsConfig {
  const servers: string[] = [];
  let searches: readonly string[] = [];
  let options: readonly string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, "")
      .trim()
      .split(/\s+/);
    if (keyword === "nameserver" && words[0] !== undefined) servers.push(words[0]);
    else if (keyword === "search") searches = words.map((word) => (word === "." ? word : word.replace(/\.$/, "")));
    else if (keyword === "options") options = words;
  }
  return { servers, searches, options };
}

/** What a pod's resolver is told, and what had to be left out. @upstream pkg/kubelet/network/dns/dns.go GetPodDNS */
export function podDnsConfig(pod: Pod, input: DnsInput): { readonly config: DnsConfig; readonly warnings: readonly { readonly reason: string; readonly message: string }[] } {
  const warnings: { reason: string; message: string }[] = [];
  const policy = pod.spec.dnsPolicy ?? "ClusterFirst";
  const wantsCluster = policy === "ClusterFirstWithHostNet" || (policy === "ClusterFirst" && pod.spec.hostNetwork !== true);
  let config: DnsConfig = { servers: [], searches: [], options: [] };
  if (wantsCluster && input.clusterDns.length > 0) {
    const domain = input.clusterDomain;
    const own = domain === "" ? [] : [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain];
    config = { servers: input.clusterDns, searches: unique([...own, ...input.host.searches]), options: ["ndots:5"] };
  } else if (policy !== "None") {
    if (wantsCluster)
      warnings.push({
        reason: "MissingClusterDNS",
        message: `pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})". kubelet does not have ClusterDNS IP configured and cannot create Pod using "${policy}" policy. Falling back to "Default" policy.`,
      });
    config = input.host;
  }
  const own = pod.spec.dnsConfig;
  if (own !== undefined) {
    config = {
      servers: unique([...config.servers, ...(own.nameservers ?? [])]),
      searches: unique([...config.searches, ...(own.searches ?? [])]),
      options: mergeOptions(
        config.options,
        (own.options ?? []).map(({ name = "", value }) => (value === undefined || value === "" ? name : `${name}:${value}`)),
      ),
    };
  }
  const fitted = fit(config);
  if (fitted.servers.length < config.servers.length)
    warnings.push({
      reason: "DNSConfigForming",
      message: `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${fitted.servers.join(" ")}`,
    });
  if (fitted.searches.length < config.searches.length)
    warnings.push({
      reason: "DNSConfigForming",
      message: `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${fitted.searches.join(" ")}`,
    });
  return { config: fitted, warnings };
}

const unique = (items: readonly string[]): readonly string[] => [...new Set(items)];

/** The later of two options of one name wins, in the place of the first. */
function mergeOptions(first: readonly string[], second: readonly string[]): readonly string[] {
  const byName = new Map<string, string>();
  for (const option of [...first, ...second]) byName.set(option.split(":")[0] ?? option, option);
  return [...byName.values()];
}

function fit(config: DnsConfig): DnsConfig {
  const searches = config.searches.slice(0, maxSearches);
  while (searches.join(" ").length > maxSearchCharacters) searches.pop();
  return { servers: config.servers.slice(0, maxServers), searches, options: config.options };
}
