import type { Node } from "../api/generated/types/core-v1.ts";
import { type Amounts, amount, type PodInfo } from "./pod-info.ts";

/** What one node has, and what the pods on it (and those just given to it) have taken. */
export class NodeInfo {
  readonly name: string;
  #node: Node | undefined;
  #allocatable = new Map<string, number>();
  readonly #pods = new Map<string, PodInfo>();
  readonly #requested = new Map<string, number>();
  readonly #scored = new Map<string, number>();
  /** Rises with every change: what was worked out about the node holds while it stands. */
  generation = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Undefined while only pods are known that name it. */
  get node(): Node | undefined {
    return this.#node;
  }
  get allocatable(): Amounts {
    return this.#allocatable;
  }
  get requested(): Amounts {
    return this.#requested;
  }
  get scoredRequested(): Amounts {
    return this.#scored;
  }
  get pods(): ReadonlyMap<string, PodInfo> {
    return this.#pods;
  }

  setNode(node: Node | undefined): void {
    this.#node = node;
    this.#allocatable = new Map(Object.entries(node?.status?.allocatable ?? node?.status?.capacity ?? {}).map(([name, quantity]) => [name, amount(name, quantity)]));
    this.generation += 1;
  }

  addPod(info: PodInfo): void {
    this.removePod(info.key);
    this.#pods.set(info.key, info);
    this.#count(info, 1);
  }

  removePod(key: string): void {
    const info = this.#pods.get(key);
    if (info === undefined) return;
    this.#pods.delete(key);
    this.#count(info, -1);
  }

  #count(info: PodInfo, sign: 1 | -1): void {
    for (const [name, value] of info.requests) this.#requested.set(name, (this.#requested.get(name) ?? 0) + sign * value);
    for (const [name, value] of info.scoredRequests) this.#scored.set(name, (this.#scored.get(name) ?? 0) + sign * value);
    this.generation += 1;
  }
}
