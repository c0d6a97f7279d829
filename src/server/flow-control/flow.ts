import type { PriorityLevel } from "./priority-level.ts";
import type { QueuedFlow } from "./queued-flow.ts";

/** What a request is classified as. */
export interface Flow extends QueuedFlow {
  readonly level: PriorityLevel;
  /** Tells callers what they were classified as, by uid alone. */
  readonly headers: { readonly [name: string]: string };
}
