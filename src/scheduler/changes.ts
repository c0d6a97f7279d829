import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from "../api/generated/types/core-v1.ts";
import type { DeviceClass, ResourceClaim, ResourceSlice } from "../api/generated/types/resource-v1.ts";
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass, VolumeAttachment } from "../api/generated/types/storage-v1.ts";
import { deepEqual } from "../base/values.ts";
import type { KubeObject } from "../meta/object.ts";
import { podInfo } from "./cluster/pod-info.ts";

interface ChangeOf<Resource extends string, Action extends string, T> {
  readonly resource: Resource;
  readonly action: Action;
  /** Undefined for what is new. */
  readonly previous: T | undefined;
  /** Undefined for what is gone. */
  readonly next: T | undefined;
}

export type NodeAction = "add" | "delete" | "allocatable" | "label" | "taint" | "condition" | "annotation" | "features" | "image";
export type PodAction = "add" | "delete" | "label" | "scale-down" | "toleration" | "gates" | "claims" | "update";
type StoredAction = "add" | "update" | "delete";

/** Something that happened in the cluster, after which a pod that fitted nowhere may fit. @upstream pkg/scheduler/framework/events.go */
export type Change =
  | ChangeOf<"node", NodeAction, Node>
  /** A pod that has a node. */
  | ChangeOf<"pod", PodAction, Pod>
  /** The waiting pod itself. */
  | ChangeOf<"target", PodAction, Pod>
  | ChangeOf<"claim", StoredAction, PersistentVolumeClaim>
  | ChangeOf<"volume", StoredAction, PersistentVolume>
  | ChangeOf<"class", StoredAction, StorageClass>
  | ChangeOf<"csi-node", StoredAction, CSINode>
  | ChangeOf<"csi-driver", StoredAction, CSIDriver>
  | ChangeOf<"capacity", StoredAction, CSIStorageCapacity>
  | ChangeOf<"attachment", StoredAction, VolumeAttachment>
  | ChangeOf<"resource-claim", StoredAction, ResourceClaim>
  | ChangeOf<"resource-slice", StoredAction, ResourceSlice>
  | ChangeOf<"device-class", StoredAction, DeviceClass>;

/** What plug-ins listen to: `node/add`, `pod/delete`. */
export type ChangeKind = { [Each in Change as Each["resource"]]: `${Each["resource"]}/${Each["action"]}` }[Change["resource"]];

export function kindOf({ resource, action }: Change): ChangeKind {
  return `${resource}/${action}` as ChangeKind;
}

const eventResources: Readonly<Record<Change["resource"], string>> = {
  node: "Node",
  pod: "AssignedPod",
  target: "UnscheduledPod",
  claim: "PersistentVolumeClaim",
  volume: "PersistentVolume",
  class: "StorageClass",
  "csi-node": "CSINode",
  "csi-driver": "CSIDriver",
  capacity: "CSIStorageCapacity",
  attachment: "VolumeAttachment",
  "resource-claim": "ResourceClaim",
  "resource-slice": "ResourceSlice",
  "device-class": "DeviceClass",
};
const eventActions: Readonly<Record<Change["action"], string>> = {
  add: "Add",
  delete: "Delete",
  update: "Update",
  allocatable: "UpdateNodeAllocatable",
  label: "UpdateNodeLabel",
  taint: "UpdateNodeTaint",
  condition: "UpdateNodeCondition",
  annotation: "UpdateNodeAnnotation",
  features: "UpdateNodeDeclaredFeature",
  image: "UpdateNodeImage",
  "scale-down": "UpdatePodScaleDown",
  toleration: "UpdatePodToleration",
  gates: "UpdatePodSchedulingGatesEliminated",
  claims: "UpdatePodGeneratedResourceClaim",
};
const events = new Map<ChangeKind, string>();

/** What metrics call the change: `NodeAdd`, `AssignedPodDelete`. @upstream ClusterEvent.Label */
export function eventOf(change: Change): string {
  const kind = kindOf(change);
  let event = events.get(kind);
  if (event === undefined) {
    const isPodLabel = change.action === "label" && change.resource !== "node";
    event = `${eventResources[change.resource]}${isPodLabel ? "UpdatePodLabel" : eventActions[change.action]}`;
    events.set(kind, event);
  }
  return event;
}

/** What of a node's update may matter to scheduling; heartbeats do not. */
export function nodeActions(previous: Node, next: Node): readonly NodeAction[] {
  const actions: NodeAction[] = [];
  const statuses = ({ status }: Node): unknown => Object.fromEntries((status?.conditions ?? []).map(({ type, status: value }) => [type, value]));
  if (!deepEqual(previous.status?.allocatable, next.status?.allocatable)) actions.push("allocatable");
  if (!deepEqual(previous.metadata.labels, next.metadata.labels)) actions.push("label");
  const isUncordoned = previous.spec.unschedulable === true && next.spec.unschedulable !== true;
  if (isUncordoned || !deepEqual(previous.spec.taints, next.spec.taints)) actions.push("taint");
  if (!deepEqual(statuses(previous), statuses(next))) actions.push("condition");
  if (!deepEqual(previous.metadata.annotations, next.metadata.annotations)) actions.push("annotation");
  if (!deepEqual(previous.status?.declaredFeatures, next.status?.declaredFeatures)) actions.push("features");
  return actions;
}

/** What of a pod's update may matter to scheduling; `update` when nothing in particular does. */
export function podActions(previous: Pod, next: Pod): readonly PodAction[] {
  const actions: PodAction[] = [];
  if (!deepEqual(previous.metadata.labels, next.metadata.labels)) actions.push("label");
  if (isScaledDown(previous, next)) actions.push("scale-down");
  if ((next.spec.schedulingGates ?? []).length === 0 && (previous.spec.schedulingGates ?? []).length > 0) actions.push("gates");
  if ((next.spec.tolerations ?? []).length !== (previous.spec.tolerations ?? []).length) actions.push("toleration");
  if (!deepEqual(previous.status?.resourceClaimStatuses, next.status?.resourceClaimStatuses)) actions.push("claims");
  return actions.length === 0 ? ["update"] : actions;
}

function isScaledDown(previous: Pod, next: Pod): boolean {
  const before = podInfo(previous).requests;
  const after = podInfo(next).requests;
  if (after.milliCpu < before.milliCpu || after.memory < before.memory || after.ephemeralStorage < before.ephemeralStorage) return true;
  for (const [name, value] of before.scalars) if ((after.scalars.get(name) ?? 0) < value) return true;
  return false;
}

/** An object of a kind that is only listened to. */
export function storedChange<T extends KubeObject>(resource: Exclude<Change["resource"], "node" | "pod" | "target">, previous: T | undefined, next: T | undefined): Change {
  return { resource, action: previous === undefined ? "add" : next === undefined ? "delete" : "update", previous, next } as unknown as Change;
}
