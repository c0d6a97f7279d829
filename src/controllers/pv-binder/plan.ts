import type { Node, PersistentVolume, PersistentVolumeClaim } from "../../api/generated/types/core-v1.ts";
import type { StorageClass } from "../../api/generated/types/storage-v1.ts";
import { bestVolume, isBoundTo, mismatch } from "./match.ts";

export const bindCompleted = "pv.kubernetes.io/bind-completed";
export const boundByController = "pv.kubernetes.io/bound-by-controller";
export const selectedNode = "volume.kubernetes.io/selected-node";
const provisionerAnnotations = ["volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner"];

export interface BindEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** What to do for a claim. */
export type ClaimVerdict =
  | { readonly type: "bind"; readonly volume: PersistentVolume }
  | { readonly type: "wait"; readonly event?: BindEvent; readonly annotations?: { readonly [key: string]: string } }
  | { readonly type: "lost"; readonly event: BindEvent };

export interface ClaimState {
  readonly claim: PersistentVolumeClaim;
  readonly volumes: readonly PersistentVolume[];
  readonly storageClass: StorageClass | undefined;
  /** The node that the scheduler chose for the claim's first pod. */
  readonly node: Node | undefined;
}

/** @upstream pkg/controller/volume/persistentvolume/pv_controller.go syncClaim */
export function judgeClaim(state: ClaimState): ClaimVerdict {
  const { claim, volumes } = state;
  const named = claim.spec.volumeName ?? "";
  if (claim.metadata.annotations?.[bindCompleted] !== undefined) return judgeBound(claim, volumes);
  if (named === "") return judgeUnnamed(state);
  const volume = volumes.find(({ metadata }) => metadata.name === named);
  if (volume === undefined) return { type: "wait" };
  if (volume.spec.claimRef === undefined || isBoundTo(volume, claim)) {
    const why = mismatch(volume, claim);
    if (why === undefined) return { type: "bind", volume };
    return { type: "wait", event: { type: "Warning", reason: "VolumeMismatch", message: `Cannot bind to requested volume ${JSON.stringify(named)}: ${why}` } };
  }
  const owner = `${volume.spec.claimRef.namespace}/${volume.spec.claimRef.name}`;
  return {
    type: "wait",
    event: { type: "Warning", reason: "FailedBinding", message: `volume ${JSON.stringify(named)} already bound to a different claim ${JSON.stringify(owner)}.` },
  };
}

function judgeBound(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[]): ClaimVerdict {
  const lost = (reason: string, message: string): ClaimVerdict => ({ type: "lost", event: { type: "Warning", reason, message } });
  const named = claim.spec.volumeName ?? "";
  if (named === "") return lost("ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!");
  const volume = volumes.find(({ metadata }) => metadata.name === named);
  if (volume === undefined) return lost("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
  if (volume.spec.claimRef === undefined || volume.spec.claimRef.uid === claim.metadata.uid) return { type: "bind", volume };
  return lost("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly");
}

function judgeUnnamed({ claim, volumes, storageClass, node }: ClaimState): ClaimVerdict {
  const delay = storageClass?.volumeBindingMode === "WaitForFirstConsumer" && claim.metadata.annotations?.[selectedNode] === undefined;
  const volume = bestVolume(claim, volumes, { node, delay });
  if (volume !== undefined) return { type: "bind", volume };
  if (delay) return { type: "wait", event: { type: "Normal", reason: "WaitForFirstConsumer", message: "waiting for first consumer to be created before binding" } };
  const name = claim.spec.storageClassName ?? "";
  if (name === "") {
    return { type: "wait", event: { type: "Normal", reason: "FailedBinding", message: "no persistent volumes available for this claim and no storage class is set" } };
  }
  if (storageClass === undefined) {
    return { type: "wait", event: { type: "Warning", reason: "ProvisioningFailed", message: `storageclass.storage.k8s.io ${JSON.stringify(name)} not found` } };
  }
  const { provisioner } = storageClass;
  if (provisioner === "kubernetes.io/no-provisioner") {
    return { type: "wait", event: { type: "Normal", reason: "FailedBinding", message: "no persistent volumes available for this claim and no storage class is set" } };
  }
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. ` +
    "If volume creation is delayed, please verify that the provisioner is running and correctly registered.";
  return {
    type: "wait",
    event: { type: "Normal", reason: "ExternalProvisioning", message },
    annotations: Object.fromEntries(provisionerAnnotations.map((key) => [key, provisioner])),
  };
}

/** The volume with its claim written into it; undefined when it is. */
export function volumeBoundTo(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume | undefined {
  const { uid, name, namespace, resourceVersion } = claim.metadata;
  if (volume.spec.claimRef?.uid === uid && volume.spec.claimRef?.name === name && volume.spec.claimRef?.namespace === namespace) return undefined;
  // Who reserved it by hand gets it back when the claim goes.
  const annotations = volume.spec.claimRef === undefined ? { ...volume.metadata.annotations, [boundByController]: "yes" } : volume.metadata.annotations;
  const claimRef = { kind: "PersistentVolumeClaim", apiVersion: "v1", namespace, name, uid, resourceVersion };
  return { ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...volume.spec, claimRef } };
}

/** The claim with its volume written into it; undefined when it is. */
export function claimBoundTo(claim: PersistentVolumeClaim, volume: PersistentVolume): PersistentVolumeClaim | undefined {
  const { name } = volume.metadata;
  if (claim.spec.volumeName === name && claim.metadata.annotations?.[bindCompleted] !== undefined) return undefined;
  const chosen = (claim.spec.volumeName ?? "") === "" ? { [boundByController]: "yes" } : {};
  return {
    ...claim,
    metadata: { ...claim.metadata, annotations: { ...claim.metadata.annotations, ...chosen, [bindCompleted]: "yes" } },
    spec: { ...claim.spec, volumeName: name },
  };
}

/** What becomes of a volume. `release`: its claim is gone. `unbind`: the claim went to another volume. */
export type VolumeVerdict = { readonly type: "phase"; readonly phase: "Available" | "Bound" | "Released" } | { readonly type: "unbind" };

/** @upstream pv_controller.go syncVolume */
export function judgeVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumeVerdict {
  const { claimRef } = volume.spec;
  if (claimRef === undefined || (claimRef.uid ?? "") === "") return { type: "phase", phase: "Available" };
  if (claim === undefined || claim.metadata.uid !== claimRef.uid) return { type: "phase", phase: "Released" };
  const named = claim.spec.volumeName ?? "";
  if (named === volume.metadata.name || named === "") return { type: "phase", phase: "Bound" };
  const provisioned = volume.metadata.annotations?.["pv.kubernetes.io/provisioned-by"] !== undefined && volume.spec.persistentVolumeReclaimPolicy === "Delete";
  return provisioned ? { type: "phase", phase: "Released" } : { type: "unbind" };
}

/** The volume without its claim: wholly free when we bound it, still reserved when a user did. */
export function unboundVolume(volume: PersistentVolume): PersistentVolume {
  const { [boundByController]: ours, ...annotations } = volume.metadata.annotations ?? {};
  const { claimRef, ...spec } = volume.spec;
  if (ours !== undefined || claimRef === undefined) return { ...volume, metadata: { ...volume.metadata, annotations }, spec };
  return { ...volume, spec: { ...spec, claimRef: { ...claimRef, uid: undefined, resourceVersion: undefined } } };
}
