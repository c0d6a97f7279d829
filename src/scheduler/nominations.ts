import type { PodInfo } from "./cluster/pod-info.ts";

const none: readonly PodInfo[] = [];

/** Waiting pods that room is being made for, by the node where: `{n1 => [a, b]}`. @upstream pkg/scheduler/backend/queue/nominator.go */
export class Nominations {
  readonly #byNode = new Map<string, readonly PodInfo[]>();
  readonly #nodes = new Map<string, string>();

  get isEmpty(): boolean {
    return this.#nodes.size === 0;
  }

  on(node: string): readonly PodInfo[] {
    return this.#byNode.get(node) ?? none;
  }

  nodeOf(key: string): string | undefined {
    return this.#nodes.get(key);
  }

  set(pod: PodInfo, node: string): void {
    this.delete(pod.key);
    this.#nodes.set(pod.key, node);
    this.#byNode.set(node, [...this.on(node), pod]);
  }

  delete(key: string): void {
    const node = this.#nodes.get(key);
    if (node === undefined) return;
    this.#nodes.delete(key);
    const left = this.on(node).filter((pod) => pod.key !== key);
    if (left.length === 0) this.#byNode.delete(node);
    else this.#byNode.set(node, left);
  }
}
