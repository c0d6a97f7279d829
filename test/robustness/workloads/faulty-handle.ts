import type { Random } from "../../../src/base/random.ts";
import type { ApiRequest, ApiResponse, Handle, Waiter } from "../../../src/meta/wire.ts";
import type { WatchEvent } from "../../../src/meta/watch-event.ts";

/** How often things go wrong, from 0 (never) to 1 (always). */
export interface FaultRates {
  /** The request is refused or its answer is lost. */
  failure: number;
  /** A batch of a watch is the last one. */
  watchEnd: number;
  /** The whole process ends at a request. */
  crash: number;
}

export const noFaults = { failure: 0, watchEnd: 0, crash: 0 } as const;

/** What a process that has ended sees of the world: nothing. */
const silence = new Promise<never>(() => {});

/**
 * The server as a process sees it over a bad network: requests are refused, writes happen and their answers get lost,
 * watches end, and now and then the process itself ends, before or after a write. `rates` may be changed any time.
 */
export function faultyHandle(inner: Handle, rates: FaultRates, random: Random, { isOver, crash }: { isOver(): boolean; crash(): void }): Handle {
  const happens = (rate: number): boolean => rate > 0 && random.next() < rate;
  return async (request, waiter) => {
    if (isOver()) return silence;
    if (happens(rates.crash)) {
      // Half of the time what was asked for is still done, and nobody hears of it.
      if (random.next() < 0.5) await inner(request, waiter);
      crash();
      return silence;
    }
    if (happens(rates.failure)) return fail(inner, request, waiter, random);
    const response = await inner(request, waiter);
    if (isOver()) return silence;
    return response.body.type === "events"
      ? { ...response, body: { type: "events", events: shortened(response.body.events, () => happens(rates.watchEnd) || isOver(), random) } }
      : response;
  };
}

async function fail(inner: Handle, request: ApiRequest, waiter: Waiter, random: Random): Promise<ApiResponse> {
  const draw = random.next();
  if (draw < 0.2 && request.method === "PUT") return refusal(409, "Conflict");
  if (draw < 0.4) return refusal(429, "TooManyRequests");
  if (draw < 0.7) return refusal(500, "InternalError");
  const isWatch = new URLSearchParams(request.query).get("watch") !== null;
  if (!isWatch) await inner(request, waiter);
  return refusal(504, "Timeout");
}

function refusal(code: number, reason: string): ApiResponse {
  return { status: code, headers: {}, body: { type: "value", value: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message: "injected", reason, code } } };
}

async function* shortened(events: AsyncIterable<readonly WatchEvent[]>, ends: () => boolean, random: Random): AsyncIterable<readonly WatchEvent[]> {
  for await (const batch of events) {
    if (!ends()) {
      yield batch;
      continue;
    }
    // Some of it may still arrive.
    const arrived = batch.slice(0, Math.floor(random.next() * (batch.length + 1)));
    if (arrived.length > 0) yield arrived;
    return;
  }
}
