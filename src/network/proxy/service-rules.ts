import type { Backend } from "./endpoint-choice.ts";
import { chainName } from "./rule-names.ts";
import type { ServicePortPlan } from "./service-map.ts";

/**
 * What one owner adds to the table. Example: chains {"service-…": ["numgen random mod 1 vmap { 0 : goto endpoint-… }"]},
 * sets {"affinity-…": "type ipv4_addr; flags dynamic,timeout; timeout 10800s;"},
 * elements {"service-ips": {"10.96.0.1 . tcp . 443": "goto service-…"}}. An empty value is an element of a plain set.
 */
export interface RuleFragment {
  readonly chains: ReadonlyMap<string, readonly string[]>;
  readonly sets: ReadonlyMap<string, string>;
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

export interface RuleOptions {
  /** The pods' range; what comes from elsewhere is masqueraded, so that answers return over this node. */
  readonly clusterCidr: string;
}

/** The rules of one service on this node. @upstream pkg/proxy/nftables/proxier.go */
export function serviceRules(plans: readonly ServicePortPlan[], options: RuleOptions): RuleFragment {
  const fragment = { chains: new Map<string, readonly string[]>(), sets: new Map<string, string>(), elements: new Map<string, Map<string, string>>() };
  const element = (map: string, key: string, verdict: string): void => {
    const known = fragment.elements.get(map) ?? new Map<string, string>();
    fragment.elements.set(map, known.set(key, verdict));
  };
  for (const plan of plans) addPort(plan, options, { ...fragment, element });
  return fragment;
}

interface Sink {
  readonly chains: Map<string, readonly string[]>;
  readonly sets: Map<string, string>;
  element(map: string, key: string, verdict: string): void;
}

function addPort(plan: ServicePortPlan, options: RuleOptions, sink: Sink): void {
  const { backends, protocol, port, clusterIp } = plan;
  const tuple = (ip: string): string => `${ip} . ${protocol} . ${port}`;
  const outside = [...plan.externalIps, ...plan.loadBalancerIps];
  const isOutward = outside.length > 0 || plan.nodePort !== undefined;
  const clusterChain = chainName("service", plan);
  const localChain = chainName("local", plan);
  const externalChain = chainName("external", plan);
  sink.element("cluster-ips", clusterIp, "");

  const usesLocal = (plan.internalLocal || (plan.externalLocal && isOutward)) && backends.local.length > 0;
  const usesCluster = backends.any && (!plan.internalLocal || isOutward);
  const used = new Map([...(usesCluster ? backends.cluster : []), ...(usesLocal ? backends.local : [])].map((backend) => [endpointChain(plan, backend), backend]));
  for (const [name, backend] of used) addEndpoint(plan, name, backend, sink);
  if (usesCluster) sink.chains.set(clusterChain, [...clusterIpRules(plan, options, !plan.internalLocal), ...spread(plan, backends.cluster)]);
  if (usesLocal) sink.chains.set(localChain, [...clusterIpRules(plan, options, plan.internalLocal), ...spread(plan, backends.local)]);

  const internal = plan.internalLocal ? (usesLocal ? localChain : undefined) : usesCluster ? clusterChain : undefined;
  if (internal !== undefined) sink.element("service-ips", tuple(clusterIp), `goto ${internal}`);
  else sink.element("no-endpoint-services", tuple(clusterIp), refusal(plan));

  if (!isOutward) return;
  addFirewall(plan, tuple, sink);
  if (backends.any) {
    sink.chains.set(externalChain, externalRules(plan, options, { clusterChain, localChain, hasLocal: usesLocal }));
    for (const ip of outside) sink.element("service-ips", tuple(ip), `goto ${externalChain}`);
    if (plan.nodePort !== undefined) sink.element("service-nodeports", `${protocol} . ${plan.nodePort}`, `goto ${externalChain}`);
  }
  // With endpoints elsewhere only, the node's own and its pods' connections are served and the rest is dropped in the
  // external chain; without any, everybody is told.
  if (!backends.any) {
    for (const ip of outside) sink.element("no-endpoint-services", tuple(ip), refusal(plan));
    if (plan.nodePort !== undefined) sink.element("no-endpoint-nodeports", `${protocol} . ${plan.nodePort}`, refusal(plan));
  }
}

const refusal = ({ backends }: ServicePortPlan): string => (backends.any ? "drop" : "goto reject-connection");

function clusterIpRules({ clusterIp, protocol, port }: ServicePortPlan, { clusterCidr }: RuleOptions, isEntry: boolean): readonly string[] {
  return isEntry ? [`ip daddr ${clusterIp} ${protocol} dport ${port} ip saddr != ${clusterCidr} jump mark-for-masquerade`] : [];
}

/** Remembered clients first, then chance. */
function spread(plan: ServicePortPlan, backends: readonly Backend[]): readonly string[] {
  const names = backends.map((backend) => endpointChain(plan, backend));
  const remembered = plan.affinitySeconds === undefined ? [] : backends.map((backend) => `ip saddr @${affinitySet(plan, backend)} goto ${endpointChain(plan, backend)}`);
  return [...remembered, `numgen random mod ${names.length} vmap { ${names.map((name, index) => `${index} : goto ${name}`).join(", ")} }`];
}

/** From outside: to any endpoint behind this node's address, or only to this node's with the client's address kept. */
function externalRules(
  plan: ServicePortPlan,
  { clusterCidr }: RuleOptions,
  chains: { readonly clusterChain: string; readonly localChain: string; readonly hasLocal: boolean },
): readonly string[] {
  if (!plan.externalLocal) return ["jump mark-for-masquerade", `goto ${chains.clusterChain}`];
  return [
    `ip saddr ${clusterCidr} goto ${chains.clusterChain}`,
    "fib saddr type local jump mark-for-masquerade",
    `fib saddr type local goto ${chains.clusterChain}`,
    chains.hasLocal ? `goto ${chains.localChain}` : "drop",
  ];
}

function addEndpoint(plan: ServicePortPlan, name: string, backend: Backend, sink: Sink): void {
  const rules = [`ip saddr ${backend.ip} jump mark-for-masquerade`];
  if (plan.affinitySeconds !== undefined) {
    const set = affinitySet(plan, backend);
    sink.sets.set(set, `type ipv4_addr; flags dynamic,timeout; timeout ${plan.affinitySeconds}s;`);
    rules.push(`update @${set} { ip saddr }`);
  }
  rules.push(`meta l4proto ${plan.protocol} dnat to ${backend.ip}:${backend.port}`);
  sink.chains.set(name, rules);
}

function addFirewall(plan: ServicePortPlan, tuple: (ip: string) => string, sink: Sink): void {
  if (plan.sourceRanges === undefined || plan.loadBalancerIps.length === 0) return;
  const chain = chainName("firewall", plan);
  const ranges = [...new Set(plan.sourceRanges)].sort();
  sink.chains.set(chain, ranges.length === 0 ? ["drop"] : [...ranges.map((range) => `ip saddr ${range} return`), "drop"]);
  for (const ip of plan.loadBalancerIps) sink.element("firewall-ips", tuple(ip), `goto ${chain}`);
}

const endpointChain = (plan: ServicePortPlan, backend: Backend): string => chainName("endpoint", plan, `${backend.ip}/${backend.port}`);
/** The timeout is part of the name, since a set's cannot be changed. */
const affinitySet = (plan: ServicePortPlan, backend: Backend): string => chainName(`affinity-${plan.affinitySeconds ?? 0}`, plan, `${backend.ip}/${backend.port}`);
