import type { Clock } from "../../base/clock.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import type { Ticket } from "./ticket.ts";

/**
 * The same answer, whose ticket leaves when the first events of the watch are on their way, or the reader goes, or the time
 * is over. PERF: after the first, chunks pass as if nothing stood between.
 */
export function leaveWhenBegun(
  response: ApiResponse,
  ticket: Ticket,
  { signal, clock, withinMs }: { readonly signal: AbortSignal; readonly clock: Clock; readonly withinMs: number },
): ApiResponse {
  const { body } = response;
  if (body.type !== "stream") {
    ticket.leave();
    return response;
  }
  // A reader who never begins to read must not keep the seat.
  const cancelTimer = clock.after(withinMs, () => leave());
  const leave = (): void => {
    cancelTimer();
    signal.removeEventListener("abort", leave);
    ticket.leave();
  };
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
  return { ...response, body: { ...body, chunks: { [Symbol.asyncIterator]: () => new FirstNoticed(body.chunks[Symbol.asyncIterator](), leave) } } };
}

class FirstNoticed implements AsyncIterator<Uint8Array> {
  readonly #inner: AsyncIterator<Uint8Array>;
  #noticed: (() => void) | undefined;

  constructor(inner: AsyncIterator<Uint8Array>, noticed: () => void) {
    this.#inner = inner;
    this.#noticed = noticed;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const next = this.#inner.next();
    const noticed = this.#noticed;
    if (noticed !== undefined) {
      this.#noticed = undefined;
      next.then(noticed, noticed);
    }
    return next;
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#noticed?.();
    this.#noticed = undefined;
    return (await this.#inner.return?.()) ?? { done: true, value: undefined };
  }
}
