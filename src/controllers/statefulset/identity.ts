import { statefulSets } from "../../api/generated/resources.ts";
import type { StatefulSet } from "../../api/generated/types/apps-v1.ts";
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, Volume } from "../../api/generated/types/core-v1.ts";
import type { NewObject } from "../../client/client.ts";
import { controllerReference } from "../../reconcile/owned.ts";
import { revisionHashLabel } from "../history/revisions.ts";
import { type NewPodObject, podFromTemplate } from "../pods/pod-from-template.ts";

export const podNameLabel = "statefulset.kubernetes.io/pod-name";
export const podIndexLabel = "apps.kubernetes.io/pod-index";

export const replicasOf = (set: StatefulSet): number => set.spec.replicas ?? 1;
export const startOf = (set: StatefulSet): number => set.spec.ordinals?.start ?? 0;
export const podName = (set: StatefulSet, ordinal: number): string => `${set.metadata.name}-${ordinal}`;
export const claimName = (set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string => `${template.metadata.name}-${podName(set, ordinal)}`;

/** The ordinal in a pod's name: 3 of `web-3`; undefined when it is not of this set. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const match = /^(.*)-([0-9]+)$/.exec(pod.metadata.name ?? "");
  return match !== null && match[1] === set.metadata.name ? Number(match[2]) : undefined;
}

export function revisionOf(pod: Pod): string {
  return pod.metadata.labels?.[revisionHashLabel] ?? "";
}

/** The pod of one ordinal, from one revision's template. @upstream pkg/controller/statefulset/stateful_set_utils.go newStatefulSetPod */
export function statefulPod(set: StatefulSet, ordinal: number, from: { readonly template: PodTemplateSpec; readonly revision: string }): NewPodObject {
  const pod = podFromTemplate(from.template, set, statefulSets);
  const { generateName: _, ...metadata } = pod.metadata;
  const name = podName(set, ordinal);
  return {
    ...pod,
    metadata: { ...metadata, name, labels: { ...metadata.labels, ...identityLabels(name, ordinal), [revisionHashLabel]: from.revision } },
    spec: { ...pod.spec, hostname: name, subdomain: set.spec.serviceName, volumes: volumesOf(set, ordinal, pod.spec.volumes ?? []) },
  };
}

function identityLabels(name: string, ordinal: number): { readonly [key: string]: string } {
  return { [podNameLabel]: name, [podIndexLabel]: String(ordinal) };
}

/** The set's claims first; a volume of the template with a claim's name gives way. */
function volumesOf(set: StatefulSet, ordinal: number, own: readonly Volume[]): readonly Volume[] {
  const claims = set.spec.volumeClaimTemplates ?? [];
  const claimed = claims.map((template) => ({ name: template.metadata.name ?? "", persistentVolumeClaim: { claimName: claimName(set, template, ordinal) } }));
  return [...claimed, ...own.filter((volume) => !claims.some(({ metadata }) => metadata.name === volume.name))];
}

/** The pod with its identity and storage put right; undefined when they are. */
export function repairedPod(set: StatefulSet, ordinal: number, pod: Pod): Pod | undefined {
  const wanted = identityLabels(podName(set, ordinal), ordinal);
  const labelled = Object.entries(wanted).every(([key, value]) => pod.metadata.labels?.[key] === value);
  return labelled ? undefined : { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...wanted } } };
}

/** The claims of one ordinal. They stay when pod and set go, unless the retention policy says otherwise. */
export function claimsFor(set: StatefulSet, ordinal: number): readonly NewObject<PersistentVolumeClaim>[] {
  const { whenDeleted } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  return (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    metadata: {
      ...template.metadata,
      name: claimName(set, template, ordinal),
      namespace: set.metadata.namespace,
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
      ...(whenDeleted === "Delete" ? { ownerReferences: [controllerReference(set, statefulSets)] } : {}),
    },
    spec: template.spec,
  }));
}
