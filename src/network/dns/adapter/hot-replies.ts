interface Hot {
  readonly version: number;
  readonly replies: readonly Uint8Array[];
  turn: number;
}

const mostHot = 4096;
/** Longer queries are not worth a key. */
const longestQuery = 300;

/** Whole replies by the query's bytes behind its id, good for one version of the records. */
export class HotReplies {
  readonly #hot = new Map<string, Hot>();

  /** A copy of the next reply with the query's id. */
  get(message: Uint8Array, version: number): Uint8Array | undefined {
    if (message.length > longestQuery) return undefined;
    const key = keyOf(message);
    const hot = this.#hot.get(key);
    if (hot === undefined) return undefined;
    if (hot.version !== version) {
      this.#hot.delete(key);
      return undefined;
    }
    hot.turn = (hot.turn + 1) % hot.replies.length;
    const reply = hot.replies[hot.turn]?.slice();
    if (reply === undefined) return undefined;
    reply[0] = message[0] ?? 0;
    reply[1] = message[1] ?? 0;
    return reply;
  }

  /** `replies` are taken in turn, so that clients that use the first address spread over all. */
  put(message: Uint8Array, version: number, replies: readonly Uint8Array[]): void {
    if (message.length > longestQuery) return;
    if (this.#hot.size >= mostHot) this.#hot.clear();
    this.#hot.set(keyOf(message), { version, replies, turn: 0 });
  }
}

const keyOf = (message: Uint8Array): string => Buffer.from(message.buffer, message.byteOffset + 2, message.byteLength - 2).toString("latin1");
