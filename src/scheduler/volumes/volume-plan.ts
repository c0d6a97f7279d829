import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from "../../api/generated/types/core-v1.ts";
import type { Rejection } from "../plugin.ts";
import { findVolume, reaches, storageOf } from "./find-volume.ts";
import { claimsOf, classOf, foreignClaim, isFullyBound } from "./pod-claims.ts";
import { canProvision } from "./provisioning.ts";
import type { VolumeReaders } from "./volume-readers.ts";

export const SELECTED_NODE = "volume.kubernetes.io/selected-node";

/** A pod's claims by what is left to do about them. */
export interface PodClaims {
  readonly bound: readonly PersistentVolumeClaim[];
  /** To be bound once the pod has a node. */
  readonly delayed: readonly PersistentVolumeClaim[];
}

/** How the delayed claims of a pod get volumes on one node. */
export interface VolumePlan {
  readonly bindings: readonly { readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume }[];
  readonly provisions: readonly PersistentVolumeClaim[];
}

/** The claims, or why the pod can run nowhere. @upstream volumebinding/volume_binding.go PreFilter */
export function claimsFor(pod: Pod, readers: VolumeReaders): PodClaims | { readonly rejected: string } {
  const bound: PersistentVolumeClaim[] = [];
  const delayed: PersistentVolumeClaim[] = [];
  let isWaiting = false;
  for (const { key, name, isEphemeral } of claimsOf(pod)) {
    const claim = readers.claims.get(key);
    if (claim === undefined)
      return { rejected: isEphemeral ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"` : `persistentvolumeclaim "${name}" not found` };
    const { metadata, spec, status } = claim;
    if (status?.phase === "Lost") return { rejected: `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${spec.volumeName ?? ""}"` };
    if (metadata.deletionTimestamp !== undefined) return { rejected: `persistentvolumeclaim "${name}" is being deleted` };
    const foreign = isEphemeral ? foreignClaim(pod, claim) : undefined;
    if (foreign !== undefined) return { rejected: foreign };
    if (isFullyBound(claim)) bound.push(claim);
    else if (readers.classes.get(classOf(claim))?.volumeBindingMode === "WaitForFirstConsumer" && (spec.volumeName ?? "") === "") delayed.push(claim);
    else isWaiting = true;
  }
  return isWaiting ? { rejected: "pod has unbound immediate PersistentVolumeClaims" } : { bound, delayed };
}

const conflict = [{ reason: "node(s) had volume node affinity conflict", unresolvable: true }];
const missing = [{ reason: "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)", unresolvable: true }];
const noVolume = [{ reason: "node(s) didn't find available persistent volumes to bind", unresolvable: true }];
const noSpace = [{ reason: "node(s) did not have enough free storage", unresolvable: true }];

/** How the claims get volumes on a node, or why they do not. @upstream volumebinding/binder.go FindPodVolumes */
export function planVolumes({ bound, delayed }: PodClaims, node: Node, readers: VolumeReaders): { readonly plan: VolumePlan } | { readonly rejections: readonly Rejection[] } {
  const rejections: Rejection[] = [...judgeBound(bound, node, readers)];
  const plan = planDelayed(delayed, node, readers);
  if (Array.isArray(plan)) rejections.push(...(plan as readonly Rejection[]));
  return rejections.length > 0 ? { rejections } : { plan: plan as VolumePlan };
}

function judgeBound(claims: readonly PersistentVolumeClaim[], node: Node, { volumes }: VolumeReaders): readonly Rejection[] {
  for (const { spec } of claims) {
    const volume = volumes.get(spec.volumeName ?? "");
    if (volume === undefined) return missing;
    if (!reaches(volume, node)) return conflict;
  }
  return [];
}

function planDelayed(claims: readonly PersistentVolumeClaim[], node: Node, readers: VolumeReaders): VolumePlan | readonly Rejection[] {
  const provisions: PersistentVolumeClaim[] = [];
  const open: PersistentVolumeClaim[] = [];
  for (const claim of claims) {
    const selected = claim.metadata.annotations?.[SELECTED_NODE];
    if (selected === undefined) open.push(claim);
    else if (selected === node.metadata.name) provisions.push(claim);
    else return noVolume;
  }
  const bindings: { claim: PersistentVolumeClaim; volume: PersistentVolume }[] = [];
  const taken = new Set<string>();
  const volumes = open.length === 0 ? [] : readers.volumes.list();
  // The smallest first, so that each gets the smallest volume that will do.
  for (const claim of open.sort((a, b) => storageOf(a.spec.resources?.requests) - storageOf(b.spec.resources?.requests))) {
    const volume = findVolume(claim, volumes, node, taken);
    if (volume === undefined) provisions.push(claim);
    else {
      taken.add(volume.metadata.name ?? "");
      bindings.push({ claim, volume });
    }
  }
  for (const claim of provisions) {
    const answer = canProvision(claim, node, readers);
    if (answer !== "yes") return answer === "no" ? noVolume : noSpace;
  }
  return { bindings, provisions };
}
