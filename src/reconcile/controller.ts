import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Random } from "../base/random.ts";
import type { Client } from "../client/client.ts";
import type { EventRecorder } from "../client/event-recorder.ts";
import type { InformerFactory } from "../client/informer.ts";

/** What every controller is given. Take only what you use. */
export interface ControllerDeps {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/**
 * A control loop. `setup` asks for informers and enqueues keys from their handlers; `reconcile` looks at the world and
 * moves it one step towards what is wanted. It may run twice, late, or after a crash. A throw means: again, later.
 */
export interface Controller {
  readonly name: string;
  /** How many keys may be reconciled at once; one key is never reconciled twice at a time. */
  readonly workers?: number;
  setup(queue: Enqueue): void;
  reconcile(key: string, signal: AbortSignal): Promise<void>;
}

export interface Enqueue {
  add(key: string): void;
  /** Not before `delayMs` from now; the earlier of two wins. */
  addAfter(key: string, delayMs: number): void;
}

/** Thrown by reconcile when trying again cannot help until something changes. */
export class TerminalError extends Error {
  override readonly name = "TerminalError";
}
