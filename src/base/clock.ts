/** Time as a value. Pure layers take a Clock instead of reading the machine's. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `callback` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Resolves after `delayMs`, or rejects with the signal's reason when that comes first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** PERF: a busy server writes the same second again and again. */
let lastSecond = { seconds: Number.NaN, text: "" };

/** RFC 3339 with whole seconds, as `metav1.Time` is written: `2026-01-31T08:00:00Z`. */
export function rfc3339(epochMs: number): string {
  const seconds = Math.floor(epochMs / 1000);
  if (seconds !== lastSecond.seconds) lastSecond = { seconds, text: `${new Date(epochMs).toISOString().slice(0, 19)}Z` };
  return lastSecond.text;
}

/** RFC 3339 with microseconds, as `metav1.MicroTime` is written: `2026-01-31T08:00:00.000000Z`. */
export function rfc3339Micro(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 23)}000Z`;
}
