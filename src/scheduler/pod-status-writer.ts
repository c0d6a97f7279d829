import { pods } from "../api/generated/resources.ts";
import type { Pod, PodCondition } from "../api/generated/types/core-v1.ts";
import { type Clock, rfc3339 } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import type { Lister } from "../client/informer.ts";
import { LruMap } from "../client/lru-map.ts";
import { keyOf } from "../meta/object.ts";
import { hasReason } from "../meta/status-error.ts";

/** What a pod's status should say. */
export interface StatusWish {
  /** Why it is not scheduled. */
  readonly condition?: { readonly reason: "Unschedulable" | "SchedulerError"; readonly message: string };
  /** Where room is being made for it; empty: nowhere. Absent: as it is. */
  readonly nominatedNodeName?: string;
}

export interface PodStatusWriterDeps {
  readonly client: Pick<Client, "patch">;
  readonly pods: Lister<Pod>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Writes under way at once; no fewer than the scheduler ends pods for, so that pods say where before they are bound there. */
const AT_ONCE = 32;
/** Writes that are remembered until they are seen. */
const REMEMBERED = 1024;

/**
 * Writes what the scheduler has to say about waiting pods, in the background; of several wishes for one pod the last
 * counts, so that no more wait than there are pods. @upstream schedule_one.go updatePod
 */
export class PodStatusWriter {
  readonly #deps: PodStatusWriterDeps;
  readonly #wishes = new Map<string, { readonly uid: string | undefined; readonly wish: StatusWish }>();
  /** Writes under way by pod, one at a time each. */
  readonly #busy = new Map<string, Promise<Pod | undefined>>();
  /** What our last write made of a pod, and the version that was seen before it. */
  readonly #written = new LruMap<{ readonly seen: string | undefined; readonly pod: Pod }>(REMEMBERED);

  constructor(deps: PodStatusWriterDeps) {
    this.#deps = deps;
  }

  write(pod: Pod, wish: StatusWish): void {
    const key = keyOf(pod);
    const { uid } = pod.metadata;
    const waiting = this.#wishes.get(key);
    this.#wishes.set(key, { uid, wish: waiting?.uid === uid ? { ...waiting?.wish, ...wish } : wish });
    if (this.#busy.size < AT_ONCE && !this.#busy.has(key)) void this.#work(key);
  }

  /**
   * The pod is on its way to a node: what was still to be said of it is not said. What is being written now has to be
   * through before it is bound, lest a bound pod says that it waits; undefined: nothing is.
   * @upstream backend/api_dispatcher: a binding replaces the status patch of its pod
   */
  retract(key: string): Promise<unknown> | undefined {
    this.#wishes.delete(key);
    return this.#busy.get(key);
  }

  /** Resolves when it is written, or could not be. */
  async writeNow(pod: Pod, wish: StatusWish): Promise<void> {
    const current = this.#deps.pods.get(keyOf(pod));
    if (current !== undefined && current.metadata.uid === pod.metadata.uid) await this.#send(current, wish);
  }

  /** Writes for one pod, then for others that wait. */
  async #work(first: string): Promise<void> {
    for (let key: string | undefined = first; key !== undefined; key = this.#nextKey()) {
      const next = this.#wishes.get(key);
      if (next === undefined) continue;
      this.#wishes.delete(key);
      const seen = this.#deps.pods.get(key);
      if (seen === undefined || seen.metadata.uid !== next.uid) continue;
      const written = this.#written.get(key);
      const isUnseen = written !== undefined && written.seen === seen.metadata.resourceVersion && written.pod.metadata.uid === next.uid;
      const sending = this.#send(isUnseen ? written.pod : seen, next.wish);
      this.#busy.set(key, sending);
      const made = await sending;
      if (made !== undefined) this.#written.set(key, { seen: seen.metadata.resourceVersion, pod: made });
      this.#busy.delete(key);
    }
  }

  #nextKey(): string | undefined {
    for (const key of this.#wishes.keys()) if (!this.#busy.has(key)) return key;
    return undefined;
  }

  /** The pod as written; undefined when nothing was. */
  async #send(pod: Pod, { condition, nominatedNodeName }: StatusWish): Promise<Pod | undefined> {
    const { client, log } = this.#deps;
    const { namespace = "", name = "", uid } = pod.metadata;
    const conditions = condition === undefined ? undefined : this.#condition(pod, condition);
    const nominated = nominatedNodeName === undefined || nominatedNodeName === (pod.status?.nominatedNodeName ?? "") ? undefined : nominatedNodeName;
    if (conditions === undefined && nominated === undefined) return undefined;
    const status = {
      ...(conditions === undefined ? {} : { conditions: [conditions] }),
      ...(nominated === undefined ? {} : { nominatedNodeName: nominated === "" ? null : nominated }),
    };
    try {
      return await client.patch(pods, name, { type: "strategic", value: { metadata: { uid }, status } }, { namespace, subresource: "status" });
    } catch (error) {
      if (!hasReason(error, "NotFound") && !hasReason(error, "Conflict")) log.warn("could not tell why a pod waits", { pod: `${namespace}/${name}`, error });
      return undefined;
    }
  }

  /** Undefined when the pod says so already. */
  #condition({ metadata, status }: Pod, { reason, message }: NonNullable<StatusWish["condition"]>): PodCondition | undefined {
    const known = status?.conditions?.find(({ type }) => type === "PodScheduled");
    if (known?.status === "False" && known.reason === reason && known.message === message) return undefined;
    return {
      type: "PodScheduled",
      status: "False",
      reason,
      message,
      lastTransitionTime: known?.status === "False" && known.lastTransitionTime !== undefined ? known.lastTransitionTime : rfc3339(this.#deps.clock.now()),
      ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    };
  }
}
