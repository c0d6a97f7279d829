import { nodes, pods } from "../../api/generated/resources.ts";
import type { Node, Pod } from "../../api/generated/types/core-v1.ts";
import { deepEqual } from "../../base/values.ts";
import { keyOf } from "../../meta/object.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { LateQueue } from "../enqueue.ts";
import { disruptAndDelete } from "../pods/disruption.ts";
import { evictionMetrics } from "../pods/eviction-metrics.ts";
import { isPodTerminal } from "../pods/pod-state.ts";
import { podsByNode } from "../pods/pods-by-node.ts";
import { tolerationSeconds } from "./plan.ts";

interface Scheduled {
  readonly uid: string;
  readonly dueMs: number;
}

/** Deletes pods that do not, or no longer, tolerate their node's NoExecute taints. @upstream pkg/controller/tainteviction/taint_eviction.go */
export function taintEvictionController(deps: ControllerDeps): Controller {
  const { clock, recorder } = deps;
  const nodeInformer = deps.informers.informer(nodes);
  const podInformer = deps.informers.informer(pods);
  /** When a pod's time on its node ends. Once it runs, another tolerable taint changes nothing. */
  const scheduled = new Map<string, Scheduled>();
  const late = new LateQueue();
  const evictions = evictionMetrics(deps.metrics, "taint_eviction_controller");

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const pod = podInformer.lister.get(key);
    const node = pod === undefined ? undefined : nodeInformer.lister.get(pod.spec.nodeName ?? "");
    const before = scheduled.get(key);
    if (pod === undefined || isPodTerminal(pod) || pod.metadata.deletionTimestamp !== undefined) {
      scheduled.delete(key);
      return;
    }
    const seconds = node === undefined ? "for-ever" : tolerationSeconds(pod, node.spec.taints ?? []);
    if (seconds === "for-ever") {
      if (scheduled.delete(key) && before?.uid === pod.metadata.uid) recorder.event(pod, "Normal", "TaintManagerEviction", `Cancelling deletion of Pod ${key}`);
      return;
    }
    const nowMs = clock.now();
    const { uid = "" } = pod.metadata;
    const dueMs = seconds > 0 && before?.uid === uid ? before.dueMs : nowMs + seconds * 1000;
    scheduled.set(key, { uid, dueMs });
    if (dueMs > nowMs) {
      late.addAfter(key, dueMs - nowMs);
      return;
    }
    recorder.event(pod, "Normal", "TaintManagerEviction", `Marking for deletion Pod ${key}`);
    const how = { reason: "DeletionByTaintManager", message: "Taint manager: deleting due to NoExecute taint" };
    await disruptAndDelete(pod, how, { client: deps.client, nowMs, signal });
    evictions.deleted((clock.now() - dueMs) / 1000);
    scheduled.delete(key);
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    podsByNode.index(deps.informers, podInformer);
    const enqueuePod = (pod: Pod): void => queue.add(keyOf(pod));
    const isDue = (pod: Pod): boolean => scheduled.size > 0 && scheduled.has(keyOf(pod));
    /** A node that is not known yet brings its pods along. */
    const isInDanger = ({ spec: { nodeName = "" } }: Pod): boolean => nodeName !== "" && evicts(nodeInformer.lister.get(nodeName));
    // PERF: a pod has many updates in its life, of which this depends on few, and few nodes evict anybody.
    podInformer.subscribe({
      added(pod) {
        if (isDue(pod) || isInDanger(pod)) enqueuePod(pod);
      },
      updated(previous, pod) {
        if (isDue(pod) || (!standsAlike(previous, pod) && isInDanger(pod))) enqueuePod(pod);
      },
      deleted(pod) {
        if (isDue(pod)) enqueuePod(pod);
      },
    });
    const enqueuePods = (node: Node): void => {
      for (const pod of podsByNode.of(podInformer.lister, node.metadata.name ?? "")) queue.add(keyOf(pod));
    };
    nodeInformer.subscribe({
      added(node) {
        if (scheduled.size > 0 || evicts(node)) enqueuePods(node);
      },
      updated(previous, node) {
        if (!deepEqual(previous.spec.taints ?? [], node.spec.taints ?? [])) enqueuePods(node);
      },
    });
  }

  return { name: "taint-eviction", workers: 8, setup, reconcile };
}

function evicts(node: Node | undefined): boolean {
  return node?.spec.taints?.some(({ effect }) => effect === "NoExecute") === true;
}

/** Whether nothing about the pod changed that its time on the node depends on. @upstream taint_eviction.go PodUpdated */
function standsAlike({ spec: before }: Pod, { spec }: Pod): boolean {
  return before.nodeName === spec.nodeName && (before.tolerations === spec.tolerations || deepEqual(before.tolerations, spec.tolerations));
}
