import type { Draft } from "../../base/values.ts";
import type { DownwardAPIVolumeFile, Volume, VolumeProjection } from "../generated/types/core-v1.ts";
import { defaultPullPolicy } from "./image-reference.ts";

/** 0644 */
const fileMode = 0o644;

/** @upstream pkg/apis/core/v1/defaults.go SetDefaults_Volume, zz_generated.defaults.go */
export function volumeDefaults(volume: Draft<Volume>): void {
  if (Object.keys(volume).every((field) => field === "name")) volume.emptyDir = {};
  if (volume.secret !== undefined) volume.secret.defaultMode ??= fileMode;
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= fileMode;
  if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= fileMode;
    for (const file of volume.downwardAPI.items ?? []) downwardFileDefaults(file);
  }
  if (volume.projected !== undefined) {
    volume.projected.defaultMode ??= fileMode;
    for (const source of volume.projected.sources ?? []) projectionDefaults(source);
  }
  if (volume.hostPath !== undefined) volume.hostPath.type ??= "";
  if (volume.image !== undefined) volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference);
  if (volume.ephemeral?.volumeClaimTemplate?.spec !== undefined) volume.ephemeral.volumeClaimTemplate.spec.volumeMode ??= "Filesystem";
  networkVolumeDefaults(volume);
}

function projectionDefaults(source: Draft<VolumeProjection>): void {
  if (source.serviceAccountToken !== undefined) source.serviceAccountToken.expirationSeconds ??= 3600;
  if (source.podCertificate !== undefined) source.podCertificate.maxExpirationSeconds ??= 86_400;
  for (const file of source.downwardAPI?.items ?? []) downwardFileDefaults(file);
}

function downwardFileDefaults(file: Draft<DownwardAPIVolumeFile>): void {
  if (file.fieldRef !== undefined) file.fieldRef.apiVersion ||= "v1";
  if (file.resourceFieldRef !== undefined) file.resourceFieldRef.divisor ||= "0";
}

function networkVolumeDefaults({ iscsi, rbd, azureDisk, scaleIO }: Draft<Volume>): void {
  if (iscsi !== undefined) iscsi.iscsiInterface ||= "default";
  if (rbd !== undefined) {
    rbd.pool ||= "rbd";
    rbd.user ||= "admin";
    rbd.keyring ||= "/etc/ceph/keyring";
  }
  if (azureDisk !== undefined) {
    azureDisk.cachingMode ??= "ReadWrite";
    azureDisk.kind ??= "Shared";
    azureDisk.fsType ??= "ext4";
    azureDisk.readOnly ??= false;
  }
  if (scaleIO !== undefined) {
    scaleIO.storageMode ||= "ThinProvisioned";
    scaleIO.fsType ||= "xfs";
  }
}
