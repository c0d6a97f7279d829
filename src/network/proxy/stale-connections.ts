import type { ServicePortPlan } from "./service-map.ts";

/**
 * The connection-tracking entries to forget when a service's plans change, as arguments for `conntrack`. A UDP "connection"
 * lives on as long as its client sends, so without this a client would talk to a gone endpoint for ever, or to nobody
 * when it began before there was one. @upstream pkg/proxy/conntrack/cleanup.go
 */
export function staleConnections(before: readonly ServicePortPlan[], after: readonly ServicePortPlan[]): readonly (readonly string[])[] {
  const remaining = new Set(udp(after).flatMap((plan) => backendsOf(plan)));
  const gone = new Set(udp(before).flatMap((plan) => backendsOf(plan).filter((backend) => !remaining.has(backend))));
  const found: (readonly string[])[] = [...gone].map((backend) => {
    const [ip = "", port = ""] = backend.split(" ");
    return ["-D", "-p", "udp", "--dst-nat", ip, "--reply-port-src", port];
  });
  const served = new Set(udp(before).flatMap((plan) => (plan.backends.any ? frontendsOf(plan) : [])));
  for (const plan of udp(after)) {
    if (!plan.backends.any) continue;
    for (const frontend of frontendsOf(plan)) {
      if (served.has(frontend)) continue;
      const [port = "", ip] = frontend.split(" ");
      found.push(["-D", "-p", "udp", ...(ip === undefined ? [] : ["--orig-dst", ip]), "--orig-port-dst", port]);
    }
  }
  return found;
}

const udp = (plans: readonly ServicePortPlan[]): readonly ServicePortPlan[] => plans.filter(({ protocol }) => protocol === "udp");
const backendsOf = ({ backends }: ServicePortPlan): readonly string[] => [...backends.cluster, ...backends.local].map(({ ip, port }) => `${ip} ${port}`);

/** `53 10.96.0.10`, or the bare node port. */
const frontendsOf = (plan: ServicePortPlan): readonly string[] => [
  ...[plan.clusterIp, ...plan.externalIps, ...plan.loadBalancerIps].map((ip) => `${plan.port} ${ip}`),
  ...(plan.nodePort === undefined ? [] : [String(plan.nodePort)]),
];
