import type { Logger } from "../../base/log.ts";
import type { PodInfo } from "../cluster/pod-info.ts";
import type { SchedulerState } from "../pod-events.ts";
import type { PodStatusWriter } from "../pod-status-writer.ts";
import { Slots } from "../slots.ts";
import type { Candidate } from "./candidate.ts";
import { type EvictionDeps, evictVictims } from "./evict-victims.ts";

export interface RoomMakerDeps extends EvictionDeps {
  readonly state: Pick<SchedulerState, "cluster" | "nominations" | "queue">;
  readonly statuses: Pick<PodStatusWriter, "write">;
  readonly log: Logger;
}

/** Pods whose victims are ended at once: each waits for two writes, one after the other. */
const PREEMPTORS = 32;

/** Ends victims in the background. Until that is asked for, the pod that they are ended for is not tried again. */
export class RoomMaker {
  readonly #deps: RoomMakerDeps;
  readonly #slots = new Slots(PREEMPTORS);
  /** Keys of the pods for whose sake others are being ended. */
  readonly #preemptors = new Set<string>();

  constructor(deps: RoomMakerDeps) {
    this.#deps = deps;
  }

  isAtWorkFor(key: string): boolean {
    return this.#preemptors.has(key);
  }

  /** Resolves when the end of all victims was asked for, or could not be. */
  async make(candidate: Candidate, pod: PodInfo): Promise<void> {
    const { state, log } = this.#deps;
    this.#sendElsewhere(candidate.node, pod);
    this.#preemptors.add(pod.key);
    let always = false;
    try {
      await this.#evict(candidate, pod);
    } catch (error) {
      log.warn("could not make room", { pod: pod.key, node: candidate.node, error });
      always = true;
    }
    this.#preemptors.delete(pod.key);
    state.queue.recheck(pod.key, { always });
  }

  /** Less important pods that were to come to the node need another place. */
  #sendElsewhere(node: string, { priority }: PodInfo): void {
    const { cluster, nominations } = this.#deps.state;
    for (const other of cluster.node(node)?.nominated ?? []) {
      if (other.priority >= priority) continue;
      nominations.delete(other.key);
      this.#deps.statuses.write(other.pod, { nominatedNodeName: "" });
    }
  }

  async #evict(candidate: Candidate, pod: PodInfo): Promise<void> {
    await this.#slots.acquire();
    try {
      await evictVictims(candidate, pod, this.#deps);
    } finally {
      this.#slots.release();
    }
  }
}
