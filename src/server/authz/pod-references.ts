import type { Container, EphemeralContainer, PersistentVolume, Pod, Volume } from "../../api/generated/types/core-v1.ts";

/** Something that a pod needs: `secrets/ns/name`. */
export type Reference = string;

type ReferencedKind = "secrets" | "configmaps" | "persistentvolumeclaims" | "serviceaccounts" | "resourceclaims";

export function reference(kind: ReferencedKind, namespace: string, name: string): Reference {
  return `${kind}/${namespace}/${name}`;
}

/** Everything in its namespace that a pod refers to. @upstream pkg/api/v1/pod/util.go VisitPodSecretNames … */
export function referencesOf(pod: Pod): ReadonlySet<Reference> {
  const { namespace = "", name = "" } = pod.metadata;
  const found = new Set<Reference>();
  const add = (kind: ReferencedKind, target: string | undefined): void => {
    if (target !== undefined && target !== "") found.add(reference(kind, namespace, target));
  };
  add("serviceaccounts", pod.spec.serviceAccountName);
  for (const { name: secret } of pod.spec.imagePullSecrets ?? []) add("secrets", secret);
  const containers: readonly (Container | EphemeralContainer)[] = [...(pod.spec.initContainers ?? []), ...pod.spec.containers, ...(pod.spec.ephemeralContainers ?? [])];
  for (const { env = [], envFrom = [] } of containers) {
    for (const { valueFrom } of env) {
      add("secrets", valueFrom?.secretKeyRef?.name);
      add("configmaps", valueFrom?.configMapKeyRef?.name);
    }
    for (const { secretRef, configMapRef } of envFrom) {
      add("secrets", secretRef?.name);
      add("configmaps", configMapRef?.name);
    }
  }
  for (const volume of pod.spec.volumes ?? []) {
    for (const secret of secretsOfVolume(volume)) add("secrets", secret);
    add("configmaps", volume.configMap?.name);
    add("persistentvolumeclaims", volume.ephemeral === undefined ? volume.persistentVolumeClaim?.claimName : `${name}-${volume.name}`);
    for (const { secret, configMap } of volume.projected?.sources ?? []) {
      add("secrets", secret?.name);
      add("configmaps", configMap?.name);
    }
  }
  add("resourceclaims", pod.status?.extendedResourceClaimStatus?.resourceClaimName);
  for (const { resourceClaimName } of [...(pod.spec.resourceClaims ?? []), ...(pod.status?.resourceClaimStatuses ?? [])]) add("resourceclaims", resourceClaimName);
  return found;
}

function secretsOfVolume(volume: Volume): readonly (string | undefined)[] {
  const { secret, azureFile, cephfs, cinder, csi, flexVolume, iscsi, rbd, scaleIO, storageos } = volume;
  const references = [
    cephfs?.secretRef,
    cinder?.secretRef,
    csi?.nodePublishSecretRef,
    flexVolume?.secretRef,
    iscsi?.secretRef,
    rbd?.secretRef,
    scaleIO?.secretRef,
    storageos?.secretRef,
  ];
  return [secret?.secretName, azureFile?.secretName, ...references.map((one) => one?.name)];
}

/** Secrets that are needed to mount a volume. @upstream pkg/api/v1/persistentvolume/util.go */
export function secretsOfPersistentVolume({ spec }: PersistentVolume): ReadonlySet<Reference> {
  const { claimRef, azureFile, cephfs, cinder, csi, flexVolume, iscsi, rbd, scaleIO, storageos } = spec;
  const claimed = claimRef?.namespace ?? "";
  const found = new Set<Reference>();
  if (azureFile !== undefined) found.add(reference("secrets", azureFile.secretNamespace ?? claimed, azureFile.secretName));
  const references = [
    cephfs?.secretRef,
    cinder?.secretRef,
    flexVolume?.secretRef,
    iscsi?.secretRef,
    rbd?.secretRef,
    scaleIO?.secretRef,
    storageos?.secretRef,
    csi?.controllerPublishSecretRef,
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
  ];
  for (const one of references) if (one?.name !== undefined) found.add(reference("secrets", one.namespace ?? claimed, one.name));
  return found;
}
