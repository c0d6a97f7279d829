import type { Cluster, Domains } from "./cluster/cluster-state.ts";
import type { NodeInfo } from "./cluster/node-info.ts";
import type { PodInfo } from "./cluster/pod-info.ts";
import type { CycleState, Plugin } from "./plugin.ts";

/** With more values than this nearly every node has one of its own, and there is nothing to remember. */
const MAX_VALUES = 64;
const FITS = 1;
const MISFIT = 2;

/**
 * What one plug-in that goes by nothing but topology labels says of nodes in one cycle: where all that counts is the zone,
 * each zone is judged once. Good until the cluster changes.
 */
export class TopologyFilter {
  readonly #pod: PodInfo;
  readonly #plugin: Plugin;
  readonly #state: CycleState;
  readonly #domains: Domains | undefined;
  /** By the number of the label's value. */
  readonly #said: Uint8Array | undefined;

  /** `keys`: the labels. */
  constructor(pod: PodInfo, { plugin, state }: { readonly plugin: Plugin; readonly state: CycleState }, cluster: Cluster, keys: readonly string[]) {
    this.#pod = pod;
    this.#plugin = plugin;
    this.#state = state;
    const [key] = keys;
    if (key === undefined || keys.some((other) => other !== key)) return;
    const domains = cluster.domains(key);
    if (domains.values.size > MAX_VALUES) return;
    this.#domains = domains;
    this.#said = new Uint8Array(domains.values.size + 1);
  }

  /** Whether the pod may run on the node, which stands at that position of the cluster's list. */
  takes(node: NodeInfo, position: number): boolean {
    const said = this.#said;
    if (said === undefined) return this.#judge(node);
    const number = this.#domains?.numbers[position] ?? 0;
    if (said[number] === 0) said[number] = this.#judge(node) ? FITS : MISFIT;
    return said[number] === FITS;
  }

  #judge(node: NodeInfo): boolean {
    return this.#plugin.filter?.(this.#pod, node, this.#state) === undefined;
  }
}
