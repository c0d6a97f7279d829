import type { Node } from "../../api/generated/types/core-v1.ts";
import type { Labels } from "../../meta/label-selector.ts";
import type { PodInfo } from "./pod-info.ts";
import { amount, type Resources, resourcesOf } from "./pod-requests.ts";

const noLabels: Labels = {};
const nothing: Resources = resourcesOf(undefined);

// One sequence for all nodes: a node that comes back under its name never repeats a number.
let lastGeneration = 0;

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
  /** Rises with every change: what was worked out about the node holds while it stands. */
  generation = ++lastGeneration;

  constructor(name: string, slot: number) {
    this.name = name;
    this.slot = slot;
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
    this.generation = ++lastGeneration;
  }

  addPod(pod: PodInfo): void {
    this.removePod(pod.key);
    this.pods.set(pod.key, pod);
    if (pod.hostPorts.length > 0) this.withPorts.set(pod.key, pod);
    this.#count(pod, 1);
  }

  /** Newer facts about a pod that takes what it took. */
  refreshPod(pod: PodInfo): void {
    this.pods.set(pod.key, pod);
    if (this.withPorts.has(pod.key)) this.withPorts.set(pod.key, pod);
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
    for (const pod of this.pods.values()) copy.addPod(pod);
    return copy;
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
    this.generation = ++lastGeneration;
  }
}
