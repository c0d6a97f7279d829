import type { Node } from "../../api/generated/types/core-v1.ts";
import { deepEqual } from "../../base/values.ts";
import type { Labels } from "../../meta/label-selector.ts";
import { Generations, NodeChanges } from "./generations.ts";
import { ImagePlaces } from "./image-places.ts";
import { NodeInfo } from "./node-info.ts";
import { Nominations } from "./nominations.ts";
import { orderNodes } from "./node-order.ts";
import type { PodInfo } from "./pod-info.ts";
import { sameResources } from "./pod-requests.ts";
import { type PodMatcher, PodTallies } from "./pod-tallies.ts";
import { ClusterTerms } from "./term-groups.ts";
import type { Tally } from "./tally.ts";

/** A pod and the node that it is on or was given to. */
interface Placed {
  pod: PodInfo;
  readonly node: NodeInfo;
}

/** The nodes that exist, and by slot where each of them stands. */
interface Ordered {
  readonly nodes: readonly NodeInfo[];
  readonly slots: Int32Array;
  readonly positions: Int32Array;
}

const NOWHERE = -1;

/** What values a label has: of nodes in a, b, a and nowhere `{values {a => 2, b => 1}, numbers [1, 2, 1, 0], isOnAll false}`. */
export interface Domains {
  /** How many nodes have each value. */
  readonly values: ReadonlyMap<string, number>;
  /** Which value each node has, in the order of the cluster's list; 0: none. */
  readonly numbers: Int32Array;
  readonly isOnAll: boolean;
}

/** The nodes as one cycle sees them, with what is counted about their pods. Answers are live: use them before the cluster changes. */
export interface Cluster {
  /** Those that exist, zones taking turns. */
  readonly nodes: readonly NodeInfo[];
  /** Their slots, in the same order. */
  readonly slots: Int32Array;
  /** Where in the list the node of that slot stands; undefined: it does not exist. */
  positionOf(slot: number): number | undefined;
  readonly generations: NodeChanges;
  /** Likewise, also of news that matter to nothing but whom preemption ends. */
  readonly victimsGenerations: Generations;
  readonly nominations: Nominations;
  readonly terms: ClusterTerms;
  readonly images: ImagePlaces;
  node(name: string): NodeInfo | undefined;
  /** The node of that slot, if it exists. */
  at(slot: number): NodeInfo | undefined;
  tally(matcher: PodMatcher): Tally;
  /** Whether any node has a taint that only asks pods to stay away. */
  readonly hasWishedTaints: boolean;
  domains(topologyKey: string): Domains;
}

export interface ClusterStateDeps {
  /** The pod of that key is nominated elsewhere from now on, or nowhere. */
  nominationMoved?(key: string): void;
}

/** Nodes, the pods on them (terminal ones left out) and those just given to them. Only changed between cycles. */
export class ClusterState implements Cluster {
  readonly terms = new ClusterTerms();
  readonly images = new ImagePlaces();
  readonly generations = new NodeChanges();
  readonly victimsGenerations = new Generations();
  readonly nominations: Nominations;
  readonly #tallies = new PodTallies();
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #pods = new Map<string, Placed>();
  readonly #namespaces = new Map<string, Map<string, Placed>>();
  readonly #domains = new Map<string, Domains>();
  readonly #bySlot: (NodeInfo | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  #slots = 0;
  #wishedTaints = 0;
  #ordered: Ordered | undefined;

  constructor(deps: ClusterStateDeps = {}) {
    this.nominations = new Nominations({
      info: (name) => this.#info(name),
      known: (name) => this.#nodes.get(name),
      left: (info) => this.#dropIfBare(info),
      moved: (key) => deps.nominationMoved?.(key),
    });
  }

  get nodes(): readonly NodeInfo[] {
    return this.#order().nodes;
  }

  get podCount(): number {
    return this.#pods.size;
  }

  get slots(): Int32Array {
    return this.#order().slots;
  }

  positionOf(slot: number): number | undefined {
    const position = this.#order().positions[slot] ?? NOWHERE;
    return position === NOWHERE ? undefined : position;
  }

  #order(): Ordered {
    if (this.#ordered === undefined) {
      const nodes = orderNodes([...this.#nodes.values()].filter(({ node }) => node !== undefined));
      const slots = Int32Array.from(nodes, ({ slot }) => slot);
      const positions = new Int32Array(this.#slots).fill(NOWHERE);
      for (const [position, slot] of slots.entries()) positions[slot] = position;
      this.#ordered = { nodes, slots, positions };
    }
    return this.#ordered;
  }

  get hasWishedTaints(): boolean {
    return this.#wishedTaints > 0;
  }

  node(name: string): NodeInfo | undefined {
    const info = this.#nodes.get(name);
    return info?.node === undefined ? undefined : info;
  }

  at(slot: number): NodeInfo | undefined {
    const info = this.#bySlot[slot];
    return info?.node === undefined ? undefined : info;
  }

  /** Where a pod counts, if anywhere. */
  placeOf(key: string): NodeInfo | undefined {
    return this.#pods.get(key)?.node;
  }

  pod(key: string): PodInfo | undefined {
    return this.#pods.get(key)?.pod;
  }

  setNode(node: Node): void {
    this.#replaceNode(this.#info(node.metadata.name ?? ""), node);
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info === undefined) return;
    this.#replaceNode(info, undefined);
    this.#dropIfBare(info);
  }

  /** Also moves a pod that counts elsewhere, and takes newer facts about one. */
  addPod(pod: PodInfo, nodeName: string): void {
    const known = this.#pods.get(pod.key);
    // PERF: most updates of a pod tell of its containers, which no count depends on.
    if (known !== undefined && known.node.name === nodeName && takesAlike(known.pod, pod)) {
      const { pod: before, node } = known;
      const isCountedAlike = countsAlike(before, pod);
      if (!isCountedAlike) this.#count(before, node, -1);
      known.pod = pod;
      // Whom preemption ends depends on labels, by disruption budgets, and on when pods began.
      node.refreshPod(pod, { isRankedAlike: isCountedAlike && before.pod.status?.startTime === pod.pod.status?.startTime });
      if (!isCountedAlike) this.#count(pod, node, 1);
      return;
    }
    this.removePod(pod.key);
    const node = this.#info(nodeName);
    const placed = { pod, node };
    this.#pods.set(pod.key, placed);
    const together = this.#namespaces.get(pod.namespace);
    if (together === undefined) this.#namespaces.set(pod.namespace, new Map([[pod.key, placed]]));
    else together.set(pod.key, placed);
    node.addPod(pod);
    this.#count(pod, node, 1);
  }

  removePod(key: string): PodInfo | undefined {
    const placed = this.#pods.get(key);
    if (placed === undefined) return undefined;
    const { pod, node } = placed;
    this.#count(pod, node, -1);
    node.removePod(key);
    this.#pods.delete(key);
    const together = this.#namespaces.get(pod.namespace);
    if (together?.delete(key) === true && together.size === 0) this.#namespaces.delete(pod.namespace);
    this.#dropIfBare(node);
    return pod;
  }

  tally(matcher: PodMatcher): Tally {
    return this.#tallies.of(matcher, (use) => {
      for (const namespace of matcher.namespaces ?? this.#namespaces.keys())
        for (const { pod, node } of this.#namespaces.get(namespace)?.values() ?? []) if (node.node !== undefined) use(pod, node);
    });
  }

  domains(topologyKey: string): Domains {
    const counted = this.#domains.get(topologyKey);
    if (counted !== undefined) return counted;
    const values = new Map<string, number>();
    const numbered = new Map<string, number>();
    const { nodes } = this;
    const numbers = new Int32Array(nodes.length);
    let having = 0;
    for (const [position, { labels }] of nodes.entries()) {
      const value = labels[topologyKey];
      if (value === undefined) continue;
      values.set(value, (values.get(value) ?? 0) + 1);
      let number = numbered.get(value);
      if (number === undefined) numbered.set(value, (number = numbered.size + 1));
      numbers[position] = number;
      having += 1;
    }
    // Bounded by forgetting all: there are few topology keys, and each is counted anew in one pass.
    if (this.#domains.size >= MAX_DOMAINS) this.#domains.clear();
    const domains = { values, numbers, isOnAll: having === nodes.length };
    this.#domains.set(topologyKey, domains);
    return domains;
  }

  #info(name: string): NodeInfo {
    let info = this.#nodes.get(name);
    if (info === undefined) {
      info = new NodeInfo(name, this.#freeSlots.pop() ?? this.#slots++, this);
      this.#nodes.set(name, info);
      this.#bySlot[info.slot] = info;
    }
    return info;
  }

  #replaceNode(info: NodeInfo, node: Node | undefined): void {
    const before = info.node;
    this.#wishedTaints += wishesAway(node) - wishesAway(before);
    this.images.replace(info.name, before, node);
    const isSamePlace = before !== undefined && node !== undefined && sameLabels(before.metadata.labels ?? {}, node.metadata.labels ?? {});
    if (isSamePlace) {
      info.setNode(node);
      return;
    }
    for (const pod of info.pods.values()) this.#count(pod, info, -1);
    info.setNode(node);
    for (const pod of info.pods.values()) this.#count(pod, info, 1);
    this.#ordered = undefined;
    this.#domains.clear();
  }

  /** Pods count where their node exists. */
  #count(pod: PodInfo, node: NodeInfo, change: 1 | -1): void {
    if (node.node === undefined) return;
    this.#tallies.count(pod, node, change);
    this.terms.count(pod, node, change);
  }

  #dropIfBare(info: NodeInfo): void {
    if (info.node !== undefined || info.pods.size > 0 || info.nominated.length > 0 || this.#nodes.get(info.name) !== info) return;
    this.#nodes.delete(info.name);
    this.#bySlot[info.slot] = undefined;
    this.#freeSlots.push(info.slot);
  }
}

const MAX_DOMAINS = 64;

function wishesAway(node: Node | undefined): 0 | 1 {
  return node?.spec.taints?.some(({ effect }) => effect === "PreferNoSchedule") === true ? 1 : 0;
}

function sameLabels(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  for (const key in a) if (a[key] !== b[key]) return false;
  for (const key in b) if (!(key in a)) return false;
  return true;
}

/** Whether the same pod takes the same of its node. */
function takesAlike(a: PodInfo, b: PodInfo): boolean {
  return (
    a.pod.metadata.uid === b.pod.metadata.uid &&
    (a.requests === b.requests || sameResources(a.requests, b.requests)) &&
    a.scored.milliCpu === b.scored.milliCpu &&
    a.scored.memory === b.scored.memory &&
    (a.hostPorts === b.hostPorts || deepEqual(a.hostPorts, b.hostPorts))
  );
}

/** Whether it also counts for the same tallies: by its labels, what it says of others, and that it ends. */
function countsAlike(a: PodInfo, b: PodInfo): boolean {
  return a.isTerminating === b.isTerminating && sameLabels(a.labels, b.labels) && deepEqual(a.pod.spec.affinity, b.pod.spec.affinity);
}
