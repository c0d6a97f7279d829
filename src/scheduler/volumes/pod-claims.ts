import type { PersistentVolumeClaim, Pod, Volume } from "../../api/generated/types/core-v1.ts";
import { controllerOf } from "../../meta/object.ts";

/** A volume of a pod that a claim stands behind. */
export interface ClaimUse {
  readonly name: string;
  /** `ns/name` */
  readonly key: string;
  /** The claim is made for this pod alone. */
  readonly isEphemeral: boolean;
}

const none: readonly ClaimUse[] = [];

export function claimsOf({ metadata, spec }: Pod): readonly ClaimUse[] {
  let uses: ClaimUse[] | undefined;
  for (const volume of spec.volumes ?? []) {
    const name = claimName(metadata.name ?? "", volume);
    if (name === undefined) continue;
    uses ??= [];
    uses.push({ name, key: `${metadata.namespace ?? ""}/${name}`, isEphemeral: volume.ephemeral !== undefined });
  }
  return uses ?? none;
}

function claimName(pod: string, { name, persistentVolumeClaim, ephemeral }: Volume): string | undefined {
  if (persistentVolumeClaim !== undefined) return persistentVolumeClaim.claimName;
  return ephemeral === undefined ? undefined : `${pod}-${name}`;
}

/** Why a claim cannot serve as the ephemeral volume of a pod, if it cannot. @upstream component-helpers/storage/ephemeral VolumeIsForPod */
export function foreignClaim(pod: Pod, claim: PersistentVolumeClaim): string | undefined {
  const owner = controllerOf(claim);
  if (owner?.uid === pod.metadata.uid && owner !== undefined && claim.metadata.namespace === pod.metadata.namespace) return undefined;
  return `PVC ${claim.metadata.namespace ?? ""}/${claim.metadata.name ?? ""} was not created for pod ${pod.metadata.namespace ?? ""}/${pod.metadata.name ?? ""} (pod is not owner)`;
}

const BETA_CLASS = "volume.beta.kubernetes.io/storage-class";
const BIND_COMPLETED = "pv.kubernetes.io/bind-completed";

export function classOf(object: { readonly metadata: PersistentVolumeClaim["metadata"]; readonly spec: { readonly storageClassName?: string | undefined } }): string {
  return object.metadata.annotations?.[BETA_CLASS] ?? object.spec.storageClassName ?? "";
}

export function isFullyBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return (spec.volumeName ?? "") !== "" && metadata.annotations?.[BIND_COMPLETED] !== undefined;
}
