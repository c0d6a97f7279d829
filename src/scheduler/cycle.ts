import type { Cluster } from "./cluster/cluster-state.ts";
import type { NodeInfo } from "./cluster/node-info.ts";
import type { PodInfo } from "./cluster/pod-info.ts";
import type { CycleState, Plugin, Relief, Reservation } from "./plugin.ts";
import type { TemplateMemo, TemplateMemos } from "./template-memo.ts";
import { TopologyFilter } from "./topology-filter.ts";
import type { Verdict } from "./verdict.ts";
import { Workspace } from "./workspace.ts";

/** A plug-in at work on one pod. */
export interface Run {
  readonly plugin: Plugin;
  readonly state: CycleState;
}

/** What a plug-in took for the pod. */
export interface Reserved {
  readonly plugin: string;
  readonly reservation: Reservation;
}

export interface CycleDeps {
  readonly cluster: Cluster;
  readonly plugins: readonly Plugin[];
  /** Absent: every node is judged afresh. */
  readonly memos?: TemplateMemos | undefined;
}

/** One pod's filters, prepared against the cluster as it is. Good until the cluster changes. */
export class Cycle {
  readonly pod: PodInfo;
  readonly cluster: Cluster;
  readonly plugins: readonly Plugin[];
  readonly memo: TemplateMemo | undefined;
  readonly workspace: Workspace;
  /** What keeps the pod from all nodes. */
  readonly refusal: { readonly plugin: string; readonly reason: string } | undefined;
  /** The only nodes that can do, and who says so. */
  readonly only: { readonly nodes: ReadonlySet<string>; readonly plugins: readonly string[] } | undefined;
  readonly #local: readonly Run[];
  readonly #others: readonly Run[];
  /** Of the plug-in that may relieve, if it came to its turn. */
  readonly #relieving: Run | undefined;

  constructor(pod: PodInfo, { cluster, plugins, memos }: CycleDeps) {
    this.pod = pod;
    this.cluster = cluster;
    this.plugins = plugins;
    this.memo = memos?.of(pod.template);
    this.workspace = memos?.workspace ?? new Workspace();
    const local: Run[] = [];
    const others: Run[] = [];
    const naming: string[] = [];
    let nodes: ReadonlySet<string> | undefined;
    for (const plugin of plugins) {
      const prepared = plugin.prefilter?.(pod, cluster) ?? { state: undefined };
      if (plugin.relieve !== undefined) this.#relieving = { plugin, state: prepared !== "skip" && "state" in prepared ? prepared.state : undefined };
      if (prepared === "skip") continue;
      if ("rejected" in prepared) {
        this.refusal = { plugin: plugin.name, reason: prepared.rejected };
        break;
      }
      if (prepared.only !== undefined) {
        const before = nodes;
        nodes = before === undefined ? prepared.only : new Set([...prepared.only].filter((name) => before.has(name)));
        naming.push(plugin.name);
      }
      if (plugin.filter !== undefined) (plugin.isLocal === true ? local : others).push({ plugin, state: prepared.state });
    }
    this.only = nodes === undefined ? undefined : { nodes, plugins: naming };
    this.#local = local;
    this.#others = others;
  }

  /** Takes what the pod needs on the node that was chosen. */
  reserve(node: NodeInfo): readonly Reserved[] {
    return this.#others.flatMap(({ plugin, state }) => {
      const reservation = plugin.reserve?.(this.pod, node, state);
      return reservation === undefined ? [] : [{ plugin: plugin.name, reservation }];
    });
  }

  /** What can be done besides ending pods; undefined: nobody knows, since the pod was refused before that was asked. */
  relieve(): Relief | undefined {
    const run = this.#relieving;
    return run?.plugin.relieve?.(this.pod, run.state);
  }

  /** Undefined: the pod may run there, with those that are to come there as well as without. @upstream RunFilterPluginsWithNominatedPods */
  judge(node: NodeInfo): Verdict | undefined {
    if (node.nominated.length > 0) return this.#judgeNominated(node);
    return this.judgeAlone(node) ?? (this.#others.length === 0 ? undefined : this.#judgeBy(this.#others, node));
  }

  /** Of a node that nobody else is to come to: what the plug-ins say that look at nothing but the node. */
  judgeAlone(node: NodeInfo): Verdict | undefined {
    const { memo } = this;
    if (memo === undefined) return this.#judgeBy(this.#local, node);
    if (memo.isJudged(node)) return memo.verdict(node);
    const verdict = this.#judgeBy(this.#local, node);
    memo.judged(node, verdict);
    return verdict;
  }

  /** A node that others are to come to. What is remembered of it is remembered for pods of this priority. */
  #judgeNominated(node: NodeInfo): Verdict | undefined {
    const memo = this.memoFor(node);
    if (memo === undefined) return this.try(node).judge();
    if (memo.isJudged(node)) return memo.verdict(node);
    const verdict = this.try(node).judge();
    memo.judged(node, verdict);
    return verdict;
  }

  /** What besides the nodes themselves has a say, by topology; undefined: something that goes by more than topology has one too. */
  topologyFilters(): readonly TopologyFilter[] | undefined {
    const filters: TopologyFilter[] = [];
    for (const run of this.#others) {
      const keys = run.plugin.topologyKeys?.(run.state);
      if (keys === undefined) return undefined;
      filters.push(new TopologyFilter(this.pod, run, this.cluster, keys));
    }
    return filters;
  }

  /** What is remembered of whole verdicts, whoever is nominated there; see `ownSlot` for the exception. */
  wholeMemo(): TemplateMemo | undefined {
    return this.#others.length > 0 ? undefined : this.memo;
  }

  /** Where room is being made for this pod, which the API may not have shown yet; empty: nowhere. */
  nominatedNode(): string {
    const { key, pod } = this.pod;
    return this.cluster.nominations.nodeOf(key) ?? pod.status?.nominatedNodeName ?? "";
  }

  /** The slot of the node that this pod itself is nominated to: there it is unlike others of its template. -1: none. */
  ownSlot(): number {
    return this.cluster.nominations.slotOf(this.pod.key) ?? -1;
  }

  /** What may be remembered of a whole verdict on the node: nothing that looks beyond the node has a say, and this pod is as any other of its template. */
  memoFor(node: NodeInfo): TemplateMemo | undefined {
    if (this.#others.length > 0) return undefined;
    for (const { key } of node.nominated) if (key === this.pod.key) return undefined;
    return this.memo;
  }

  /** A copy of the node and of all that is known about it, to take pods off and put them on. */
  try(node: NodeInfo): Trial {
    const copy = node.clone();
    const others = this.#others.map(({ plugin, state }) => ({ plugin, state: plugin.fork === undefined ? state : plugin.fork(state) }));
    const adjust = (other: PodInfo, by: 1 | -1): void => {
      if (by === 1) copy.addPod(other);
      else copy.removePod(other.key);
      for (const { plugin, state } of others) plugin.adjust?.(state, this.pod, { other, node: copy, by });
    };
    const judge = (): Verdict | undefined => this.#judgeBy(this.#local, copy) ?? this.#judgeBy(others, copy);
    return {
      add: (other) => adjust(other, 1),
      remove: (other) => adjust(other, -1),
      judge: () => {
        const nominated = this.#nominatedOn(copy).filter(({ key }) => !copy.pods.has(key));
        for (const other of nominated) adjust(other, 1);
        const verdict = nominated.length === 0 ? undefined : judge();
        for (const other of nominated) adjust(other, -1);
        return verdict ?? judge();
      },
    };
  }

  /** Others that are to come to the node and that this pod may not push aside. */
  #nominatedOn({ nominated }: NodeInfo): readonly PodInfo[] {
    return nominated.length === 0 ? nominated : nominated.filter(({ key, priority }) => priority >= this.pod.priority && key !== this.pod.key);
  }

  #judgeBy(runs: readonly Run[], node: NodeInfo): Verdict | undefined {
    for (const { plugin, state } of runs) {
      const rejections = plugin.filter?.(this.pod, node, state);
      if (rejections !== undefined) return { node: node.name, plugin: plugin.name, rejections };
    }
    return undefined;
  }
}

/** A node as it would be with other pods. */
export interface Trial {
  add(other: PodInfo): void;
  remove(other: PodInfo): void;
  /** As Cycle.judge does. */
  judge(): Verdict | undefined;
}
