import { orAbort } from "../../base/abort.ts";
import type { Clock } from "../../base/clock.ts";

/** Waits for `work` at most so long; the time's end is no error. Rejects as `work` does, or when the signal aborts. */
export async function within(work: Promise<unknown>, timeoutMs: number, { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }): Promise<void> {
  let cancel = (): void => {};
  const over = new Promise<void>((resolve) => {
    cancel = clock.after(timeoutMs, resolve);
  });
  try {
    await orAbort(Promise.race([work, over]), signal);
  } finally {
    cancel();
    work.catch(() => {});
  }
}
