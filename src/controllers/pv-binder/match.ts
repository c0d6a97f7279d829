import type { Node, PersistentVolume, PersistentVolumeClaim } from "../../api/generated/types/core-v1.ts";
import { Quantity } from "../../meta/quantity.ts";
import { labelsMatch } from "../label-match.ts";
import { selectsNode } from "../pods/node-affinity.ts";

/** Whether a volume's claimRef is this claim: its name, and its uid where one is written. */
export function isBoundTo({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  return claimRef?.name === metadata.name && claimRef?.namespace === metadata.namespace && ((claimRef?.uid ?? "") === "" || claimRef?.uid === metadata.uid);
}

const storageOf = (amounts: { readonly [key: string]: string } | undefined): Quantity => {
  const text = amounts?.["storage"];
  return text === undefined ? Quantity.zero : Quantity.parse(text);
};

/** Why a volume cannot serve a claim; undefined when it can. */
export function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (storageOf(volume.spec.capacity).compare(storageOf(claim.spec.resources?.requests)) < 0) return "requested PV is too small";
  if ((volume.spec.storageClassName ?? "") !== (claim.spec.storageClassName ?? "")) return "storageClassName does not match";
  if ((volume.spec.volumeAttributesClassName ?? "") !== (claim.spec.volumeAttributesClassName ?? "")) return "volumeAttributesClassName does not match";
  if ((volume.spec.volumeMode ?? "Filesystem") !== (claim.spec.volumeMode ?? "Filesystem")) return "incompatible volumeMode";
  if (!(claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode) === true)) return "incompatible accessMode";
  return undefined;
}

/**
 * The volume that a claim without one should get: one reserved for it, else the smallest that fits.
 * @upstream pkg/volume/persistentvolume/volume_util.go FindMatchingVolume
 */
export function bestVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  options: { readonly node?: Node | undefined; readonly delay: boolean },
): PersistentVolume | undefined {
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    if (volume.metadata.deletionTimestamp !== undefined) continue;
    const reserved = isBoundTo(volume, claim);
    if (volume.spec.claimRef !== undefined && !reserved) continue;
    const terms = volume.spec.nodeAffinity?.required;
    if (options.node !== undefined && terms !== undefined && !selectsNode(terms, options.node)) continue;
    if (reserved && mismatch(volume, claim) === undefined) return volume;
    if (reserved || options.delay || volume.status?.phase !== "Available") continue;
    if (claim.spec.selector !== undefined && !labelsMatch(claim.spec.selector, volume.metadata.labels)) continue;
    if (mismatch(volume, claim) !== undefined) continue;
    if (best === undefined || storageOf(volume.spec.capacity).compare(storageOf(best.spec.capacity)) < 0) best = volume;
  }
  return best;
}
