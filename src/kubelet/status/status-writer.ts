import type { Pod, PodStatus } from "../../api/generated/types/core-v1.ts";
import { pods } from "../../api/generated/resources.ts";
import { sleep, type Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Client } from "../../client/client.ts";
import { hasReason, StatusError } from "../../meta/status-error.ts";
import { keyOf } from "../../meta/object.ts";
import { statusPatch } from "./status-patch.ts";

export interface StatusWriterDeps {
  readonly client: Pick<Client, "patch" | "delete">;
  /** The pod as the API has it, by `ns/name`. */
  current(key: string): Pod | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Wanted {
  readonly pod: Pod;
  status: PodStatus;
  /** The object may go once its status is written. */
  remove: boolean;
  busy: boolean;
}

/** Of all the node's pods together. */
const AT_ONCE = 2;
const firstRetryMs = 500;
const longestRetryMs = 10_000;

/**
 * Writes pods' statuses when they differ from what the API has: one write per pod and two per node at a time, where
 * upstream has one. What comes meanwhile replaces what waits, so that a node with much to tell tells the newest only.
 * @upstream pkg/kubelet/status/status_manager.go
 */
export class StatusWriter {
  readonly #deps: StatusWriterDeps;
  readonly #signal: AbortSignal;
  readonly #wanted = new Map<string, Wanted>();
  readonly #known = new Map<string, Pod>();
  readonly #running = new Set<Promise<void>>();
  #atWork = 0;
  /** Those that may write when others have written, the oldest first. */
  readonly #inLine = new Set<() => void>();

  constructor(options: { readonly signal: AbortSignal }, deps: StatusWriterDeps) {
    this.#signal = options.signal;
    this.#deps = deps;
  }

  /** The status last set for a pod. */
  get(uid: string): PodStatus | undefined {
    return this.#wanted.get(uid)?.status;
  }

  set(pod: Pod, status: PodStatus): void {
    const uid = pod.metadata.uid ?? "";
    const entry = this.#wanted.get(uid) ?? { pod, status, remove: false, busy: false };
    entry.status = status;
    this.#wanted.set(uid, entry);
    this.#wake(uid, entry);
  }

  /** The pod has ended and nothing of it is left on the node: its object may go when it is being deleted. */
  finish(pod: Pod): void {
    const entry = this.#wanted.get(pod.metadata.uid ?? "");
    if (entry === undefined) return;
    entry.remove = true;
    this.#wake(pod.metadata.uid ?? "", entry);
  }

  forget(uid: string): void {
    this.#wanted.delete(uid);
    this.#known.delete(uid);
  }

  async drained(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  #wake(uid: string, entry: Wanted): void {
    if (entry.busy || this.#signal.aborted) return;
    entry.busy = true;
    const run = this.#write(uid, entry)
      .catch(() => {})
      .finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  async #write(uid: string, entry: Wanted): Promise<void> {
    let retryMs = firstRetryMs;
    try {
      while (this.#wanted.get(uid) === entry && !this.#signal.aborted) {
        try {
          const written = await this.#inTurn(() => this.#writeNewest(uid, entry));
          if (written === undefined || (entry.status === written.status && entry.remove === written.remove)) return;
          retryMs = firstRetryMs;
        } catch (error) {
          if (this.#signal.aborted) return;
          this.#deps.log.warn("a pod's status is not written yet", { pod: keyOf(entry.pod), error });
          await sleep(this.#deps.clock, retryMs, this.#signal);
          retryMs = Math.min(retryMs * 2, longestRetryMs);
        }
      }
    } finally {
      // At once, with nothing awaited since the last look: a status that is set from now on wakes a new round.
      entry.busy = false;
    }
  }

  /** What the API has now; undefined when the object is gone or another one by now. */
  async #writeNewest(uid: string, entry: Wanted): Promise<Pick<Wanted, "status" | "remove"> | undefined> {
    const { status, remove } = entry;
    if (this.#wanted.get(uid) !== entry || this.#signal.aborted || (await this.#writeOnce(uid, entry, status))) return undefined;
    if (remove) await this.#remove(uid, entry);
    return { status, remove };
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#atWork < AT_ONCE) this.#atWork += 1;
    else await new Promise<void>((resolve) => void this.#inLine.add(resolve));
    try {
      return await work();
    } finally {
      // The place goes to the next in line as it is.
      const [next] = this.#inLine;
      if (next === undefined) this.#atWork -= 1;
      else {
        this.#inLine.delete(next);
        next();
      }
    }
  }

  /** Whether the object is gone or another one by now. */
  async #writeOnce(uid: string, entry: Wanted, status: PodStatus): Promise<boolean> {
    const { name = "", namespace } = entry.pod.metadata;
    const current = this.#newest(uid, entry);
    if (current.metadata.uid !== uid) return true;
    const patch = statusPatch(current.status ?? {}, status);
    if (patch === undefined) return false;
    try {
      const written = await this.#deps.client.patch(
        pods,
        name,
        { type: "strategic", value: { metadata: { uid }, status: patch } },
        { namespace, subresource: "status", signal: this.#signal },
      );
      this.#known.set(uid, written);
      return false;
    } catch (error) {
      if (hasReason(error, "NotFound")) return true;
      // The same name with another UID: this pod is gone.
      if (hasReason(error, "Conflict")) return true;
      if (error instanceof StatusError && error.code === 422) {
        this.#deps.log.error("a pod's status was refused", { pod: keyOf(entry.pod), error });
        return false;
      }
      throw error;
    }
  }

  /** The later of what the informer has and what the last write answered. */
  #newest(uid: string, entry: Wanted): Pod {
    const listed = this.#deps.current(keyOf(entry.pod));
    const written = this.#known.get(uid);
    if (listed === undefined) return written ?? entry.pod;
    if (written === undefined || listed.metadata.uid !== uid) return listed;
    return Number(listed.metadata.resourceVersion ?? 0) >= Number(written.metadata.resourceVersion ?? 0) ? listed : written;
  }

  async #remove(uid: string, entry: Wanted): Promise<void> {
    const { name = "", namespace } = entry.pod.metadata;
    const current = this.#newest(uid, entry);
    if (current.metadata.uid !== uid || current.metadata.deletionTimestamp === undefined) return;
    try {
      await this.#deps.client.delete(pods, name, { namespace, gracePeriodSeconds: 0, preconditions: { uid }, signal: this.#signal });
    } catch (error) {
      if (!hasReason(error, "NotFound") && !hasReason(error, "Conflict")) throw error;
    }
  }
}
