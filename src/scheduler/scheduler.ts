import type { Node, Pod } from "../api/generated/types/core-v1.ts";
import { nodes, pods, replicaSets, replicationControllers, services, statefulSets } from "../api/generated/resources.ts";
import { rfc3339, type Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Random } from "../base/random.ts";
import { deepEqual } from "../base/values.ts";
import type { Client } from "../client/client.ts";
import type { EventRecorder } from "../client/event-recorder.ts";
import type { InformerFactory, Lister } from "../client/informer.ts";
import { keyOf } from "../meta/object.ts";
import { hasReason } from "../meta/status-error.ts";
import { chooseNode, unschedulableMessage, type Verdict } from "./choose-node.ts";
import { defaultSelectorOf, type SelectorListers } from "./default-selector.ts";
import { NodeInfo } from "./node-info.ts";
import type { Plugin } from "./plugin.ts";
import { podInfo } from "./pod-info.ts";
import { nodeAffinity } from "./plugins/node-affinity.ts";
import { balancedAllocation, nodeResourcesFit } from "./plugins/node-resources-fit.ts";
import { nodeName, nodePorts, nodeUnschedulable, taintToleration } from "./plugins/node-state.ts";
import { podTopologySpread } from "./plugins/pod-topology-spread.ts";
import { type QueuedPod, SchedulingQueue } from "./queue.ts";

export interface SchedulerOptions {
  /** Pods that name this scheduler are its. */
  readonly schedulerName?: string;
}

export interface SchedulerDeps {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Bindings under way at once; more wait in the queue. */
const BINDERS = 32;
/** Pods scheduled in one go before others get their turn. */
const BURST = 64;

/** Watches pods and nodes and binds each pod that waits to the best node that fits. */
export class Scheduler {
  readonly #name: string;
  readonly #deps: SchedulerDeps;
  readonly #queue: SchedulingQueue;
  readonly #nodes = new Map<string, NodeInfo>();
  #ordered: NodeInfo[] | undefined;
  /** Pods given to a node whose binding is not yet seen, by key. */
  readonly #assumed = new Map<string, { readonly uid: string | undefined; readonly node: string }>();
  readonly #verdicts = new Map<string, { readonly total: number; readonly verdicts: readonly Verdict[] }>();
  #plugins: readonly Plugin[] = [];
  #next = 0;
  #binding = 0;
  #freed: (() => void) | undefined;
  readonly #attempts;

  constructor(options: SchedulerOptions, deps: SchedulerDeps) {
    this.#name = options.schedulerName ?? "default-scheduler";
    this.#deps = deps;
    this.#queue = new SchedulingQueue(deps);
    this.#attempts = deps.metrics.counter("scheduler_schedule_attempts_total", "Attempts to schedule pods by result", ["result"]);
  }

  /** Why a pod does not fit, as of its last attempt. */
  verdictsOf(key: string): { readonly total: number; readonly verdicts: readonly Verdict[] } | undefined {
    return this.#verdicts.get(key);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { informers } = this.#deps;
    const nodeInformer = informers.informer(nodes);
    const podInformer = informers.informer(pods);
    const owners: SelectorListers = {
      services: informers.informer(services).lister,
      replicaSets: informers.informer(replicaSets).lister,
      replicationControllers: informers.informer(replicationControllers).lister,
      statefulSets: informers.informer(statefulSets).lister,
    };
    this.#plugins = [
      nodeUnschedulable,
      nodeName,
      taintToleration,
      nodeAffinity,
      nodePorts,
      nodeResourcesFit,
      podTopologySpread((pod) => defaultSelectorOf(pod, owners)),
      balancedAllocation,
    ];
    const unsubscribe = [
      nodeInformer.subscribe({
        added: (node) => this.#nodeChanged(node),
        updated: (previous, node) => this.#nodeUpdated(previous, node),
        deleted: (node) => this.#nodeGone(node),
      }),
      podInformer.subscribe({
        added: (pod) => this.#podSeen(pod, undefined),
        updated: (previous, pod) => this.#podSeen(pod, previous),
        deleted: (pod) => this.#podGone(pod),
      }),
    ];
    const stop = (): void => this.#queue.close();
    signal.addEventListener("abort", stop, { once: true });
    try {
      await informers.waitForSync(signal);
      await this.#loop(podInformer.lister, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      for (const stopWatching of unsubscribe) stopWatching();
      stop();
    }
  }

  async #loop(lister: Lister<Pod>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let next = await this.#queue.take();
      for (let burst = 0; next !== undefined && burst < BURST; burst += 1) {
        if (this.#binding >= BINDERS) {
          await new Promise<void>((resolve) => {
            this.#freed = resolve;
          });
        }
        this.#schedule(next, lister);
        next = burst + 1 < BURST ? this.#queue.takeNow() : undefined;
      }
      // Lets watches and bindings go on between bursts.
      await Promise.resolve();
    }
  }

  #schedule(queued: QueuedPod, lister: Lister<Pod>): void {
    const pod = lister.get(queued.key);
    if (pod === undefined || pod.metadata.uid !== queued.pod.metadata.uid || !this.#isMine(pod)) return;
    const judgedAt = this.#queue.changes;
    const info = podInfo(pod);
    const snapshot = { nodes: this.#snapshot() };
    const choice = chooseNode(info, snapshot, { plugins: this.#plugins, startIndex: this.#next }, this.#deps.random);
    if (choice.node === undefined) {
      this.#verdicts.set(queued.key, { total: snapshot.nodes.length, verdicts: choice.verdicts });
      this.#unschedulable(pod, unschedulableMessage(snapshot.nodes.length, choice.verdicts));
      this.#queue.putBack({ ...queued, pod }, judgedAt);
      return;
    }
    this.#next = snapshot.nodes.length === 0 ? 0 : (this.#next + choice.evaluated) % snapshot.nodes.length;
    this.#verdicts.delete(queued.key);
    this.#assumed.set(queued.key, { uid: pod.metadata.uid, node: choice.node.name });
    choice.node.addPod(info);
    this.#binding += 1;
    void this.#bind(queued, pod, choice.node.name).finally(() => {
      this.#binding -= 1;
      this.#freed?.();
      this.#freed = undefined;
    });
  }

  async #bind(queued: QueuedPod, pod: Pod, node: string): Promise<void> {
    const { client, recorder, log } = this.#deps;
    const { namespace = "", name = "", uid } = pod.metadata;
    try {
      await client.createSubresource(
        pods,
        name,
        "binding",
        { apiVersion: "v1", kind: "Binding", metadata: { name, namespace, ...(uid === undefined ? {} : { uid }) }, target: { kind: "Node", name: node } },
        { namespace },
      );
      this.#attempts.inc(["scheduled"]);
      recorder.event(pod, "Normal", "Scheduled", `Successfully assigned ${namespace}/${name} to ${node}`);
    } catch (error) {
      this.#forget(queued.key);
      if (hasReason(error, "NotFound") || hasReason(error, "Conflict")) {
        log.debug("pod changed while it was bound", { pod: queued.key });
        return;
      }
      this.#attempts.inc(["error"]);
      log.warn("binding failed", { pod: queued.key, node, error });
      this.#queue.putBack(queued, -1);
    }
  }

  #unschedulable(pod: Pod, message: string): void {
    const { client, recorder, clock, log } = this.#deps;
    this.#attempts.inc(["unschedulable"]);
    recorder.event(pod, "Warning", "FailedScheduling", message);
    const known = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
    if (known?.status === "False" && known.reason === "Unschedulable" && known.message === message) return;
    const { namespace = "", name = "", generation } = pod.metadata;
    const transition = known?.status === "False" && known.lastTransitionTime !== undefined ? known.lastTransitionTime : rfc3339(clock.now());
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      lastProbeTime: null,
      lastTransitionTime: transition,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
    client.patch(pods, name, { type: "strategic", value: { status: { conditions: [condition] } } }, { namespace, subresource: "status" }).catch((error: unknown) => {
      if (!hasReason(error, "NotFound")) log.warn("could not tell why a pod waits", { pod: `${namespace}/${name}`, error });
    });
  }

  #isMine(pod: Pod): boolean {
    return (
      (pod.spec.nodeName ?? "") === "" &&
      pod.metadata.deletionTimestamp === undefined &&
      (pod.spec.schedulerName ?? "default-scheduler") === this.#name &&
      (pod.spec.schedulingGates ?? []).length === 0 &&
      pod.status?.phase !== "Succeeded" &&
      pod.status?.phase !== "Failed"
    );
  }

  #podSeen(pod: Pod, previous: Pod | undefined): void {
    const key = keyOf(pod);
    if (previous !== undefined && previous.metadata.uid !== pod.metadata.uid) this.#podGone(previous);
    const node = pod.spec.nodeName ?? "";
    if (node !== "") {
      this.#queue.remove(key);
      this.#verdicts.delete(key);
      const assumed = this.#assumed.get(key);
      if (assumed !== undefined) {
        this.#assumed.delete(key);
        if (assumed.node !== node) this.#nodes.get(assumed.node)?.removePod(key);
      }
      if (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") {
        if (this.#nodes.get(node)?.pods.has(key) === true) {
          this.#nodes.get(node)?.removePod(key);
          this.#queue.moveAll();
        }
      } else this.#nodeInfo(node).addPod(podInfo(pod));
      return;
    }
    if (!this.#isMine(pod)) {
      this.#queue.remove(key);
      return;
    }
    if (this.#assumed.has(key)) return;
    // A status that we wrote ourselves is no reason to try again.
    if (previous !== undefined && deepEqual(previous.spec, pod.spec) && deepEqual(previous.metadata.labels, pod.metadata.labels)) this.#queue.refresh(pod, key);
    else this.#queue.add(pod, key);
  }

  #podGone(pod: Pod): void {
    const key = keyOf(pod);
    this.#queue.remove(key);
    this.#verdicts.delete(key);
    this.#forget(key);
    const node = pod.spec.nodeName ?? "";
    if (node === "") return;
    this.#nodes.get(node)?.removePod(key);
    this.#queue.moveAll();
  }

  /** Takes an assumed pod off its node again. */
  #forget(key: string): void {
    const assumed = this.#assumed.get(key);
    if (assumed === undefined) return;
    this.#assumed.delete(key);
    this.#nodes.get(assumed.node)?.removePod(key);
  }

  #nodeInfo(name: string): NodeInfo {
    let info = this.#nodes.get(name);
    if (info === undefined) {
      info = new NodeInfo(name);
      this.#nodes.set(name, info);
      this.#ordered = undefined;
    }
    return info;
  }

  #nodeChanged(node: Node): void {
    this.#nodeInfo(node.metadata.name ?? "").setNode(node);
    this.#ordered = undefined;
    this.#queue.moveAll();
  }

  #nodeUpdated(previous: Node, node: Node): void {
    // Heartbeats change nothing that scheduling looks at. @upstream eventhandlers.go nodeSchedulingPropertiesChange
    const same =
      deepEqual(previous.spec, node.spec) &&
      deepEqual(previous.metadata.labels, node.metadata.labels) &&
      deepEqual(previous.status?.allocatable, node.status?.allocatable) &&
      deepEqual(
        previous.status?.conditions?.map(({ type, status }) => [type, status]),
        node.status?.conditions?.map(({ type, status }) => [type, status]),
      );
    this.#nodeInfo(node.metadata.name ?? "").setNode(node);
    if (!same) this.#queue.moveAll();
  }

  #nodeGone(node: Node): void {
    const info = this.#nodes.get(node.metadata.name ?? "");
    info?.setNode(undefined);
    if (info?.pods.size === 0) this.#nodes.delete(info.name);
    this.#ordered = undefined;
  }

  #snapshot(): readonly NodeInfo[] {
    this.#ordered ??= [...this.#nodes.values()].filter(({ node }) => node !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#ordered;
  }
}
