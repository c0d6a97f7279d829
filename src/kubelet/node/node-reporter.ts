import type { Node, NodeStatus } from "../../api/generated/types/core-v1.ts";
import { nodes } from "../../api/generated/resources.ts";
import { rfc3339, sleep, type Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { deepEqual } from "../../base/values.ts";
import type { Client } from "../../client/client.ts";
import type { EventRecorder } from "../../client/event-recorder.ts";
import type { Image, VersionResponse } from "../../cri/generated/cri-v1.ts";
import { hasReason, notFound } from "../../meta/status-error.ts";
import type { MachineInfo } from "../../platform/machine.ts";
import { Pause } from "../pause.ts";
import type { KubeletSettings } from "../settings.ts";
import { nodeConditions, type NodeHealth } from "./node-conditions.ts";
import { newNode, nodeAddresses, nodeImages, nodeInfo, nodeLabels } from "./node-object.ts";
import type { NodeResources } from "./node-resources.ts";

export interface NodeReporterDeps {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
  readonly machine: MachineInfo;
  readonly runtimeVersion: VersionResponse;
  current(): Node | undefined;
  health(): NodeHealth;
  resources(): NodeResources;
  images(): readonly Image[];
  /** Extended resources and the like that others keep in the status. */
  readonly handlers: NodeStatus["runtimeHandlers"];
}

/** Registers the node and keeps its status current. @upstream pkg/kubelet/kubelet_node_status.go */
export class NodeReporter {
  readonly #settings: KubeletSettings;
  readonly #deps: NodeReporterDeps;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #latest: Node | undefined;
  #unlisted = 0;
  #nudged = false;
  #hasBegun = false;
  #wasUnschedulable = false;
  readonly #pause: Pause;

  constructor(settings: KubeletSettings, deps: NodeReporterDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#pause = new Pause(deps);
  }

  /** Looks again soon: something of the health has changed. */
  nudge(): void {
    // Whatever is being written may not have it yet.
    this.#nudged = true;
    this.#pause.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#registered(signal);
    this.#deps.recorder.event(this.#about(), "Normal", "Starting", "Starting kubelet.");
    while (!signal.aborted) {
      this.#nudged = false;
      try {
        await this.#report(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (hasReason(error, "NotFound")) {
          // Somebody deleted the node while it runs: it registers again.
          this.#latest = undefined;
          await this.#registered(signal);
          continue;
        }
        this.#deps.log.warn("node status is not written", { error });
      }
      if (!this.#nudged) await this.#pause.wait(this.#settings.nodeStatusUpdateMs, signal);
    }
  }

  async #registered(signal: AbortSignal): Promise<void> {
    for (let delayMs = 200; !signal.aborted; delayMs = Math.min(delayMs * 2, 7000)) {
      try {
        this.#latest = await this.#register(signal);
        return;
      } catch (error) {
        this.#deps.log.warn("node is not registered yet", { error });
        await sleep(this.#deps.clock, delayMs, signal).catch(() => {});
      }
    }
  }

  async #register(signal: AbortSignal): Promise<Node> {
    const { client, machine } = this.#deps;
    const status = this.#status(undefined);
    if (!this.#hasBegun) this.#announceBeginning(status);
    try {
      const made = await client.create(nodes, newNode(this.#settings, machine, status), { signal });
      this.#reportedMs = this.#deps.clock.now();
      return made;
    } catch (error) {
      if (!hasReason(error, "AlreadyExists")) throw error;
    }
    const known = await client.get(nodes, this.#settings.nodeName, { signal });
    const labels = nodeLabels(this.#settings, machine);
    const wrong = Object.entries(labels).some(([key, value]) => known.metadata.labels?.[key] !== value);
    const providerID = this.#settings.providerId;
    const unnamed = providerID !== undefined && (known.spec.providerID ?? "") === "";
    if (!wrong && !unnamed) return known;
    const value = { metadata: { labels }, ...(unnamed ? { spec: { providerID } } : {}) };
    return client.patch(nodes, this.#settings.nodeName, { type: "strategic", value }, { signal });
  }

  #about(): Node {
    // Events about nodes carry the name as UID, as upstream's kubelet has it.
    return { apiVersion: "v1", kind: "Node", metadata: { name: this.#settings.nodeName, uid: this.#settings.nodeName }, spec: {} };
  }

  #status(known: Node | undefined): NodeStatus {
    const { capacity, allocatable } = this.#deps.resources();
    const others = (mine: Readonly<Record<string, string>>, theirs: Readonly<Record<string, string>> | undefined): Record<string, string> => {
      // Extended resources belong to whoever wrote them.
      const extended = Object.entries(theirs ?? {}).filter(([name]) => name.includes("/"));
      return { ...Object.fromEntries(extended), ...mine };
    };
    return {
      addresses: nodeAddresses(this.#settings),
      capacity: others(capacity, known?.status?.capacity),
      allocatable: others(allocatable, known?.status?.allocatable),
      conditions: nodeConditions(known?.status?.conditions ?? [], this.#deps.health(), rfc3339(this.#deps.clock.now())),
      daemonEndpoints: { kubeletEndpoint: { Port: this.#settings.kubeletPort } },
      nodeInfo: nodeInfo(this.#settings, this.#deps.machine, this.#deps.runtimeVersion),
      images: nodeImages(this.#deps.images()),
      ...(this.#deps.handlers === undefined ? {} : { runtimeHandlers: this.#deps.handlers }),
    };
  }

  async #report(signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#deps;
    // Not listed twice in a row: that is no delay of the watch any more.
    this.#unlisted = this.#deps.current() === undefined ? this.#unlisted + 1 : 0;
    if (this.#unlisted > 2) {
      this.#unlisted = 0;
      throw notFound({ group: "", resource: "nodes", name: this.#settings.nodeName });
    }
    const known = newer(this.#deps.current(), this.#latest);
    const status = this.#status(known);
    this.#announceSchedulable(known?.spec.unschedulable === true);
    const changed = known === undefined || !deepEqual(comparable(known.status ?? {}), comparable(status));
    if (!changed && clock.now() - this.#reportedMs < this.#settings.nodeStatusReportMs) return;
    this.#announce(known, status);
    this.#latest = await client.patch(
      nodes,
      this.#settings.nodeName,
      { type: "strategic", value: { status: patchOf(known?.status ?? {}, status) } },
      { subresource: "status", signal },
    );
    this.#reportedMs = clock.now();
  }

  /** Whether there is room for pods is told once at each start; readiness when it comes. */
  #announceBeginning(status: NodeStatus): void {
    this.#hasBegun = true;
    for (const { type, status: value } of status.conditions ?? []) if (type !== "Ready") this.#tell(reasonOf(type, value));
  }

  /** @upstream kubelet_node_status.go recordNodeSchedulableEvent */
  #announceSchedulable(isUnschedulable: boolean): void {
    if (isUnschedulable === this.#wasUnschedulable) return;
    this.#wasUnschedulable = isUnschedulable;
    this.#tell(isUnschedulable ? "NodeNotSchedulable" : "NodeSchedulable");
  }

  #tell(reason: string | undefined): void {
    if (reason !== undefined) this.#deps.recorder.event(this.#about(), "Normal", reason, `Node ${this.#settings.nodeName} status is now: ${reason}`);
  }

  /** An event for each condition that turns. */
  #announce(known: Node | undefined, status: NodeStatus): void {
    for (const condition of status.conditions ?? []) {
      const before = known?.status?.conditions?.find(({ type }) => type === condition.type);
      if (before?.status === condition.status) continue;
      this.#tell(reasonOf(condition.type, condition.status));
    }
  }
}

function reasonOf(type: string, status: string): string | undefined {
  const yes = status === "True";
  if (type === "Ready") return yes ? "NodeReady" : "NodeNotReady";
  if (type === "MemoryPressure") return yes ? "NodeHasInsufficientMemory" : "NodeHasSufficientMemory";
  if (type === "DiskPressure") return yes ? "NodeHasDiskPressure" : "NodeHasNoDiskPressure";
  return type === "PIDPressure" ? (yes ? "NodeHasInsufficientPID" : "NodeHasSufficientPID") : undefined;
}

function newer(listed: Node | undefined, written: Node | undefined): Node | undefined {
  if (listed === undefined || written === undefined) return listed ?? written;
  if (listed.metadata.uid !== written.metadata.uid) return listed;
  return Number(listed.metadata.resourceVersion ?? 0) >= Number(written.metadata.resourceVersion ?? 0) ? listed : written;
}

/** Without heartbeats, and of what the kubelet writes only. */
function comparable(status: NodeStatus): unknown {
  const { addresses, capacity, allocatable, conditions, daemonEndpoints, nodeInfo, images, runtimeHandlers } = status;
  return {
    addresses,
    capacity,
    allocatable,
    daemonEndpoints,
    nodeInfo,
    images: images ?? [],
    runtimeHandlers: runtimeHandlers ?? [],
    conditions: Object.fromEntries((conditions ?? []).map((condition) => [condition.type, { ...condition, lastHeartbeatTime: undefined }])),
  };
}

/** Lists that merge by key name what goes away; the rest replaces. */
function patchOf(from: NodeStatus, to: NodeStatus): unknown {
  const gone = (from.addresses ?? []).filter(({ type }) => !(to.addresses ?? []).some((address) => address.type === type));
  const dropped = (before: Readonly<Record<string, string>> | undefined, after: Readonly<Record<string, string>> | undefined): Record<string, string | null> => ({
    ...Object.fromEntries(Object.keys(before ?? {}).flatMap((name) => (after?.[name] === undefined ? [[name, null]] : []))),
    ...after,
  });
  const addressesDiffer = !deepEqual(from.addresses, to.addresses);
  const { addresses, ...rest } = to;
  return {
    ...rest,
    capacity: dropped(from.capacity, to.capacity),
    allocatable: dropped(from.allocatable, to.allocatable),
    // Several addresses may share a type, by which this list would merge: it is replaced as a whole.
    ...(addressesDiffer || gone.length > 0 ? { addresses: [...(addresses ?? []), { $patch: "replace" }] } : {}),
  };
}
