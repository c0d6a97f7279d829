import type { NodeInfo } from "./node-info.ts";

const REGION = ["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"];
const ZONE = ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"];

/** Nodes with the zones taking turns, so that looking at some of them looks at all zones. @upstream pkg/scheduler/backend/cache/node_tree.go */
export function orderNodes(nodes: Iterable<NodeInfo>): readonly NodeInfo[] {
  const zones = new Map<string, NodeInfo[]>();
  for (const node of nodes) {
    const zone = zoneOf(node);
    const members = zones.get(zone);
    if (members === undefined) zones.set(zone, [node]);
    else members.push(node);
  }
  const lists = [...zones.values()];
  const ordered: NodeInfo[] = [];
  for (let round = 0; lists.some((list) => round < list.length); round += 1)
    for (const list of lists) {
      const node = list[round];
      if (node !== undefined) ordered.push(node);
    }
  return ordered;
}

function zoneOf({ labels }: NodeInfo): string {
  const [region, zone] = [REGION, ZONE].map((keys) => keys.map((key) => labels[key]).find((value) => value !== undefined && value !== "") ?? "");
  return `${region ?? ""}:${zone ?? ""}`;
}
