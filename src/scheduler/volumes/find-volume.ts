import type { Node, PersistentVolume, PersistentVolumeClaim } from "../../api/generated/types/core-v1.ts";
import { knownSelector } from "../cluster/known-selector.ts";
import { amount } from "../cluster/pod-requests.ts";
import { matchesTerm } from "../plugins/node-affinity.ts";
import { classOf } from "./pod-claims.ts";

/** The smallest volume that can serve the claim on the node; one bound to the claim already goes first. @upstream component-helpers/storage/volume/pv_helpers.go FindMatchingVolume */
export function findVolume(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[], node: Node, taken: ReadonlySet<string>): PersistentVolume | undefined {
  const wanted = storageOf(claim.spec.resources?.requests);
  const selector = claim.spec.selector === undefined ? undefined : knownSelector(claim.spec.selector).selector;
  let smallest: PersistentVolume | undefined;
  for (const volume of volumes) {
    const { metadata, spec, status } = volume;
    const isBound = isBoundTo(volume, claim);
    if (taken.has(metadata.name ?? "") || (spec.claimRef !== undefined && !isBound)) continue;
    if (storageOf(spec.capacity) < wanted || (spec.volumeMode ?? "Filesystem") !== (claim.spec.volumeMode ?? "Filesystem")) continue;
    if ((spec.volumeAttributesClassName ?? "") !== (claim.spec.volumeAttributesClassName ?? "") || metadata.deletionTimestamp !== undefined) continue;
    const isReachable = reaches(volume, node);
    if (isBound) return isReachable ? volume : undefined;
    if (status?.phase !== "Available" || classOf(volume) !== classOf(claim) || !isReachable) continue;
    if (selector !== undefined && !selector.matches(metadata.labels)) continue;
    if (!(claim.spec.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode) === true)) continue;
    if (smallest === undefined || storageOf(spec.capacity) < storageOf(smallest.spec.capacity)) smallest = volume;
  }
  return smallest;
}

export function storageOf(list: { readonly [name: string]: string } | undefined): number {
  return amount("storage", list?.["storage"] ?? "0");
}

function isBoundTo({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  if (claimRef === undefined || claimRef.name !== metadata.name || claimRef.namespace !== metadata.namespace) return false;
  return (claimRef.uid ?? "") === "" || claimRef.uid === metadata.uid;
}

/** Whether the volume can be used on the node. */
export function reaches({ spec }: PersistentVolume, { metadata }: Node): boolean {
  const required = spec.nodeAffinity?.required;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, metadata.labels ?? {}, metadata.name));
}
