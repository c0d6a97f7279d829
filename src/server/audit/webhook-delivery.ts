import { type Clock, sleep } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { batchesOf } from "./truncate.ts";

export interface DeliveryOptions {
  /** How long the second try waits; each further one half as long again. */
  readonly initialBackoffMs: number;
  /** Bytes of what is sent at once; absent: as many as come. */
  readonly mostBatchBytes?: number | undefined;
}

export interface DeliveryDeps {
  /** Posts a body of JSON; resolves the answer's code, rejects when there is none. */
  post(body: string): Promise<number>;
  readonly clock: Clock;
  readonly random: Random;
  /** Ends the waiting between tries. */
  readonly signal: AbortSignal;
}

const TRIES = 5;
const FACTOR = 1.5;
const JITTER = 0.2;

/** Sends events, which are JSON, as an EventList, again and again while the receiver is away or overloaded. @upstream apiserver/plugin/pkg/audit/webhook, apiserver/pkg/util/webhook */
export function webhookDelivery(
  { initialBackoffMs, mostBatchBytes }: DeliveryOptions,
  { post, clock, random, signal }: DeliveryDeps,
): (events: readonly string[]) => Promise<void> {
  const send = async (items: readonly string[]): Promise<void> => {
    const body = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${items.join(",")}]}`;
    let waitMs = initialBackoffMs;
    for (let attempt = 1; ; attempt += 1) {
      const problem = await post(body).then(
        (status) => (status >= 200 && status < 300 ? undefined : { reason: `the webhook answered ${status}`, isPassing: status === 429 || status >= 500 }),
        (error: unknown) => ({ reason: error instanceof Error ? error.message : String(error), isPassing: true }),
      );
      if (problem === undefined) return;
      if (!problem.isPassing || attempt >= TRIES || signal.aborted) throw new Error(problem.reason);
      await sleep(clock, waitMs * (1 + random.next() * JITTER), signal).catch(() => {});
      waitMs *= FACTOR;
    }
  };
  return async (events) => {
    for (const batch of mostBatchBytes === undefined ? [events] : batchesOf(events, mostBatchBytes)) await send(batch);
  };
}
