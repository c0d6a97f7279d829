import { readFile } from "node:fs/promises";
import type { Clock } from "../../../base/clock.ts";
import { agedReply, type ReplyLife, replyLife } from "../reply-life.ts";
import { parseUpstream, type Upstream, upstreamsOf } from "../upstreams.ts";
import { askUpstream, type Transport } from "./ask-upstream.ts";

export interface ForwarderOptions {
  /** `10.0.0.2` or `10.0.0.2:5353`; without, those of resolvConf. */
  readonly upstreams?: readonly string[] | undefined;
  /** `/etc/resolv.conf` */
  readonly resolvConf?: string | undefined;
  /** Our own addresses, which are never asked. */
  readonly own: readonly string[];
}

interface Kept {
  readonly reply: Uint8Array;
  readonly life: ReplyLife;
  readonly atMs: number;
}

const mostKept = 2048;
const mostAtOnce = 512;
const waitMs = 2_000;
/** A server that is silent for so long gets a competitor. */
const nextAfterMs = 400;
const rereadEveryMs = 30_000;

/** Asks the host's name servers, keeps their replies for as long as they allow, and asks each question once at a time. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Promise<Kept | undefined>>();
  readonly #ending = new AbortController();
  #upstreams: readonly Upstream[] = [];
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ForwarderOptions, { clock }: { readonly clock: Clock }) {
    this.#options = options;
    this.#clock = clock;
  }

  /** The reply to the client's message, or undefined when no server gave one within 2 s. */
  async forward(message: Uint8Array, transport: Transport): Promise<Uint8Array | undefined> {
    const id = ((message[0] ?? 0) << 8) | (message[1] ?? 0);
    const key = transport + Buffer.from(message.buffer, message.byteOffset + 2, message.byteLength - 2).toString("latin1");
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      const agedSeconds = Math.floor((this.#clock.now() - kept.atMs) / 1000);
      if (agedSeconds < kept.life.seconds) return agedReply(kept.reply, kept.life, { id, agedSeconds });
      this.#kept.delete(key);
    }
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      if (this.#asking.size >= mostAtOnce) return undefined;
      asking = this.#ask(message, transport).then((found) => {
        if (found !== undefined && found.life.seconds > 0) this.#keep(key, found);
        return found;
      });
      asking = asking.finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    const found = await asking;
    return found === undefined ? undefined : agedReply(found.reply, { ...found.life, ttlOffsets: [] }, { id, agedSeconds: 0 });
  }

  close(): void {
    this.#ending.abort();
  }

  #keep(key: string, found: Kept): void {
    if (this.#kept.size >= mostKept) for (const oldest of [...this.#kept.keys()].slice(0, mostKept / 8)) this.#kept.delete(oldest);
    this.#kept.set(key, found);
  }

  /** The first good reply; the next server is asked as well when one is silent or fails. */
  async #ask(message: Uint8Array, transport: Transport): Promise<Kept | undefined> {
    const upstreams = await this.#servers();
    if (upstreams.length === 0) return undefined;
    const over = new AbortController();
    const signal = AbortSignal.any([this.#ending.signal, over.signal]);
    return new Promise((resolve) => {
      let [next, open] = [0, 0];
      let worse: Kept | undefined;
      let cancelNext = (): void => {};
      const finish = (found: Kept | undefined): void => {
        cancelEnd();
        cancelNext();
        over.abort();
        resolve(found);
      };
      const cancelEnd = this.#clock.after(waitMs, () => finish(worse));
      const askNext = (): void => {
        cancelNext();
        const upstream = upstreams[next];
        if (upstream === undefined) {
          if (open === 0) finish(worse);
          return;
        }
        next += 1;
        open += 1;
        cancelNext = this.#clock.after(nextAfterMs, askNext);
        void askUpstream(message, upstream, { transport, signal }).then(
          (reply) => {
            open -= 1;
            const kept = { reply, life: replyLife(reply), atMs: this.#clock.now() };
            if (isGood(reply)) finish(kept);
            else {
              worse = kept;
              askNext();
            }
          },
          () => {
            open -= 1;
            if (!signal.aborted) askNext();
            else if (open === 0 && !over.signal.aborted) finish(worse);
          },
        );
      };
      askNext();
    });
  }

  async #servers(): Promise<readonly Upstream[]> {
    const { upstreams, resolvConf = "/etc/resolv.conf", own } = this.#options;
    if (this.#clock.now() - this.#readAtMs < rereadEveryMs) return this.#upstreams;
    this.#readAtMs = this.#clock.now();
    if (upstreams !== undefined) this.#upstreams = upstreams.flatMap((text) => parseUpstream(text) ?? []);
    else this.#upstreams = upstreamsOf(await readFile(resolvConf, "utf8").catch(() => ""), own);
    return this.#upstreams;
  }
}

/** SERVFAIL, NOTIMP and REFUSED are worth asking another server. */
const isGood = (reply: Uint8Array): boolean => ![2, 4, 5].includes((reply[3] ?? 0) & 0x0f);
