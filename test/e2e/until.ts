import { setTimeout as wait } from "node:timers/promises";

export interface UntilOptions {
  readonly timeoutMs?: number;
  readonly everyMs?: number;
}

/**
 * Asks again and again until `look` answers with something other than false and undefined, and hands that on. A look that
 * throws has not found it yet; its error is told when the time is up. The limit only bounds a failure: it costs nothing
 * when things work.
 */
export async function until<T>(what: string, look: () => Promise<T | undefined | false> | T | undefined | false, options: UntilOptions = {}): Promise<T> {
  const { timeoutMs = 60_000, everyMs = 200 } = options;
  const end = performance.now() + timeoutMs;
  for (;;) {
    let problem = "";
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      problem = `: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (performance.now() > end) throw new Error(`after ${timeoutMs / 1000} s it is still not so that ${what}${problem}`);
    await wait(everyMs);
  }
}
