import type { Node, Pod } from "../../api/generated/types/core-v1.ts";
import type { NodeInfo } from "../cluster/node-info.ts";

/** A pod and a node as they would be: what has been conceded so far. */
export interface Hypothesis {
  readonly pod: Pod;
  readonly node: Node;
  /** What the node has beyond its allocatable, as scheduling counts it; `pods` too. */
  readonly extra: ReadonlyMap<string, number>;
}

/** The node with the pods that are on it, as the hypothesis has it. */
export function supposedNode(real: NodeInfo, { node, extra }: Hypothesis): NodeInfo {
  const copy = real.clone();
  copy.setNode(node);
  const { allocatable } = copy;
  const scalars = new Map(allocatable.scalars);
  for (const [name, more] of extra) if (!["cpu", "memory", "ephemeral-storage", "pods"].includes(name)) scalars.set(name, (scalars.get(name) ?? 0) + more);
  copy.allocatable = {
    milliCpu: allocatable.milliCpu + (extra.get("cpu") ?? 0),
    memory: allocatable.memory + (extra.get("memory") ?? 0),
    ephemeralStorage: allocatable.ephemeralStorage + (extra.get("ephemeral-storage") ?? 0),
    scalars,
  };
  copy.allowedPods += extra.get("pods") ?? 0;
  return copy;
}
