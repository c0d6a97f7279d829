import { pods } from "../api/generated/resources.ts";
import type { Pod, PodCondition } from "../api/generated/types/core-v1.ts";
import { type Clock, rfc3339 } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import type { Lister } from "../client/informer.ts";
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

/** Writes under way at once. */
const AT_ONCE = 8;

/**
 * Writes what the scheduler has to say about waiting pods, in the background; of several wishes for one pod the last
 * counts, so that no more wait than there are pods. @upstream schedule_one.go updatePod
 */
export class PodStatusWriter {
  readonly #deps: PodStatusWriterDeps;
  readonly #wishes = new Map<string, { readonly uid: string | undefined; readonly wish: StatusWish }>();
  #busy = 0;

  constructor(deps: PodStatusWriterDeps) {
    this.#deps = deps;
  }

  write(pod: Pod, wish: StatusWish): void {
    const key = keyOf(pod);
    const { uid } = pod.metadata;
    const waiting = this.#wishes.get(key);
    this.#wishes.set(key, { uid, wish: waiting?.uid === uid ? { ...waiting?.wish, ...wish } : wish });
    if (this.#busy < AT_ONCE) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy += 1;
    for (;;) {
      const next = this.#wishes.entries().next();
      if (next.done === true) break;
      const [key, { uid, wish }] = next.value;
      this.#wishes.delete(key);
      const pod = this.#deps.pods.get(key);
      if (pod !== undefined && pod.metadata.uid === uid) await this.#send(pod, wish);
    }
    this.#busy -= 1;
  }

  async #send(pod: Pod, { condition, nominatedNodeName }: StatusWish): Promise<void> {
    const { client, log } = this.#deps;
    const { namespace = "", name = "", uid } = pod.metadata;
    const conditions = condition === undefined ? undefined : this.#condition(pod, condition);
    const nominated = nominatedNodeName === undefined || nominatedNodeName === (pod.status?.nominatedNodeName ?? "") ? undefined : nominatedNodeName;
    if (conditions === undefined && nominated === undefined) return;
    const status = {
      ...(conditions === undefined ? {} : { conditions: [conditions] }),
      ...(nominated === undefined ? {} : { nominatedNodeName: nominated === "" ? null : nominated }),
    };
    try {
      await client.patch(pods, name, { type: "strategic", value: { metadata: { uid }, status } }, { namespace, subresource: "status" });
    } catch (error) {
      if (!hasReason(error, "NotFound") && !hasReason(error, "Conflict")) log.warn("could not tell why a pod waits", { pod: `${namespace}/${name}`, error });
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
