import type { Lease } from "../../api/generated/types/coordination-v1.ts";
import type { Node, NodeCondition } from "../../api/generated/types/core-v1.ts";
import { rfc3339 } from "../../base/clock.ts";

/** What was last heard of a node, and when (milliseconds since the epoch, by our own clock). */
export interface NodeHealth {
  readonly heardMs: number;
  readonly readyChangedMs: number;
  readonly heartbeat: string | undefined;
  readonly readyStatus: string | undefined;
  readonly leaseRenewed: string | undefined;
}

export interface HealthTimes {
  /** Without a sign of life for so long a node counts as lost. */
  readonly gracePeriodMs: number;
  /** The same for a node whose kubelet has never reported. */
  readonly startupGracePeriodMs: number;
}

export type Readiness = "True" | "False" | "Unknown";

export interface HealthVerdict {
  readonly health: NodeHealth;
  /** As the node's status said. */
  readonly observed: Readiness | undefined;
  /** As it must say now; differs from `observed` when the node was given up. */
  readonly ready: Readiness;
  /** To be written when the node was given up. */
  readonly conditions: readonly NodeCondition[] | undefined;
}

const watched = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/**
 * Whether a node still lives. Only changes of its heartbeat or lease count, and the time of our seeing them: clocks of
 * nodes may be wrong. @upstream pkg/controller/nodelifecycle/node_lifecycle_controller.go tryUpdateNodeHealth
 */
export function judgeHealth(
  before: NodeHealth | undefined,
  state: { readonly node: Node; readonly lease: Lease | undefined; readonly nowMs: number; readonly times: HealthTimes },
): HealthVerdict {
  const { node, lease, nowMs, times } = state;
  const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
  const health = hear(before, state, ready);
  const gracePeriodMs = ready === undefined ? times.startupGracePeriodMs : times.gracePeriodMs;
  const observed = ready === undefined ? undefined : asReadiness(ready.status);
  if (nowMs <= health.heardMs + gracePeriodMs) return { health, observed, ready: observed ?? "Unknown", conditions: undefined };
  const conditions = giveUp(node, nowMs);
  const changed = observed !== "Unknown";
  return {
    health: { ...health, readyStatus: "Unknown", readyChangedMs: changed ? nowMs : health.readyChangedMs, leaseRenewed: lease?.spec?.renewTime ?? health.leaseRenewed },
    observed,
    ready: "Unknown",
    conditions,
  };
}

function hear(
  before: NodeHealth | undefined,
  { node, lease, nowMs }: { readonly node: Node; readonly lease: Lease | undefined; readonly nowMs: number },
  ready: NodeCondition | undefined,
): NodeHealth {
  const leaseRenewed = lease?.spec?.renewTime;
  const heartbeat = ready?.lastHeartbeatTime;
  const fresh = { heartbeat, readyStatus: ready?.status, leaseRenewed };
  if (before === undefined) {
    const firstMs = ready === undefined ? Date.parse(node.metadata.creationTimestamp ?? rfc3339(nowMs)) : nowMs;
    return { ...fresh, heardMs: firstMs, readyChangedMs: firstMs };
  }
  const renewed = leaseRenewed !== undefined && leaseRenewed !== before.leaseRenewed && (before.leaseRenewed === undefined || before.leaseRenewed < leaseRenewed);
  const beat = heartbeat !== before.heartbeat || (ready === undefined) !== (before.readyStatus === undefined);
  const changed = ready?.status !== before.readyStatus;
  return {
    heartbeat,
    readyStatus: ready?.status,
    leaseRenewed: renewed ? leaseRenewed : before.leaseRenewed,
    heardMs: renewed || beat ? nowMs : before.heardMs,
    readyChangedMs: changed ? nowMs : before.readyChangedMs,
  };
}

/** The node's conditions with everything its kubelet used to report made Unknown; undefined when they are already. */
function giveUp(node: Node, nowMs: number): readonly NodeCondition[] | undefined {
  const conditions = [...(node.status?.conditions ?? [])];
  let changed = false;
  for (const type of watched) {
    const index = conditions.findIndex((condition) => condition.type === type);
    const old = conditions[index];
    if (old === undefined) {
      conditions.push({
        type,
        status: "Unknown",
        reason: "NodeStatusNeverUpdated",
        message: "Kubelet never posted node status.",
        lastHeartbeatTime: node.metadata.creationTimestamp,
        lastTransitionTime: rfc3339(nowMs),
      });
      changed = true;
    } else if (old.status !== "Unknown") {
      conditions[index] = { ...old, status: "Unknown", reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status.", lastTransitionTime: rfc3339(nowMs) };
      changed = true;
    }
  }
  return changed ? conditions : undefined;
}

function asReadiness(status: string): Readiness {
  return status === "True" || status === "False" ? status : "Unknown";
}
