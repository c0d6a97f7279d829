import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeSpec } from "../../api/generated/types/core-v1.ts";
import { countSamples } from "../../base/count-samples.ts";
import type { Metrics, Sample } from "../../base/metrics.ts";

const BETA_CLASS = "volume.beta.kubernetes.io/storage-class";

/** How many volumes and claims there are, counted when it is asked for. @upstream pkg/controller/volume/persistentvolume/metrics/metrics.go */
export function volumeMetrics(metrics: Metrics, listers: { volumes(): readonly PersistentVolume[]; claims(): readonly PersistentVolumeClaim[] }): void {
  const gauge = (name: string, help: string, labels: () => Iterable<Sample["labels"]>): void =>
    metrics.live({ name: `pv_collector_${name}`, help, type: "gauge", samples: () => countSamples(labels()) });
  const volumes = (isBound: boolean): PersistentVolume[] => listers.volumes().filter(({ status }) => (status?.phase === "Bound") === isBound);
  const claims = (isBound: boolean): PersistentVolumeClaim[] => listers.claims().filter(({ status }) => (status?.phase === "Bound") === isBound);
  gauge("total_pv_count", "Volumes, by who provides them", () =>
    listers.volumes().map(({ spec }) => ({ plugin_name: pluginOf(spec), volume_mode: spec.volumeMode ?? "Filesystem" })),
  );
  gauge("bound_pv_count", "Volumes that a claim is bound to", () => volumes(true).map((volume) => ({ storage_class: classOf(volume) })));
  gauge("unbound_pv_count", "Volumes that no claim is bound to", () => volumes(false).map((volume) => ({ storage_class: classOf(volume) })));
  gauge("bound_pvc_count", "Claims that are bound to a volume", () => claims(true).map(claimLabels));
  gauge("unbound_pvc_count", "Claims that wait for a volume", () => claims(false).map(claimLabels));
}

function claimLabels(claim: PersistentVolumeClaim): Sample["labels"] {
  return { namespace: claim.metadata.namespace ?? "", storage_class: classOf(claim), volume_attributes_class: claim.spec.volumeAttributesClassName ?? "" };
}

function classOf({ metadata, spec }: PersistentVolume | PersistentVolumeClaim): string {
  return metadata.annotations?.[BETA_CLASS] ?? spec.storageClassName ?? "";
}

const plugins: readonly (readonly [field: keyof PersistentVolumeSpec, plugin: string])[] = [
  ["hostPath", "kubernetes.io/host-path"],
  ["local", "kubernetes.io/local-volume"],
  ["nfs", "kubernetes.io/nfs"],
  ["iscsi", "kubernetes.io/iscsi"],
  ["fc", "kubernetes.io/fc"],
];

function pluginOf(spec: PersistentVolumeSpec): string {
  if (spec.csi !== undefined) return `kubernetes.io/csi:${spec.csi.driver}`;
  return plugins.find(([field]) => spec[field] !== undefined)?.[1] ?? "N/A";
}
