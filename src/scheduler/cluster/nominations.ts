import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";

export interface NominationDeps {
  /** The node of that name, also when it does not exist yet. */
  info(name: string): NodeInfo;
  /** The same, if anything is known of it. */
  known(name: string): NodeInfo | undefined;
  /** Nobody is nominated to it any more. */
  left(info: NodeInfo): void;
  /** The pod of that key is nominated elsewhere from now on, or nowhere. */
  moved(key: string): void;
}

/** Waiting pods that room is being made for: each stands in `nominated` of its node. @upstream pkg/scheduler/backend/queue/nominator.go */
export class Nominations {
  readonly #deps: NominationDeps;
  readonly #nodes = new Map<string, NodeInfo>();

  constructor(deps: NominationDeps) {
    this.#deps = deps;
  }

  get isEmpty(): boolean {
    return this.#nodes.size === 0;
  }

  nodeOf(key: string): string | undefined {
    return this.#nodes.get(key)?.name;
  }

  /** Those that are nominated to the node, which need not exist. */
  on(node: string): readonly PodInfo[] {
    return this.#deps.known(node)?.nominated ?? [];
  }

  slotOf(key: string): number | undefined {
    return this.#nodes.get(key)?.slot;
  }

  /** Also moves a pod that is nominated elsewhere, and takes newer facts about one. */
  set(pod: PodInfo, node: string): void {
    const before = this.#nodes.get(pod.key);
    if (before?.name === node) {
      before.renominate(pod);
      return;
    }
    this.delete(pod.key);
    const info = this.#deps.info(node);
    this.#nodes.set(pod.key, info);
    info.nominate([...info.nominated, pod]);
    this.#deps.moved(pod.key);
  }

  delete(key: string): void {
    const info = this.#nodes.get(key);
    if (info === undefined) return;
    this.#nodes.delete(key);
    info.nominate(info.nominated.filter((pod) => pod.key !== key));
    if (info.nominated.length === 0) this.#deps.left(info);
    this.#deps.moved(key);
  }
}
