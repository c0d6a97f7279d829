import type { Plugin, Rejection } from "../plugin.ts";

/** The node must have what the pod asks for; the emptier it is afterwards, the better. @upstream plugins/noderesources/fit.go, least_allocated.go */
export const nodeResourcesFit: Plugin = {
  name: "NodeResourcesFit",
  weight: 1,
  filter({ requests }, node) {
    const rejections: Rejection[] = [];
    const pods = node.allocatable.get("pods") ?? 0;
    if (node.pods.size + 1 > pods) rejections.push({ reason: "Too many pods", unresolvable: false, lack: { resource: "pods", requested: 1, free: pods - node.pods.size } });
    for (const [resource, requested] of requests) {
      if (requested === 0) continue;
      const allocatable = node.allocatable.get(resource) ?? 0;
      const free = allocatable - (node.requested.get(resource) ?? 0);
      if (requested > free) rejections.push({ reason: `Insufficient ${resource}`, unresolvable: requested > allocatable, lack: { resource, requested, free } });
    }
    return rejections;
  },
  score({ scoredRequests }, node) {
    let sum = 0;
    let weights = 0;
    for (const resource of ["cpu", "memory"]) {
      const allocatable = node.allocatable.get(resource) ?? 0;
      if (allocatable === 0) continue;
      const used = (node.scoredRequested.get(resource) ?? 0) + (scoredRequests.get(resource) ?? 0);
      sum += used > allocatable ? 0 : Math.floor(((allocatable - used) * 100) / allocatable);
      weights += 1;
    }
    return weights === 0 ? 0 : Math.floor(sum / weights);
  },
};

/** Prefers nodes whose processor and memory would be used evenly. @upstream plugins/noderesources/balanced_allocation.go */
export const balancedAllocation: Plugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  score({ requests }, node) {
    const fractions: number[] = [];
    for (const resource of ["cpu", "memory"]) {
      const allocatable = node.allocatable.get(resource) ?? 0;
      if (allocatable === 0) continue;
      fractions.push(Math.min(1, ((node.requested.get(resource) ?? 0) + (requests.get(resource) ?? 0)) / allocatable));
    }
    const [first, second] = fractions;
    const deviation = first === undefined || second === undefined ? 0 : Math.abs(first - second) / 2;
    return Math.floor((1 - deviation) * 100);
  },
};
