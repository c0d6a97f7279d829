import { type Clock, sleep } from "../../base/clock.ts";
import type { Counter } from "../../base/metrics.ts";
import type { Logger } from "../../base/log.ts";
import type { Files } from "../../platform/files.ts";

export interface FollowOptions {
  readonly path: string;
  /** What was read at first. */
  readonly text: string;
  /** Takes another content in use; throws Error when it is not valid, and then the one before stays. */
  use(text: string): void;
}

export interface FollowDeps {
  readonly files: Pick<Files, "readIfPresent">;
  readonly clock: Clock;
  readonly log: Logger;
  /** By `success` or `failure`. */
  readonly reloads: Counter;
}

const EVERY_MS = 5_000;

/** Takes a configuration file's changes in as they come, until the signal aborts. A file that is away or broken changes nothing. */
export async function followFile({ path, text, use }: FollowOptions, { files, clock, log, reloads }: FollowDeps, signal: AbortSignal): Promise<void> {
  let seen = text;
  while (!signal.aborted) {
    await sleep(clock, EVERY_MS, signal).catch(() => {});
    if (signal.aborted) return;
    const now = await files
      .readIfPresent(path)
      .then((bytes) => (bytes === undefined ? undefined : new TextDecoder().decode(bytes)))
      .catch(() => undefined);
    if (now === undefined || now === seen) continue;
    seen = now;
    try {
      use(now);
      reloads.inc(["success"]);
      log.info("configuration reloaded", { path });
    } catch (error) {
      reloads.inc(["failure"]);
      log.error("a changed configuration is not valid: the one before stays in use", { path, error });
    }
  }
}
