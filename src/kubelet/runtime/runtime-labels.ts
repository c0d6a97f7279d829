import type { Container, Pod } from "../../api/generated/types/core-v1.ts";
import { resourcesText } from "./container-resources.ts";

/** Labels and annotations by which a kubelet recognises what it made, also after a restart. @upstream pkg/kubelet/types/labels.go */
export const podNameLabel = "io.kubernetes.pod.name";
export const podNamespaceLabel = "io.kubernetes.pod.namespace";
export const podUidLabel = "io.kubernetes.pod.uid";
export const containerNameLabel = "io.kubernetes.container.name";

const containerHashAnnotation = "io.kubernetes.container.hash";
const restartCountAnnotation = "io.kubernetes.container.restartCount";
const terminationMessagePathAnnotation = "io.kubernetes.container.terminationMessagePath";
const terminationMessagePolicyAnnotation = "io.kubernetes.container.terminationMessagePolicy";
const podTerminationGraceAnnotation = "io.kubernetes.pod.terminationGracePeriod";
const preStopAnnotation = "io.kubernetes.container.preStopHandler";
/** Upstream asks the runtime for this, but older ones cannot tell. */
const resourcesAnnotation = "keles.dev/container-resources";
const portsAnnotation = "io.kubernetes.container.ports";

type Texts = Readonly<Record<string, string>>;

function podLabels(pod: Pod): Texts {
  return {
    [podNameLabel]: pod.metadata.name ?? "",
    [podNamespaceLabel]: pod.metadata.namespace ?? "",
    [podUidLabel]: pod.metadata.uid ?? "",
  };
}

export function sandboxLabels(pod: Pod): Texts {
  return { ...pod.metadata.labels, ...podLabels(pod) };
}

export function containerLabels(pod: Pod, container: Container): Texts {
  return { ...podLabels(pod), [containerNameLabel]: container.name };
}

export function containerAnnotations(pod: Pod, container: Container, details: { readonly restartCount: number; readonly hash: string }): Texts {
  const grace = pod.spec.terminationGracePeriodSeconds;
  return {
    [containerHashAnnotation]: details.hash,
    [restartCountAnnotation]: String(details.restartCount),
    [resourcesAnnotation]: resourcesText(container.resources),
    [terminationMessagePathAnnotation]: container.terminationMessagePath ?? "",
    [terminationMessagePolicyAnnotation]: container.terminationMessagePolicy ?? "File",
    ...(grace === undefined ? {} : { [podTerminationGraceAnnotation]: String(grace) }),
    ...(container.lifecycle?.preStop === undefined ? {} : { [preStopAnnotation]: JSON.stringify(container.lifecycle.preStop) }),
    ...(container.ports === undefined || container.ports.length === 0 ? {} : { [portsAnnotation]: JSON.stringify(container.ports) }),
  };
}

/** What the annotations of a container that is already there say. */
export interface ContainerMarks {
  readonly hash: string;
  readonly restartCount: number;
  readonly terminationMessagePath: string;
  readonly terminationMessagePolicy: string;
  readonly podTerminationGraceSeconds: number | undefined;
  /** Empty when not known. */
  readonly resources: string;
}

export function readContainerMarks(annotations: Texts | undefined): ContainerMarks {
  const grace = annotations?.[podTerminationGraceAnnotation];
  const restarts = Number(annotations?.[restartCountAnnotation] ?? 0);
  return {
    hash: annotations?.[containerHashAnnotation] ?? "",
    restartCount: Number.isInteger(restarts) ? restarts : 0,
    terminationMessagePath: annotations?.[terminationMessagePathAnnotation] ?? "",
    terminationMessagePolicy: annotations?.[terminationMessagePolicyAnnotation] ?? "File",
    podTerminationGraceSeconds: grace === undefined || Number.isNaN(Number(grace)) ? undefined : Number(grace),
    resources: annotations?.[resourcesAnnotation] ?? "",
  };
}
