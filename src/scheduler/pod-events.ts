import type { Pod } from "../api/generated/types/core-v1.ts";
import { keyOf } from "../meta/object.ts";
import { type Change, podActions } from "./changes.ts";
import type { ClusterState } from "./cluster/cluster-state.ts";
import { podInfo } from "./cluster/pod-info.ts";
import type { Nominations } from "./cluster/nominations.ts";
import type { FreedRoom } from "./freed-room.ts";
import type { SchedulingQueue } from "./queue.ts";

/** What the scheduler knows of pods and nodes between cycles. */
export interface SchedulerState {
  readonly cluster: ClusterState;
  readonly queue: SchedulingQueue;
  readonly nominations: Nominations;
  readonly freedRoom: FreedRoom;
  /** UIDs of pods given to a node whose binding is not seen yet, by key. */
  readonly assumed: Map<string, string | undefined>;
}

/** Whether the pod takes room on a node. */
export function isPlaced({ spec, status }: Pod): boolean {
  return (spec.nodeName ?? "") !== "" && !isOver(status?.phase);
}

function isOver(phase: string | undefined): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

export function schedulerNameOf({ spec }: Pod): string {
  return spec.schedulerName ?? "default-scheduler";
}

/** Takes changes of pods into the state: to the nodes they are on, to the queue, and to those who wait. @upstream pkg/scheduler/eventhandlers.go */
export class PodEvents {
  readonly #state: SchedulerState;
  readonly #isOurs: (schedulerName: string) => boolean;

  constructor(options: { readonly isOurs: (schedulerName: string) => boolean }, deps: SchedulerState) {
    this.#isOurs = options.isOurs;
    this.#state = deps;
  }

  /** Whether we are to find a node for the pod. */
  isMine(pod: Pod): boolean {
    return (pod.spec.nodeName ?? "") === "" && pod.metadata.deletionTimestamp === undefined && !isOver(pod.status?.phase) && this.#isOurs(schedulerNameOf(pod));
  }

  seen(previous: Pod | undefined, pod: Pod): void {
    if (isPlaced(pod)) this.#placed(previous, pod);
    else if ((pod.spec.nodeName ?? "") !== "") this.gone(pod);
    else this.#waiting(previous, pod);
  }

  gone(pod: Pod): void {
    const { queue, nominations, assumed } = this.#state;
    const key = keyOf(pod);
    queue.remove(key);
    const nominated = nominations.nodeOf(key);
    nominations.delete(key);
    assumed.delete(key);
    // A pod that was only given to a node is no longer to come.
    if (this.#left(pod)) return;
    if (nominated !== undefined) this.unreserved(pod, nominated);
  }

  /** The pod takes no room any more, wherever it did; false: nowhere. */
  #left(pod: Pod): boolean {
    const { cluster } = this.#state;
    const key = keyOf(pod);
    const node = cluster.placeOf(key)?.name;
    if (node === undefined) return false;
    cluster.removePod(key);
    this.freed(pod, node);
    return true;
  }

  /** What the pod took of the node is free. */
  freed(pod: Pod, node: string): void {
    const { queue, freedRoom } = this.#state;
    queue.move(deletion(pod), { room: freedRoom.on(node) });
  }

  /** Room that was kept for the pod is kept no more: for pods of no higher priority that is as if it had ended. */
  unreserved(pod: Pod, node: string): void {
    const { queue, freedRoom } = this.#state;
    const priority = pod.spec.priority ?? 0;
    queue.move(deletion(pod), { room: freedRoom.on(node), isMeant: (waiting) => (waiting.spec.priority ?? 0) <= priority });
  }

  #placed(previous: Pod | undefined, pod: Pod): void {
    const { cluster, queue, nominations, assumed } = this.#state;
    const info = podInfo(pod, previous);
    const { key } = info;
    cluster.addPod(info, pod.spec.nodeName ?? "");
    if (previous !== undefined && isPlaced(previous)) {
      // PERF: pods that run are told of often, and mostly nobody waits for anything.
      if (!queue.isListenedTo) return;
      for (const action of podActions(previous, pod)) this.#move({ resource: "pod", action, previous, next: pod });
      return;
    }
    assumed.delete(key);
    queue.remove(key);
    const nominated = nominations.nodeOf(key);
    nominations.delete(key);
    if (nominated !== undefined && nominated !== pod.spec.nodeName) this.unreserved(pod, nominated);
    this.#move({ resource: "pod", action: "add", previous: undefined, next: pod });
  }

  #waiting(previous: Pod | undefined, pod: Pod): void {
    const { queue, nominations, assumed } = this.#state;
    const key = keyOf(pod);
    if (!this.isMine(pod)) {
      queue.remove(key);
      nominations.delete(key);
      // Its binding will fail; others need not wait for that.
      if (assumed.delete(key)) this.#left(pod);
      return;
    }
    // PERF: what the pod takes is carried over while both versions are at hand.
    if (previous !== undefined) podInfo(pod, previous);
    this.#nominate(key, previous, pod);
    if (assumed.has(key)) return;
    if (previous === undefined) queue.add(key, pod);
    else queue.update(key, previous, pod);
  }

  /** What the API says of room being made counts when it says something new; what we decided meanwhile stands until then. */
  #nominate(key: string, previous: Pod | undefined, pod: Pod): void {
    const before = previous?.status?.nominatedNodeName ?? "";
    const now = pod.status?.nominatedNodeName ?? "";
    const { nominations, assumed } = this.#state;
    const node = before === now ? nominations.nodeOf(key) : now;
    // Also for newer facts about a pod that is nominated already.
    if (node === undefined || node === "" || assumed.has(key)) nominations.delete(key);
    else nominations.set(podInfo(pod), node);
    if (previous !== undefined && before !== "" && before !== now) this.unreserved(previous, before);
  }

  #move(change: Change): void {
    this.#state.queue.move(change);
  }
}

function deletion(pod: Pod): Change {
  return { resource: "pod", action: "delete", previous: pod, next: undefined };
}
