import type { ObjectMeta, OwnerReference } from "../../meta/generated/meta-v1.ts";
import { blockingDependents, foregroundFinalizer, type GraphNode, hasFinalizer, orphanFinalizer } from "./graph.ts";

/** What became of an owner when it was looked at. */
export type OwnerState = "solid" | "absent" | "waiting";

/** What to do with an object whose owners were looked at. */
export type Verdict =
  | { readonly type: "keep" }
  /** Some owners are gone or waiting to go while others stand: drop these references. */
  | { readonly type: "drop-owners"; readonly uids: ReadonlySet<string> }
  /** Deleted in the foreground, too. `unblock`: a dependent of it waits for it in turn, a circle: its references must not block. */
  | { readonly type: "delete"; readonly policy: "Foreground" | "Background" | "Orphan"; readonly unblock: boolean }
  | { readonly type: "remove-finalizer"; readonly finalizer: string }
  /** Waits for these, which are to be deleted. */
  | { readonly type: "wait"; readonly blockers: readonly GraphNode[] };

/** An object deleted in the foreground goes when nothing blocks it any more. */
export function judgeWaiting(node: GraphNode): Verdict {
  const blockers = blockingDependents(node);
  if (blockers.length === 0) return { type: "remove-finalizer", finalizer: foregroundFinalizer };
  return { type: "wait", blockers: blockers.filter((blocker) => !blocker.deletingDependents) };
}

/** @upstream pkg/controller/garbagecollector/garbagecollector.go attemptToDeleteItem */
export function judgeOwned(node: GraphNode, live: ObjectMeta, stateOf: (owner: OwnerReference) => OwnerState): Verdict {
  const owners = live.ownerReferences ?? [];
  if (owners.length === 0) return { type: "keep" };
  const states = owners.map((owner) => [owner.uid, stateOf(owner)] as const);
  const lost = states.filter(([, state]) => state !== "solid").map(([uid]) => uid);
  if (lost.length < owners.length) return lost.length === 0 ? { type: "keep" } : { type: "drop-owners", uids: new Set(lost) };
  if (states.some(([, state]) => state === "waiting") && node.dependents.size > 0) {
    return { type: "delete", policy: "Foreground", unblock: [...node.dependents].some((dependent) => dependent.deletingDependents) };
  }
  if (hasFinalizer(live, orphanFinalizer)) return { type: "delete", policy: "Orphan", unblock: false };
  return { type: "delete", policy: hasFinalizer(live, foregroundFinalizer) ? "Foreground" : "Background", unblock: false };
}

/** A merge patch that leaves the references in `keep`; it fails when the object has changed meanwhile. */
export function ownersPatch(live: ObjectMeta, keep: readonly OwnerReference[]): unknown {
  return { metadata: { uid: live.uid, resourceVersion: live.resourceVersion, ownerReferences: keep.length === 0 ? null : keep } };
}

export function finalizerPatch(live: ObjectMeta, finalizer: string): unknown {
  const rest = (live.finalizers ?? []).filter((name) => name !== finalizer);
  return { metadata: { uid: live.uid, resourceVersion: live.resourceVersion, finalizers: rest.length === 0 ? null : rest } };
}
