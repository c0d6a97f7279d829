import type { RuleFragment } from "./service-rules.ts";

export interface BaseRuleOptions {
  /** The pods' range of the whole cluster. */
  readonly clusterCidr: string;
  /** The node's addresses, on which node ports answer. */
  readonly nodeIps: readonly string[];
}

/** Maps and sets that services put elements into, with what nftables must know of them. */
export const elementHolders: ReadonlyMap<string, { readonly kind: "map" | "set"; readonly definition: string }> = new Map([
  ["service-ips", { kind: "map", definition: "type ipv4_addr . inet_proto . inet_service : verdict;" }],
  ["service-nodeports", { kind: "map", definition: "type inet_proto . inet_service : verdict;" }],
  ["no-endpoint-services", { kind: "map", definition: "type ipv4_addr . inet_proto . inet_service : verdict;" }],
  ["no-endpoint-nodeports", { kind: "map", definition: "type inet_proto . inet_service : verdict;" }],
  ["firewall-ips", { kind: "map", definition: "type ipv4_addr . inet_proto . inet_service : verdict;" }],
  ["cluster-ips", { kind: "set", definition: "type ipv4_addr;" }],
  ["node-ips", { kind: "set", definition: "type ipv4_addr;" }],
]);

/** Chains that hang on a hook of the kernel. What a connection meets first stands first. */
export const hooks: ReadonlyMap<string, string> = new Map([
  ["firewall-prerouting", "type filter hook prerouting priority -110;"],
  ["firewall-output", "type filter hook output priority -110;"],
  ["nat-prerouting", "type nat hook prerouting priority -100;"],
  ["nat-output", "type nat hook output priority -100;"],
  ["filter-input", "type filter hook input priority 0;"],
  ["filter-forward", "type filter hook forward priority 0;"],
  ["filter-output", "type filter hook output priority 0;"],
  ["nat-postrouting", "type nat hook postrouting priority 100;"],
]);

/** kube-proxy's bit: chains of both understand each other's mark. */
const masqueradeBit = "0x4000";

/** What does not depend on any service: the chains everything hangs on, and the node's addresses. */
export function baseRules({ clusterCidr, nodeIps }: BaseRuleOptions): RuleFragment {
  const check = ["ct state new jump refuse"];
  const chains: readonly (readonly [string, readonly string[]])[] = [
    ["mark-for-masquerade", [`meta mark set meta mark or ${masqueradeBit}`]],
    ["reject-connection", ["meta l4proto tcp reject with tcp reset", "reject"]],
    ["services", ["ip daddr . meta l4proto . th dport vmap @service-ips", "ip daddr @node-ips meta l4proto . th dport vmap @service-nodeports"]],
    [
      "refuse",
      [
        "ip daddr . meta l4proto . th dport vmap @no-endpoint-services",
        "ip daddr @node-ips meta l4proto . th dport vmap @no-endpoint-nodeports",
        // Translated connections have left the cluster address behind, so this one has no such port.
        "ip daddr @cluster-ips goto reject-connection",
      ],
    ],
    ["firewall", ["ip daddr . meta l4proto . th dport vmap @firewall-ips"]],
    ["firewall-prerouting", ["ct state new jump firewall"]],
    ["firewall-output", ["ct state new jump firewall"]],
    ["nat-prerouting", ["jump services"]],
    ["nat-output", ["jump services"]],
    ["filter-input", check],
    ["filter-forward", check],
    ["filter-output", check],
    [
      "nat-postrouting",
      [
        `meta mark & ${masqueradeBit} != 0 jump masquerade-marked`,
        // Pods' addresses mean nothing outside.
        `ip saddr ${clusterCidr} ip daddr != ${clusterCidr} ip daddr != 224.0.0.0/4 masquerade fully-random`,
      ],
    ],
    ["masquerade-marked", [`meta mark set meta mark xor ${masqueradeBit}`, "masquerade fully-random"]],
  ];
  return { chains: new Map(chains), sets: new Map(), elements: new Map([["node-ips", new Map(nodeIps.map((ip) => [ip, ""]))]]) };
}
