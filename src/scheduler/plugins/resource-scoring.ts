import type { NodeInfo } from "../cluster/node-info.ts";
import type { PodInfo } from "../cluster/pod-info.ts";
import { MAX_SCORE } from "../plugin.ts";

export interface WeightedResource {
  readonly name: string;
  /** 1 to 100. */
  readonly weight: number;
}

/** At a use of so many per cent a node is worth so many of 10 points; between two points in a straight line. */
export interface ShapePoint {
  readonly utilization: number;
  readonly score: number;
}

/** How the use of resources makes a score. @upstream NodeResourcesFitArgs.scoringStrategy */
export type ScoringStrategy =
  | { readonly type: "LeastAllocated" | "MostAllocated"; readonly resources?: readonly WeightedResource[] | undefined }
  | { readonly type: "RequestedToCapacityRatio"; readonly resources?: readonly WeightedResource[] | undefined; readonly shape: readonly ShapePoint[] };

export const cpuAndMemory: readonly WeightedResource[] = [
  { name: "cpu", weight: 1 },
  { name: "memory", weight: 1 },
];

/** What is asked of a resource with the pod on the node, and what there is. */
export interface Use {
  readonly requested: number;
  readonly capacity: number;
}

/** Undefined: the resource does not count, since the node has none or the pod does not ask for it. @upstream plugins/noderesources/resource_allocation.go */
export function useOf(name: string, { requests, scored }: PodInfo, node: NodeInfo, { withDefaults }: { readonly withDefaults: boolean }): Use | undefined {
  const { allocatable } = node;
  let capacity: number;
  let requested: number;
  switch (name) {
    case "cpu":
      capacity = allocatable.milliCpu;
      requested = withDefaults ? node.scoredMilliCpu + scored.milliCpu : node.milliCpu + requests.milliCpu;
      break;
    case "memory":
      capacity = allocatable.memory;
      requested = withDefaults ? node.scoredMemory + scored.memory : node.memory + requests.memory;
      break;
    case "ephemeral-storage":
      capacity = allocatable.ephemeralStorage;
      requested = node.ephemeralStorage + requests.ephemeralStorage;
      break;
    default: {
      const asked = requests.scalars.get(name) ?? 0;
      if (asked === 0) return undefined;
      capacity = allocatable.scalars.get(name) ?? 0;
      requested = (node.scalars?.get(name) ?? 0) + asked;
    }
  }
  return capacity > 0 ? { requested, capacity } : undefined;
}

/** @upstream plugins/noderesources/{least_allocated,most_allocated,requested_to_capacity_ratio}.go */
export function resourceRater(strategy: ScoringStrategy): (pod: PodInfo, node: NodeInfo) => number {
  const resources = strategy.resources ?? cpuAndMemory;
  if (strategy.type === "RequestedToCapacityRatio") return ratioRater(resources, brokenLine(strategy.shape));
  const rate = strategy.type === "LeastAllocated" ? leastAllocated : mostAllocated;
  return (pod, node) => {
    let sum = 0;
    let weights = 0;
    for (const { name, weight } of resources) {
      const use = useOf(name, pod, node, { withDefaults: true });
      if (use === undefined) continue;
      sum += rate(use) * weight;
      weights += weight;
    }
    return weights === 0 ? 0 : Math.floor(sum / weights);
  };
}

function leastAllocated({ requested, capacity }: Use): number {
  return requested > capacity ? 0 : Math.floor(((capacity - requested) * MAX_SCORE) / capacity);
}

/** A node that would be overcommitted by the defaults of scoring counts as full. */
function mostAllocated({ requested, capacity }: Use): number {
  return Math.floor((Math.min(requested, capacity) * MAX_SCORE) / capacity);
}

function ratioRater(resources: readonly WeightedResource[], scoreAt: (utilization: number) => number): (pod: PodInfo, node: NodeInfo) => number {
  return (pod, node) => {
    let sum = 0;
    let weights = 0;
    for (const { name, weight } of resources) {
      const use = useOf(name, pod, node, { withDefaults: true });
      if (use === undefined) continue;
      const score = scoreAt(use.requested > use.capacity ? MAX_SCORE : Math.trunc((use.requested * MAX_SCORE) / use.capacity));
      if (score <= 0) continue;
      sum += score * weight;
      weights += weight;
    }
    return weights === 0 ? 0 : Math.round(sum / weights);
  };
}

const MAX_SHAPE_SCORE = 10;

/** In whole numbers, as upstream reckons. @upstream plugins/helper/shape_score.go BuildBrokenLinearFunction */
function brokenLine(shape: readonly ShapePoint[]): (utilization: number) => number {
  const points = shape.map(({ utilization, score }) => ({ utilization, score: score * (MAX_SCORE / MAX_SHAPE_SCORE) }));
  return (utilization) => {
    for (const [index, point] of points.entries()) {
      if (utilization > point.utilization) continue;
      const before = points[index - 1];
      if (before === undefined) return point.score;
      return before.score + Math.trunc(((point.score - before.score) * (utilization - before.utilization)) / (point.utilization - before.utilization));
    }
    return points[points.length - 1]?.score ?? 0;
  };
}

/** 100 when all are used in the same proportion, down to 50; a resource that the node has none of does not count. */
export function balance(fractions: readonly number[]): number {
  const [first = 0, second = 0] = fractions;
  if (fractions.length < 2) return MAX_SCORE;
  let deviation: number;
  if (fractions.length === 2) deviation = Math.abs(first - second) / 2;
  else {
    const mean = fractions.reduce((sum, fraction) => sum + fraction, 0) / fractions.length;
    deviation = Math.sqrt(fractions.reduce((sum, fraction) => sum + (fraction - mean) ** 2, 0) / fractions.length);
  }
  return Math.trunc((1 - deviation) * MAX_SCORE);
}
