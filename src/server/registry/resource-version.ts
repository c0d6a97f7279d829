import { failure, invalid, type StatusError } from "../../meta/status-error.ts";
import type { StateCache } from "../cache/state-cache.ts";
import { sleep, type Clock } from "../../base/clock.ts";

/** A revision as a caller may name it: undefined (the newest), 0 (whatever is at hand) or a number. */
export function parseResourceVersion(text: string | null, optionsKind: string): number | undefined {
  if (text === null || text === "") return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw invalid({ group: "meta.k8s.io", kind: optionsKind, name: "" }, [
    { type: "FieldValueInvalid", field: "resourceVersion", value: text, detail: `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax` },
  ]);
}

const WAIT_MS = 3000;

/** Resolves when the cache is fresh enough for what the caller named, undefined when it is already; 504 when it does not get there in 3 s. */
export function waitForRevision(cache: StateCache, revision: number | undefined, clock: Clock): Promise<void> | undefined {
  if (revision === undefined) return cache.fresh();
  const reached = cache.reached(revision);
  return reached === undefined ? undefined : inTime(reached, { cache, revision, clock });
}

async function inTime(reached: Promise<void>, { cache, revision, clock }: { readonly cache: StateCache; readonly revision: number; readonly clock: Clock }): Promise<void> {
  const controller = new AbortController();
  const late = sleep(clock, WAIT_MS, controller.signal).then(
    () => "late" as const,
    () => "stopped" as const,
  );
  const outcome = await Promise.race([reached.then(() => "reached" as const), late]);
  controller.abort();
  if (outcome === "late") throw tooLarge(revision, cache.revision);
}

/** @upstream apiserver/pkg/storage/errors.go NewTooLargeResourceVersionError */
function tooLarge(asked: number, current: number): StatusError {
  return failure("Timeout", `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}
