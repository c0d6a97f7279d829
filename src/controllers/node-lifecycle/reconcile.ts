import { leases, nodes, pods } from "../../api/generated/resources.ts";
import type { Node, Pod } from "../../api/generated/types/core-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { LateQueue } from "../enqueue.ts";
import { messageOf } from "../failures.ts";
import { isPodReady } from "../pods/pod-state.ts";
import { podsByNode } from "../pods/pods-by-node.ts";
import { judgeHealth, type NodeHealth, type Readiness } from "./health.ts";
import { NodeMetrics } from "./metrics.ts";
import { noExecuteTaints, noScheduleTaints, secondaryLabels } from "./taints.ts";
import { type EvictionRates, evictionRates, zoneOf, ZoneQueue, type ZoneState, zoneStateOf } from "./zones.ts";

export interface NodeLifecycleOptions {
  readonly monitorPeriodMs?: number;
  /** 50 s when absent. */
  readonly gracePeriodMs?: number;
  /** 60 s when absent. */
  readonly startupGracePeriodMs?: number;
  readonly rates?: Partial<EvictionRates>;
}

const monitorKey = "monitor";
const taintKey = "taint";
const leaseNamespace = "kube-node-lease";
const defaultRates: EvictionRates = { normal: 0.1, reduced: 0.01, largeZone: 50, unhealthyShare: 0.55 };

/** Notices nodes that fell silent, and taints nodes as their conditions call for. @upstream pkg/controller/nodelifecycle/node_lifecycle_controller.go */
export function nodeLifecycleController(deps: ControllerDeps, options: NodeLifecycleOptions = {}): Controller {
  return new NodeLifecycle(deps, options);
}

class NodeLifecycle implements Controller {
  readonly name = "node-lifecycle";
  readonly workers = 8;
  readonly #deps: ControllerDeps;
  readonly #options: NodeLifecycleOptions;
  readonly #rates: EvictionRates;
  readonly #nodes;
  readonly #leases;
  readonly #pods;
  readonly #metrics: NodeMetrics;
  readonly #queue = new LateQueue();
  /** Those that were told of. */
  readonly #known = new Map<string, Node>();
  readonly #health = new Map<string, NodeHealth>();
  readonly #ready = new Map<string, Readiness>();
  readonly #zones = new Map<string, ZoneQueue>();
  #allDown = false;

  constructor(deps: ControllerDeps, options: NodeLifecycleOptions) {
    this.#deps = deps;
    this.#metrics = new NodeMetrics(deps.metrics);
    this.#options = options;
    this.#rates = { ...defaultRates, ...options.rates };
    this.#nodes = deps.informers.informer(nodes);
    this.#leases = deps.informers.informer(leases, { namespace: leaseNamespace });
    this.#pods = deps.informers.informer(pods);
  }

  setup(queue: Enqueue): void {
    this.#queue.bind(queue);
    podsByNode.index(this.#deps.informers, this.#pods);
    const enqueue = ({ metadata: { name = "" } }: Node): void => queue.add(`node/${name}`);
    this.#nodes.subscribe({ added: enqueue, updated: (_previous, node) => enqueue(node) });
    queue.addAfter(monitorKey, 0);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    if (key === monitorKey) {
      this.#queue.addAfter(monitorKey, this.#options.monitorPeriodMs ?? 5000);
      await this.#monitor(signal);
    } else if (key === taintKey) await this.#taintWaiting(signal);
    else await this.#syncNode(key.slice("node/".length), signal);
  }

  async #syncNode(name: string, signal: AbortSignal): Promise<void> {
    const node = this.#nodes.lister.get(name);
    if (node === undefined) return;
    const taints = noScheduleTaints(node, this.#deps.clock.now());
    if (taints !== undefined) await this.#patchTaints(node, taints, signal);
    const labels = secondaryLabels(node);
    if (labels !== undefined) await this.#deps.client.patch(nodes, name, { type: "strategic", value: { metadata: { labels } } }, { signal });
  }

  async #monitor(signal: AbortSignal): Promise<void> {
    const all = this.#nodes.lister.list();
    const known = new Set(all.map(({ metadata }) => metadata.name ?? ""));
    for (const node of all) this.#welcome(node);
    for (const [name, node] of this.#known) {
      if (known.has(name)) continue;
      this.#tell(node, "RemovingNode", `Removing Node ${name} from Controller`);
      this.#known.delete(name);
      this.#health.delete(name);
      this.#ready.delete(name);
      for (const zone of this.#zones.values()) zone.delete(name);
    }
    const { clock } = this.#deps;
    const beganMs = clock.now();
    for (const node of all) {
      const startedMs = clock.now();
      try {
        await this.#check(node, signal);
        this.#metrics.judged((clock.now() - startedMs) / 1000);
      } catch (error) {
        if (signal.aborted) throw error;
        this.#deps.log.warn("a node's health could not be recorded", { node: node.metadata.name, error: messageOf(error) });
      }
    }
    await this.#weighZones(all, signal);
    this.#metrics.judgedAll((clock.now() - beganMs) / 1000);
    this.#queue.addAfter(taintKey, 0);
  }

  #welcome(node: Node): void {
    const { name = "" } = node.metadata;
    if (!this.#known.has(name)) this.#tell(node, "RegisteredNode", `Registered Node ${name} in Controller`);
    this.#known.set(name, node);
  }

  #tell(node: Node, reason: string, what: string): void {
    this.#deps.recorder.event(node, "Normal", reason, `Node ${node.metadata.name ?? ""} event: ${what}`);
  }

  async #check(node: Node, signal: AbortSignal): Promise<void> {
    const { name = "" } = node.metadata;
    const { gracePeriodMs = 50_000, startupGracePeriodMs = 60_000 } = this.#options;
    const verdict = judgeHealth(this.#health.get(name), {
      node,
      lease: this.#leases.lister.get(`${leaseNamespace}/${name}`),
      nowMs: this.#deps.clock.now(),
      times: { gracePeriodMs, startupGracePeriodMs },
    });
    if (verdict.conditions !== undefined) {
      await this.#deps.client.update(nodes, { ...node, status: { ...node.status, conditions: verdict.conditions } }, { subresource: "status", signal });
    }
    this.#health.set(name, verdict.health);
    const before = this.#ready.get(name);
    this.#ready.set(name, verdict.ready);
    if (verdict.ready !== "True") {
      if (verdict.observed === "True" || before === "True") this.#deps.recorder.event(node, "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`);
      await this.#markPodsNotReady(name, signal);
    }
    this.#queueTaint(node, verdict.ready);
    if (verdict.ready === "True" || hasNoExecute(node)) await this.#correctTaints(node, verdict.ready, signal);
  }

  /** A taint that is there already is corrected at once; only the first one has to wait for its turn. */
  async #correctTaints(node: Node, ready: Readiness, signal: AbortSignal): Promise<void> {
    if (this.#allDown && ready !== "True") return;
    const taints = noExecuteTaints(node, ready, this.#deps.clock.now());
    if (taints !== undefined) await this.#patchTaints(node, taints, signal);
  }

  #queueTaint(node: Node, ready: Readiness): void {
    const { name = "" } = node.metadata;
    const zone = this.#zone(zoneOf(node));
    if (ready === "True" || hasNoExecute(node)) zone.delete(name);
    else zone.add(name);
  }

  #zone(key: string): ZoneQueue {
    let zone = this.#zones.get(key);
    if (zone === undefined) {
      zone = new ZoneQueue(this.#rates.normal);
      this.#zones.set(key, zone);
    }
    return zone;
  }

  async #weighZones(all: readonly Node[], signal: AbortSignal): Promise<void> {
    const readiness = new Map<string, Readiness[]>();
    for (const node of all) {
      const key = zoneOf(node);
      const list = readiness.get(key) ?? [];
      list.push(this.#ready.get(node.metadata.name ?? "") ?? "Unknown");
      readiness.set(key, list);
    }
    this.#metrics.weighed(readiness);
    const states = new Map<string, { readonly state: ZoneState; readonly nodes: number }>();
    for (const [key, list] of readiness) states.set(key, { state: zoneStateOf(list, this.#rates), nodes: list.length });
    for (const key of this.#zones.keys()) if (!states.has(key)) this.#zones.delete(key);
    const allDown = states.size > 0 && [...states.values()].every(({ state }) => state === "FullDisruption");
    if (allDown && !this.#allDown) await this.#callOff(all, signal);
    if (!allDown && this.#allDown) this.#startOver();
    this.#allDown = allDown;
    for (const [key, perSecond] of evictionRates(states, this.#rates)) this.#zone(key).perSecond = perSecond;
  }

  /** Rather than all nodes it is us who are cut off: what was marked for eviction is spared. */
  async #callOff(all: readonly Node[], signal: AbortSignal): Promise<void> {
    this.#deps.log.warn("no node is heard of any more; evictions stop");
    for (const zone of this.#zones.values()) zone.clear();
    for (const node of all) {
      const taints = noExecuteTaints(node, "True", this.#deps.clock.now());
      if (taints !== undefined) await this.#patchTaints(node, taints, signal);
    }
  }

  /** After a blackout of ours every node gets its full grace period again. */
  #startOver(): void {
    const nowMs = this.#deps.clock.now();
    for (const [name, health] of this.#health) this.#health.set(name, { ...health, heardMs: nowMs, readyChangedMs: nowMs });
    for (const zone of this.#zones.values()) zone.clear();
  }

  async #taintWaiting(signal: AbortSignal): Promise<void> {
    const nowMs = this.#deps.clock.now();
    let next: number | undefined;
    for (const zone of this.#zones.values()) {
      for (let name = zone.take(nowMs); name !== undefined; name = zone.take(nowMs)) await this.#taint(name, zone, signal);
      const wait = zone.waitMs(nowMs);
      if (wait !== undefined && (next === undefined || wait < next)) next = wait;
    }
    if (next !== undefined) this.#queue.addAfter(taintKey, Math.max(100, next));
  }

  async #taint(name: string, zone: ZoneQueue, signal: AbortSignal): Promise<void> {
    const node = this.#nodes.lister.get(name);
    const ready = this.#ready.get(name);
    if (node === undefined || ready === undefined || ready === "True") return;
    const taints = noExecuteTaints(node, ready, this.#deps.clock.now());
    if (taints === undefined) return;
    try {
      await this.#patchTaints(node, taints, signal);
      this.#metrics.evicted(zoneOf(node));
    } catch (error) {
      zone.add(name);
      this.#deps.log.warn("a node could not be tainted", { node: name, error: messageOf(error) });
    }
  }

  async #patchTaints(node: Node, taints: Node["spec"]["taints"], signal: AbortSignal): Promise<void> {
    // A merge patch of the whole list, on the version it was made from.
    const value = { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints: taints === undefined || taints.length === 0 ? null : taints } };
    try {
      await this.#deps.client.patch(nodes, node.metadata.name ?? "", { type: "merge", value }, { signal });
    } catch (error) {
      if (!hasReason(error, "NotFound")) throw error;
    }
  }

  async #markPodsNotReady(nodeName: string, signal: AbortSignal): Promise<void> {
    for (const pod of podsByNode.of(this.#pods.lister, nodeName)) {
      if (!isPodReady(pod)) continue;
      try {
        await this.#markNotReady(pod, signal);
      } catch (error) {
        if (!hasReason(error, "NotFound") && !hasReason(error, "Conflict")) throw error;
      }
    }
  }

  async #markNotReady(pod: Pod, signal: AbortSignal): Promise<void> {
    const now = rfc3339(this.#deps.clock.now());
    const conditions = (pod.status?.conditions ?? []).map((condition) => (condition.type === "Ready" ? { ...condition, status: "False", lastTransitionTime: now } : condition));
    await this.#deps.client.update(pods, { ...pod, status: { ...pod.status, conditions } }, { namespace: pod.metadata.namespace, subresource: "status", signal });
    this.#deps.recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready");
  }
}

function hasNoExecute(node: Node): boolean {
  return node.spec.taints?.some(({ key, effect }) => effect === "NoExecute" && (key === "node.kubernetes.io/not-ready" || key === "node.kubernetes.io/unreachable")) === true;
}
