import { nodes } from "../../api/generated/resources.ts";
import type { Node } from "../../api/generated/types/core-v1.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { enqueueSelf } from "../enqueue.ts";
import { CidrPool } from "./plan.ts";

export interface NodeIpamOptions {
  /** One range per family, the primary first: `["10.42.0.0/16"]`. */
  readonly clusterCidrs: readonly string[];
  /** 24 when absent. */
  readonly nodeMaskSizeIpv4?: number;
  /** 64 when absent. */
  readonly nodeMaskSizeIpv6?: number;
}

/** Gives every node its block of pod addresses. @upstream pkg/controller/nodeipam/ipam/range_allocator.go */
export function nodeIpamController(deps: ControllerDeps, options: NodeIpamOptions): Controller {
  const { client, recorder } = deps;
  const nodeInformer = deps.informers.informer(nodes);
  const pools = options.clusterCidrs.map((range) => new CidrPool(range, range.includes(":") ? (options.nodeMaskSizeIpv6 ?? 64) : (options.nodeMaskSizeIpv4 ?? 24)));
  /** What nodes hold: of those that were seen with it or were just given it. */
  const held = new Map<string, readonly string[]>();

  const blocksOf = ({ spec }: Node): readonly string[] => spec.podCIDRs ?? (spec.podCIDR === undefined || spec.podCIDR === "" ? [] : [spec.podCIDR]);

  function hold(name: string, blocks: readonly string[]): void {
    if (held.has(name) || blocks.length === 0) return;
    held.set(name, blocks);
    for (const block of blocks) for (const pool of pools) pool.occupy(block);
  }

  function letGo(name: string): void {
    for (const block of held.get(name) ?? []) for (const pool of pools) pool.release(block);
    held.delete(name);
  }

  async function reconcile(name: string, signal: AbortSignal): Promise<void> {
    const node = nodeInformer.lister.get(name);
    if (node === undefined) {
      letGo(name);
      return;
    }
    if (blocksOf(node).length > 0 || node.metadata.deletionTimestamp !== undefined) return;
    const blocks = held.get(name) ?? take(node);
    try {
      await client.patch(nodes, name, { type: "strategic", value: { metadata: { uid: node.metadata.uid }, spec: { podCIDR: blocks[0], podCIDRs: blocks } } }, { signal });
    } catch (error) {
      if (hasReason(error, "NotFound")) letGo(name);
      else {
        // Another attempt with the same blocks; whether this one reached the server is not known.
        recorder.event(node, "Normal", "CIDRAssignmentFailed", `Node ${name} status is now: CIDRAssignmentFailed`);
        throw error;
      }
    }
  }

  function take(node: Node): readonly string[] {
    const name = node.metadata.name ?? "";
    const blocks: string[] = [];
    for (const pool of pools) {
      const block = pool.take();
      if (block !== undefined) {
        blocks.push(block);
        continue;
      }
      blocks.forEach((taken, index) => pools[index]?.release(taken));
      recorder.event(node, "Normal", "CIDRNotAvailable", `Node ${name} status is now: CIDRNotAvailable`);
      throw new Error("CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range");
    }
    held.set(name, blocks);
    return blocks;
  }

  function setup(queue: Enqueue): void {
    // Before anything is given away: what nodes hold already.
    nodeInformer.subscribe({
      added: (node) => hold(node.metadata.name ?? "", blocksOf(node)),
      updated: (_previous, node) => hold(node.metadata.name ?? "", blocksOf(node)),
    });
    enqueueSelf(queue, nodeInformer);
  }

  return { name: "node-ipam", workers: 30, setup, reconcile };
}
