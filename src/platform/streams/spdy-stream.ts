import type { ByteStream } from "../network.ts";
import type { SpdyFrame } from "./spdy-frames.ts";
import { resetStatus } from "./spdy-frames.ts";
import type { SpdyHeaders } from "./spdy-headers.ts";

const mostPerFrame = 65_536;

/** What a stream needs of its connection. */
export interface StreamDeps {
  send(frame: SpdyFrame): Promise<void>;
  /** Both sides have ended, or one has reset. */
  over(): void;
  /** The reader has taken something. */
  taken(): void;
}

/**
 * One stream of a SPDY connection. Reading ends with the peer's end or its reset, since Kubernetes' peers end streams
 * either way; it throws when the connection breaks before.
 */
export class SpdyStream implements ByteStream {
  readonly id: number;
  readonly headers: SpdyHeaders;
  readonly #deps: StreamDeps;
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #waiting: { resolve(result: IteratorResult<Uint8Array>): void; reject(error: Error): void } | undefined;
  #sentEnd = false;
  #gotEnd = false;
  #left = false;
  #failure: Error | undefined;

  constructor({ id, headers }: { readonly id: number; readonly headers: SpdyHeaders }, deps: StreamDeps) {
    this.id = id;
    this.headers = headers;
    this.#deps = deps;
  }

  /** Bytes that have come and nobody has read. */
  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += mostPerFrame) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#sentEnd) throw new Error("the stream is ended");
      await this.#deps.send({ type: "data", streamId: this.id, fin: false, bytes: bytes.subarray(at, at + mostPerFrame) });
    }
  }

  end(): void {
    if (this.#sentEnd || this.#failure !== undefined) return;
    this.#sentEnd = true;
    this.#deps.send({ type: "data", streamId: this.id, fin: true, bytes: new Uint8Array() }).catch(() => {});
    if (this.#gotEnd) this.#deps.over();
  }

  destroy(): void {
    if (this.#failure !== undefined || (this.#sentEnd && this.#gotEnd)) return;
    this.#deps.send({ type: "rst-stream", streamId: this.id, status: resetStatus.cancel }).catch(() => {});
    this.fail(new Error("the stream is reset"));
  }

  /** Called by the connection: bytes from the peer. */
  take(bytes: Uint8Array, fin: boolean): void {
    if (this.#gotEnd || this.#failure !== undefined) return;
    if (bytes.length > 0 && !this.#left) {
      if (this.#waiting === undefined) {
        this.#unread.push(bytes);
        this.#unreadBytes += bytes.length;
      } else this.#settle((waiting) => waiting.resolve({ done: false, value: bytes }));
    }
    if (!fin) return;
    this.#gotEnd = true;
    this.#settle((waiting) => waiting.resolve({ done: true, value: undefined }));
    if (this.#sentEnd) this.#deps.over();
  }

  /** Called by the connection: the peer never listens on this stream. */
  peerIsDeaf(): void {
    this.#sentEnd = true;
  }

  /** Called by the connection: the peer neither says nor hears more. */
  peerReset(error: Error): void {
    this.take(new Uint8Array(), true);
    this.fail(error);
  }

  /** Called by the connection: the stream is no more. What has come before can still be read. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#settle((waiting) => waiting.reject(error));
    this.#deps.over();
  }

  #settle(how: (waiting: { resolve(result: IteratorResult<Uint8Array>): void; reject(error: Error): void }) => void): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    how(waiting);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => {
        const value = this.#unread.shift();
        if (value !== undefined) {
          this.#unreadBytes -= value.length;
          this.#deps.taken();
          return Promise.resolve({ done: false, value });
        }
        if (this.#gotEnd || this.#left) return Promise.resolve({ done: true, value: undefined });
        if (this.#failure !== undefined) return Promise.reject(this.#failure);
        return new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
          this.#waiting = { resolve, reject };
        });
      },
      return: () => {
        // Whoever leaves must not hold up the other streams.
        this.#left = true;
        this.#unread = [];
        this.#unreadBytes = 0;
        this.#deps.taken();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}
