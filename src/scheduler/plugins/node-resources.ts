import type { Node } from "../../api/generated/types/core-v1.ts";
import type { Change } from "../changes.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import { type PodInfo, podInfo } from "../cluster/pod-info.ts";
import { amount, resourcesOf } from "../cluster/pod-requests.ts";
import { MAX_SCORE, type Plugin, type Rejection } from "../plugin.ts";
import { isExtendedResource } from "./extended-resource.ts";
import { balance, resourceRater, type ScoringStrategy, useOf } from "./resource-scoring.ts";

export interface FitOptions {
  /** Default: the emptier in processor and memory, the better. */
  readonly scoringStrategy?: ScoringStrategy | undefined;
  /** Extended resources that are not looked at, by name and by what stands before the slash. */
  readonly ignoredResources?: readonly string[] | undefined;
  readonly ignoredResourceGroups?: readonly string[] | undefined;
}

/** The node must have what the pod asks for; the emptier (or as told) it is afterwards, the better. @upstream plugins/noderesources/fit.go */
export function nodeResourcesFit({ scoringStrategy, ignoredResources = [], ignoredResourceGroups = [] }: FitOptions = {}, devices?: DeviceResources): Plugin {
  const resources = new Set(ignoredResources);
  const groups = new Set(ignoredResourceGroups);
  const isIgnored = (name: string): boolean => isExtendedResource(name) && (resources.has(name) || groups.has(name.slice(0, name.indexOf("/"))));
  const known = { devices, isIgnored: resources.size === 0 && groups.size === 0 ? undefined : isIgnored };
  return {
    name: "NodeResourcesFit",
    weight: 1,
    isLocal: true,
    filter: (pod, node) => lacking(pod, node, known),
    score: scoringStrategy === undefined ? emptiness : resourceRater(scoringStrategy),
    listens: ["pod/delete", "pod/scale-down", "target/scale-down", "node/add", "node/allocatable", "device-class/add", "device-class/update"],
    mayHelp(pod, change) {
      if (change.resource === "device-class") return [...pod.requests.scalars.keys()].some((name) => devices?.of(name) !== undefined);
      if (change.resource === "node") return change.next !== undefined && isRoomier(pod, change.previous, change.next);
      if (change.resource === "pod" && change.action === "scale-down") return givesBack(pod, change);
      return true;
    },
  };
}

/** PERF: what resourceRater does for the usual resources, with nothing to look up. */
function emptiness({ scored }: PodInfo, node: NodeInfo): number {
  const { milliCpu, memory } = node.allocatable;
  let sum = 0;
  let weights = 0;
  if (milliCpu > 0) {
    sum += free(node.scoredMilliCpu + scored.milliCpu, milliCpu);
    weights += 1;
  }
  if (memory > 0) {
    sum += free(node.scoredMemory + scored.memory, memory);
    weights += 1;
  }
  return weights === 0 ? 0 : Math.floor(sum / weights);
}

function free(requested: number, capacity: number): number {
  return requested > capacity ? 0 : Math.floor(((capacity - requested) * MAX_SCORE) / capacity);
}

/** Extended resources that devices stand for; a node that has none itself leaves those to DynamicResources. */
export interface DeviceResources {
  of(resource: string): unknown;
}

interface Known {
  readonly devices: DeviceResources | undefined;
  /** Undefined: none is. */
  readonly isIgnored: ((name: string) => boolean) | undefined;
}

function lacking({ requests }: PodInfo, node: NodeInfo, { devices, isIgnored }: Known): readonly Rejection[] | undefined {
  let rejections: Rejection[] | undefined;
  if (node.pods.size + 1 > node.allowedPods)
    rejections = [{ reason: "Too many pods", unresolvable: false, lack: { resource: "pods", requested: 1, free: node.allowedPods - node.pods.size } }];
  const check = (resource: string, requested: number, allocatable: number, taken: number): void => {
    if (requested <= allocatable - taken) return;
    rejections ??= [];
    rejections.push({ reason: insufficient(resource), unresolvable: requested > allocatable, lack: { resource, requested, free: allocatable - taken } });
  };
  const { allocatable } = node;
  if (requests.milliCpu > 0) check("cpu", requests.milliCpu, allocatable.milliCpu, node.milliCpu);
  if (requests.memory > 0) check("memory", requests.memory, allocatable.memory, node.memory);
  if (requests.ephemeralStorage > 0) check("ephemeral-storage", requests.ephemeralStorage, allocatable.ephemeralStorage, node.ephemeralStorage);
  if (requests.scalars.size > 0)
    for (const [name, requested] of requests.scalars) {
      if (isIgnored?.(name) === true) continue;
      const there = allocatable.scalars.get(name) ?? 0;
      if (requested > 0 && (there > 0 || devices?.of(name) === undefined)) check(name, requested, there, node.scalars?.get(name) ?? 0);
    }
  return rejections;
}

// PERF: texts that are one object are counted faster; emptied when full.
const insufficients = new Map<string, string>();
const MAX_INSUFFICIENTS = 256;

function insufficient(resource: string): string {
  let reason = insufficients.get(resource);
  if (reason === undefined) {
    if (insufficients.size >= MAX_INSUFFICIENTS) insufficients.clear();
    reason = `Insufficient ${resource}`;
    insufficients.set(resource, reason);
  }
  return reason;
}

/** Whether a pod that shrank gives back something that this one asks for. */
function givesBack({ requests }: PodInfo, { previous, next }: Extract<Change, { readonly resource: "pod" }>): boolean {
  if (previous === undefined || next === undefined) return true;
  const before = podInfo(previous).requests;
  const after = podInfo(next).requests;
  return (
    (requests.milliCpu > 0 && after.milliCpu < before.milliCpu) ||
    (requests.memory > 0 && after.memory < before.memory) ||
    (requests.ephemeralStorage > 0 && after.ephemeralStorage < before.ephemeralStorage) ||
    [...requests.scalars.keys()].some((name) => (after.scalars.get(name) ?? 0) < (before.scalars.get(name) ?? 0))
  );
}

/** Whether the node, were it empty, has room for the pod, and more than before of something that it asks for. */
function isRoomier({ requests }: PodInfo, previous: Node | undefined, next: Node): boolean {
  const podsOf = (node: Node): number => amount("pods", node.status?.allocatable?.["pods"] ?? "0");
  const room = resourcesOf(next.status?.allocatable);
  const asked = [...requests.scalars.keys()];
  const fits =
    podsOf(next) >= 1 &&
    requests.milliCpu <= room.milliCpu &&
    requests.memory <= room.memory &&
    requests.ephemeralStorage <= room.ephemeralStorage &&
    asked.every((name) => (requests.scalars.get(name) ?? 0) <= (room.scalars.get(name) ?? 0));
  if (!fits || previous === undefined) return fits;
  const had = resourcesOf(previous.status?.allocatable);
  return (
    podsOf(next) > podsOf(previous) ||
    (requests.milliCpu > 0 && room.milliCpu > had.milliCpu) ||
    (requests.memory > 0 && room.memory > had.memory) ||
    (requests.ephemeralStorage > 0 && room.ephemeralStorage > had.ephemeralStorage) ||
    asked.some((name) => (room.scalars.get(name) ?? 0) > (had.scalars.get(name) ?? 0))
  );
}

/**
 * Prefers nodes whose processor and memory use would become more even: from 50 (as uneven as can be) over 75 (no change)
 * to 100. @upstream plugins/noderesources/balanced_allocation.go
 */
export function balancedAllocation(resources: readonly string[] = ["cpu", "memory"]): Plugin {
  return {
    name: "NodeResourcesBalancedAllocation",
    weight: 1,
    isLocal: true,
    // A pod that asks for nothing of it balances nothing: it would heap up on the most balanced node.
    prescore: (pod) => (resources.some((name) => asked(pod, name) > 0) ? undefined : "skip"),
    score(pod, node) {
      const after: number[] = [];
      const before: number[] = [];
      for (const name of resources) {
        const use = useOf(name, pod, node, { withDefaults: false });
        if (use === undefined) continue;
        after.push(Math.min(1, use.requested / use.capacity));
        before.push(Math.min(1, (use.requested - asked(pod, name)) / use.capacity));
      }
      return MAX_SCORE / 2 + Math.trunc((MAX_SCORE / 2 + balance(after) - balance(before)) / 2);
    },
  };
}

function asked({ requests }: PodInfo, name: string): number {
  if (name === "cpu") return requests.milliCpu;
  if (name === "memory") return requests.memory;
  return name === "ephemeral-storage" ? requests.ephemeralStorage : (requests.scalars.get(name) ?? 0);
}
