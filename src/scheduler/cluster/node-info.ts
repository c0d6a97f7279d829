import type { Node } from "../../api/generated/types/core-v1.ts";
import type { Labels } from "../../meta/label-selector.ts";
import type { Generations } from "./generations.ts";
import type { PodInfo } from "./pod-info.ts";
import { amount, type Resources, resourcesOf, sameResources } from "./pod-requests.ts";

const noLabels: Labels = {};
const nobody: readonly PodInfo[] = [];
const nothing: Resources = resourcesOf(undefined);

// One sequence for all nodes: a node that comes back under its name never repeats a number.
let lastGeneration = 0;

export interface NodeBoards {
  readonly generations: Generations;
  readonly victimsGenerations: Generations;
}

/** What one node has, and what the pods on it (and those just given to it) have taken. */
export class NodeInfo {
  readonly name: string;
  /** Small and stable while the node is known: an index into arrays kept per node. */
  readonly slot: number;
  #node: Node | undefined;
  labels: Labels = noLabels;
  allocatable: Resources = nothing;
  allowedPods = 0;
  milliCpu = 0;
  memory = 0;
  ephemeralStorage = 0;
  scoredMilliCpu = 0;
  scoredMemory = 0;
  /** Undefined until a pod asks for such a thing. */
  scalars: Map<string, number> | undefined;
  readonly pods = new Map<string, PodInfo>();
  /** Those that take ports of the node, by key. */
  readonly withPorts = new Map<string, PodInfo>();
  /** Waiting pods that room is being made for here. */
  nominated: readonly PodInfo[] = nobody;
  /** Rises with every change: what was worked out about the node holds while it stands. */
  generation = 0;
  /** Likewise, also with news of its pods that matter to nothing but whom preemption ends. */
  victimsGeneration = 0;
  readonly #boards: NodeBoards | undefined;

  /** `boards`: where its generations are told; absent for a copy. */
  constructor(name: string, slot: number, boards?: NodeBoards) {
    this.name = name;
    this.slot = slot;
    this.#boards = boards;
    this.#changed();
  }

  /** Undefined while only pods are known that name it. */
  get node(): Node | undefined {
    return this.#node;
  }

  setNode(node: Node | undefined): void {
    const allocatable = node?.status?.allocatable;
    this.allocatable = resourcesOf(allocatable);
    this.allowedPods = amount("pods", allocatable?.["pods"] ?? "0");
    this.#node = node;
    this.labels = node?.metadata.labels ?? noLabels;
    this.#changed();
  }

  nominate(pods: readonly PodInfo[]): void {
    this.nominated = pods.length === 0 ? nobody : pods;
    this.#changed();
  }

  /** Newer facts about a pod that is nominated already. PERF: most tell of its conditions, which no verdict depends on. */
  renominate(pod: PodInfo): void {
    const index = this.nominated.findIndex(({ key }) => key === pod.key);
    const before = this.nominated[index];
    if (before === undefined || before === pod) return;
    this.nominated = this.nominated.with(index, pod);
    const isSame = before.pod.metadata.uid === pod.pod.metadata.uid && before.priority === pod.priority;
    if (!isSame || before.hostPorts !== pod.hostPorts || !sameResources(before.requests, pod.requests)) this.#changed();
  }

  addPod(pod: PodInfo): void {
    this.removePod(pod.key);
    this.pods.set(pod.key, pod);
    if (pod.hostPorts.length > 0) this.withPorts.set(pod.key, pod);
    this.#count(pod, 1);
  }

  /** Newer facts about a pod that takes what it took. `isRankedAlike`: they do not matter to whether it is ended for others. */
  refreshPod(pod: PodInfo, { isRankedAlike }: { readonly isRankedAlike: boolean }): void {
    this.pods.set(pod.key, pod);
    if (this.withPorts.has(pod.key)) this.withPorts.set(pod.key, pod);
    if (!isRankedAlike) this.#victimsChanged();
  }

  /** Returns what was there. */
  removePod(key: string): PodInfo | undefined {
    const pod = this.pods.get(key);
    if (pod === undefined) return undefined;
    this.pods.delete(key);
    this.withPorts.delete(key);
    this.#count(pod, -1);
    return pod;
  }

  /** A copy to try things on; it is part of no cluster. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.name, this.slot);
    copy.#node = this.#node;
    copy.labels = this.labels;
    copy.allocatable = this.allocatable;
    copy.allowedPods = this.allowedPods;
    copy.nominated = this.nominated;
    copy.milliCpu = this.milliCpu;
    copy.memory = this.memory;
    copy.ephemeralStorage = this.ephemeralStorage;
    copy.scoredMilliCpu = this.scoredMilliCpu;
    copy.scoredMemory = this.scoredMemory;
    copy.scalars = this.scalars === undefined ? undefined : new Map(this.scalars);
    for (const [key, pod] of this.pods) copy.pods.set(key, pod);
    for (const [key, pod] of this.withPorts) copy.withPorts.set(key, pod);
    return copy;
  }

  #changed(): void {
    lastGeneration += 1;
    this.generation = lastGeneration;
    this.#boards?.generations.set(this.slot, lastGeneration);
    this.#victimsChanged();
  }

  #victimsChanged(): void {
    lastGeneration += 1;
    this.victimsGeneration = lastGeneration;
    this.#boards?.victimsGenerations.set(this.slot, lastGeneration);
  }

  #count({ requests, scored }: PodInfo, sign: 1 | -1): void {
    this.milliCpu += sign * requests.milliCpu;
    this.memory += sign * requests.memory;
    this.ephemeralStorage += sign * requests.ephemeralStorage;
    this.scoredMilliCpu += sign * scored.milliCpu;
    this.scoredMemory += sign * scored.memory;
    for (const [name, value] of requests.scalars) {
      this.scalars ??= new Map();
      this.scalars.set(name, (this.scalars.get(name) ?? 0) + sign * value);
    }
    this.#changed();
  }
}
