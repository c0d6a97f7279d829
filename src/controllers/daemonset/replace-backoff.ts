const firstMs = 1000;
const maxMs = 15 * 60_000;
/** Without a failure for twice the longest wait a node starts over. */
const forgetMs = 2 * maxMs;

interface Wait {
  readonly untilMs: number;
  readonly delayMs: number;
}

/** How long a node's failed daemon stays before it is replaced: 1 s, then twice as long each time. By set, then node. */
export class ReplaceBackoff {
  readonly #waits = new Map<string, Map<string, Wait>>();

  mayReplace(key: string, node: string, nowMs: number): boolean {
    return (this.#waits.get(key)?.get(node)?.untilMs ?? 0) <= nowMs;
  }

  replaced(key: string, node: string, nowMs: number): void {
    const nodes = this.#waits.get(key) ?? new Map<string, Wait>();
    this.#waits.set(key, nodes);
    for (const [name, { untilMs }] of nodes) if (nowMs - untilMs > forgetMs) nodes.delete(name);
    const before = nodes.get(node);
    const delayMs = before === undefined ? firstMs : Math.min(maxMs, before.delayMs * 2);
    nodes.set(node, { untilMs: nowMs + delayMs, delayMs });
  }

  /** Milliseconds until the next wait is over. */
  nextMs(key: string, nowMs: number): number | undefined {
    const waits = [...(this.#waits.get(key)?.values() ?? [])].map(({ untilMs }) => untilMs - nowMs).filter((wait) => wait > 0);
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  forget(key: string): void {
    this.#waits.delete(key);
  }
}
