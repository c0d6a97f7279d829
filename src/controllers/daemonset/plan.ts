import type { DaemonSet, DaemonSetStatus } from "../../api/generated/types/apps-v1.ts";
import type { Node, Pod } from "../../api/generated/types/core-v1.ts";
import { revisionHashLabel } from "../history/revisions.ts";
import { resolveIntOrPercent } from "../int-or-percent.ts";
import { omitZero } from "../omit-zero.ts";
import { isPodAvailable, isPodReady } from "../pods/pod-state.ts";
import { eligibility, nodeOf } from "./eligible.ts";

/** At most so many pods are made, and removed, in one go. */
const burst = 250;

export interface DaemonState {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  /** The set's pods. */
  readonly pods: readonly Pod[];
  /** The present revision's hash, as the pods' label has it. */
  readonly hash: string;
  readonly nowMs: number;
  /** Whether a failed daemon of this node may be replaced yet. */
  readonly mayReplaceFailed: (node: string) => boolean;
}

export interface DaemonEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export interface DaemonPlan {
  /** Names of nodes that get a pod. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  readonly events: readonly DaemonEvent[];
}

const isTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;
const isCurrent = (pod: Pod, hash: string): boolean => pod.metadata.labels?.[revisionHashLabel] === hash;

/** Pods by the node they run on or are meant for. */
export function podsPerNode(pods: readonly Pod[]): ReadonlyMap<string, readonly Pod[]> {
  const perNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = nodeOf(pod);
    const there = perNode.get(node);
    if (there === undefined) perNode.set(node, [pod]);
    else there.push(pod);
  }
  return perNode;
}

/** One daemon on each node that should have one; no updates yet. @upstream pkg/controller/daemon/daemon_controller.go manage */
export function planDaemons(state: DaemonState): DaemonPlan {
  const perNode = podsPerNode(state.pods);
  const known = new Set(state.nodes.map(({ metadata }) => metadata.name ?? ""));
  const create: string[] = [];
  const remove: Pod[] = [];
  const events: DaemonEvent[] = [];
  for (const node of state.nodes) planNode(state, node, perNode.get(node.metadata.name ?? "") ?? [], { create, remove, events });
  // A pod that no node can take any more, because its own is gone.
  for (const [node, pods] of perNode) if (!known.has(node)) remove.push(...pods.filter((pod) => !isTerminating(pod) && (pod.spec.nodeName ?? "") === ""));
  return { create: create.slice(0, burst), remove: remove.slice(0, burst), events };
}

function planNode(state: DaemonState, node: Node, pods: readonly Pod[], out: { readonly create: string[]; readonly remove: Pod[]; readonly events: DaemonEvent[] }): void {
  const name = node.metadata.name ?? "";
  const { shouldRun, mayStay } = eligibility(state.set, node);
  if (!mayStay) {
    out.remove.push(...pods.filter((pod) => !isTerminating(pod)));
    return;
  }
  if (pods.length === 0) {
    if (shouldRun) out.create.push(name);
    return;
  }
  const running: Pod[] = [];
  for (const pod of pods) {
    if (isTerminating(pod)) continue;
    const text = `daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${name}`;
    if (pod.status?.phase === "Failed") {
      if (!state.mayReplaceFailed(name)) continue;
      out.events.push({ type: "Warning", reason: "FailedDaemonPod", message: `Found failed ${text}, will try to kill it` });
      out.remove.push(pod);
    } else if (pod.status?.phase === "Succeeded") {
      out.events.push({ type: "Normal", reason: "SucceededDaemonPod", message: `Found succeeded ${text}, will try to delete it` });
      out.remove.push(pod);
    } else running.push(pod);
  }
  // Of several the oldest stays, one of each revision while a new one surges.
  const age = (pod: Pod): string => `${pod.metadata.creationTimestamp ?? ""} ${pod.metadata.name ?? ""}`;
  running.sort((a, b) => (age(a) < age(b) ? -1 : 1));
  const surges = limits(state).maxSurge > 0 && isRolling(state.set);
  const groups = surges ? [running.filter((pod) => isCurrent(pod, state.hash)), running.filter((pod) => !isCurrent(pod, state.hash))] : [running];
  for (const group of groups) out.remove.push(...group.slice(1));
}

export function isRolling(set: DaemonSet): boolean {
  return set.spec.updateStrategy?.type !== "OnDelete";
}

/** How many nodes may be without an available daemon, and how many may have two. */
function limits({ set, nodes }: Pick<DaemonState, "set" | "nodes">): { readonly maxUnavailable: number; readonly maxSurge: number } {
  const wanted = nodes.filter((node) => eligibility(set, node).shouldRun).length;
  const rolling = set.spec.updateStrategy?.rollingUpdate;
  const maxUnavailable = resolveIntOrPercent(rolling?.maxUnavailable, wanted, "up") ?? 1;
  const maxSurge = resolveIntOrPercent(rolling?.maxSurge, wanted, "up") ?? 0;
  return { maxUnavailable: wanted > 0 && maxUnavailable === 0 && maxSurge === 0 ? 1 : maxUnavailable, maxSurge };
}

/** Replaces daemons of older revisions, as many as the strategy allows. @upstream pkg/controller/daemon/update.go rollingUpdate */
export function planUpdate(state: DaemonState): DaemonPlan {
  const { maxUnavailable, maxSurge } = limits(state);
  const pairs: { readonly node: string; readonly fresh: Pod | undefined; readonly old: Pod | undefined }[] = [];
  const known = new Set(state.nodes.filter((node) => eligibility(state.set, node).mayStay).map(({ metadata }) => metadata.name ?? ""));
  let unavailable = 0;
  const perNode = podsPerNode(state.pods);
  for (const node of state.nodes) {
    const name = node.metadata.name ?? "";
    const there = perNode.get(name) ?? [];
    if (!known.has(name)) continue;
    const alive = there.filter((pod) => !isTerminating(pod));
    const fresh = alive.filter((pod) => isCurrent(pod, state.hash));
    const old = alive.filter((pod) => !isCurrent(pod, state.hash));
    // Nodes with too many are put right first.
    if (fresh.length > 1 || old.length > 1) continue;
    if (alive.length === 0 && eligibility(state.set, node).shouldRun) unavailable += 1;
    pairs.push({ node: name, fresh: fresh[0], old: old[0] });
  }
  return maxSurge > 0 ? surge(state, pairs, maxSurge) : replace(state, pairs, maxUnavailable, unavailable);
}

type Pairs = readonly { readonly node: string; readonly fresh: Pod | undefined; readonly old: Pod | undefined }[];
const available = (state: DaemonState, pod: Pod): boolean => isPodAvailable(pod, state.set.spec.minReadySeconds ?? 0, state.nowMs);

/** Old ones that do not serve anyway go at once; of the others as many as may be missing. */
function replace(state: DaemonState, pairs: Pairs, maxUnavailable: number, missing: number): DaemonPlan {
  const idle: Pod[] = [];
  const serving: Pod[] = [];
  let unavailable = missing;
  for (const { fresh, old } of pairs) {
    if (fresh !== undefined && (old !== undefined || !available(state, fresh))) unavailable += 1;
    else if (fresh === undefined && old !== undefined) {
      if (available(state, old)) serving.push(old);
      else {
        unavailable += 1;
        idle.push(old);
      }
    }
  }
  return { create: [], remove: [...idle, ...serving.slice(0, Math.max(0, maxUnavailable - unavailable))].slice(0, burst), events: [] };
}

/** A new one beside each old one, as many at a time as may be too many; the old one goes when the new one is available. */
function surge(state: DaemonState, pairs: Pairs, maxSurge: number): DaemonPlan {
  const urgent: string[] = [];
  const serving: string[] = [];
  const remove: Pod[] = [];
  let surging = 0;
  for (const { node, fresh, old } of pairs) {
    if (old === undefined) continue;
    if (fresh === undefined) (available(state, old) ? serving : urgent).push(node);
    else if (available(state, fresh)) remove.push(old);
    else surging += 1;
  }
  return { create: [...urgent, ...serving.slice(0, Math.max(0, maxSurge - surging))].slice(0, burst), remove: remove.slice(0, burst), events: [] };
}

/** @upstream daemon_controller.go updateDaemonSetStatus */
export function daemonStatus(state: Omit<DaemonState, "mayReplaceFailed">): DaemonSetStatus {
  const { set, hash, nowMs } = state;
  const perNode = podsPerNode(state.pods);
  const count = { desired: 0, current: 0, misscheduled: 0, ready: 0, updated: 0, available: 0 };
  for (const node of state.nodes) {
    const pods = (perNode.get(node.metadata.name ?? "") ?? []).filter((pod) => pod.metadata.deletionTimestamp === undefined || pod.status?.phase === "Running");
    if (!eligibility(set, node).shouldRun) {
      if (pods.length > 0) count.misscheduled += 1;
      continue;
    }
    count.desired += 1;
    const [first] = [...pods].sort((a, b) => Number(isPodReady(b)) - Number(isPodReady(a)));
    if (first === undefined) continue;
    count.current += 1;
    if (isPodReady(first)) count.ready += 1;
    if (isPodAvailable(first, set.spec.minReadySeconds ?? 0, nowMs)) count.available += 1;
    if (pods.some((pod) => isCurrent(pod, hash))) count.updated += 1;
  }
  return {
    currentNumberScheduled: count.current,
    numberMisscheduled: count.misscheduled,
    desiredNumberScheduled: count.desired,
    numberReady: count.ready,
    observedGeneration: set.metadata.generation,
    updatedNumberScheduled: omitZero(count.updated),
    numberAvailable: omitZero(count.available),
    numberUnavailable: omitZero(count.desired - count.available),
    collisionCount: set.status?.collisionCount,
    conditions: set.status?.conditions,
  };
}
