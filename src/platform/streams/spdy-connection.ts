import type { ByteStream } from "../network.ts";
import { resetStatus, SpdyDecoder, SpdyEncoder, type SpdyFrame } from "./spdy-frames.ts";
import type { SpdyHeaders } from "./spdy-headers.ts";
import { SpdyStream } from "./spdy-stream.ts";

export interface SpdyConnectionOptions {
  /** Clients open odd streams, servers even ones. */
  readonly role: "client" | "server";
  /** Unread bytes of one stream at which the connection is read no further. */
  readonly unreadBytes?: number;
  /** Streams at a time; more are refused. */
  readonly streams?: number;
}

export interface SpdyConnectionDeps {
  readonly bytes: ByteStream;
  /** The peer opened a stream. Without this all are refused. */
  accept?(stream: SpdyStream): void;
}

interface Opening {
  resolve(): void;
  reject(error: Error): void;
}

/** Streams over one connection that was upgraded to SPDY/3.1. `run` reads until the connection is over. */
export class SpdyConnection {
  readonly #deps: SpdyConnectionDeps;
  readonly #unreadBytes: number;
  readonly #mostStreams: number;
  readonly #encoder = new SpdyEncoder();
  readonly #decoder = new SpdyDecoder();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #opening = new Map<number, Opening>();
  readonly #ours: number;
  #nextId: number;
  #lastPeerId = 0;
  #over: Error | undefined;
  #onTaken: (() => void) | undefined;

  constructor({ role, unreadBytes = 1 << 20, streams = 1000 }: SpdyConnectionOptions, deps: SpdyConnectionDeps) {
    this.#deps = deps;
    this.#unreadBytes = unreadBytes;
    this.#mostStreams = streams;
    this.#nextId = role === "client" ? 1 : 2;
    this.#ours = this.#nextId % 2;
  }

  /** Resolves when the peer has taken the stream; rejects when it has not, or the connection is over. */
  async open(headers: SpdyHeaders): Promise<SpdyStream> {
    if (this.#over !== undefined) throw this.#over;
    if (this.#streams.size >= this.#mostStreams) throw new Error(`more than ${this.#mostStreams} streams`);
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = this.#streamOf(id, headers);
    const replied = new Promise<void>((resolve, reject) => this.#opening.set(id, { resolve, reject }));
    const sent = this.#send({ type: "syn-stream", streamId: id, associatedId: 0, priority: 0, fin: false, unidirectional: false, headers });
    await Promise.all([replied, sent]);
    return stream;
  }

  /** Never rejects: what ends the connection is told to its streams. */
  async run(): Promise<void> {
    let reason = new Error("the connection is closed");
    try {
      for await (const chunk of this.#deps.bytes) {
        for (const frame of this.#decoder.feed(chunk)) this.#take(frame);
        while (this.#over === undefined && this.#isFull()) await new Promise<void>((resolve) => (this.#onTaken = resolve));
        if (this.#over !== undefined) break;
      }
    } catch (error) {
      reason = error instanceof Error ? error : new Error(String(error));
    }
    this.#end(reason);
    this.#deps.bytes.destroy();
  }

  /** Tells the peer and ends the connection; streams that are not over fail. */
  close(): void {
    if (this.#over !== undefined) return;
    this.#send({ type: "goaway", lastStreamId: this.#lastPeerId, status: 0 }).catch(() => {});
    this.#end(new Error("the connection is closed"));
    this.#deps.bytes.end();
  }

  /** Ends the connection without a word. */
  destroy(): void {
    this.#end(new Error("the connection is closed"));
    this.#deps.bytes.destroy();
  }

  #isFull(): boolean {
    for (const { unreadBytes } of this.#streams.values()) if (unreadBytes > this.#unreadBytes) return true;
    return false;
  }

  #end(reason: Error): void {
    if (this.#over !== undefined) return;
    this.#over = reason;
    for (const opening of this.#opening.values()) opening.reject(reason);
    this.#opening.clear();
    for (const stream of this.#streams.values()) stream.fail(reason);
    this.#streams.clear();
    this.#onTaken?.();
  }

  #streamOf(id: number, headers: SpdyHeaders): SpdyStream {
    const stream = new SpdyStream(
      { id, headers },
      {
        send: (frame) => this.#send(frame),
        over: () => {
          this.#streams.delete(id);
          this.#onTaken?.();
        },
        taken: () => this.#onTaken?.(),
      },
    );
    this.#streams.set(id, stream);
    return stream;
  }

  async #send(frame: SpdyFrame): Promise<void> {
    if (this.#over !== undefined) throw this.#over;
    await this.#deps.bytes.write(this.#encoder.encode(frame));
  }

  /** Answers need not be waited for: they are small and as many as the peer's own frames. */
  #reply(frame: SpdyFrame): void {
    this.#send(frame).catch(() => {});
  }

  #take(frame: SpdyFrame): void {
    switch (frame.type) {
      case "data":
        this.#streams.get(frame.streamId)?.take(frame.bytes, frame.fin);
        return;
      case "syn-stream":
        this.#accept(frame);
        return;
      case "syn-reply":
        this.#opening.get(frame.streamId)?.resolve();
        this.#opening.delete(frame.streamId);
        if (frame.fin) this.#streams.get(frame.streamId)?.take(new Uint8Array(), true);
        return;
      case "headers":
        if (frame.fin) this.#streams.get(frame.streamId)?.take(new Uint8Array(), true);
        return;
      case "rst-stream": {
        const error = new Error(`the peer reset the stream (status ${frame.status})`);
        this.#opening.get(frame.streamId)?.reject(error);
        this.#opening.delete(frame.streamId);
        this.#streams.get(frame.streamId)?.peerReset(error);
        return;
      }
      case "ping":
        if (frame.id % 2 !== this.#ours) this.#reply(frame);
        return;
      case "goaway":
      case "settings":
      case "window-update":
        return;
    }
  }

  #accept({ streamId, headers, fin, unidirectional }: SpdyFrame & { readonly type: "syn-stream" }): void {
    if (streamId === 0 || streamId % 2 === this.#ours || streamId <= this.#lastPeerId) {
      this.#reply({ type: "rst-stream", streamId, status: resetStatus.protocolError });
      return;
    }
    this.#lastPeerId = streamId;
    if (this.#streams.size >= this.#mostStreams || this.#deps.accept === undefined) {
      this.#reply({ type: "rst-stream", streamId, status: resetStatus.refusedStream });
      return;
    }
    const stream = this.#streamOf(streamId, headers);
    if (unidirectional) stream.peerIsDeaf();
    if (fin) stream.take(new Uint8Array(), true);
    this.#reply({ type: "syn-reply", streamId, fin: unidirectional, headers: {} });
    this.#deps.accept(stream);
  }
}
