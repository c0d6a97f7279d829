import type { ContainerPort, ContainerStatus, Pod } from "../../api/generated/types/core-v1.ts";
import type { Labels } from "../../meta/label-selector.ts";
import { keyOf } from "../../meta/object.ts";
import { type PodTerms, termsOf } from "./affinity-term.ts";
import { requiredFeatures } from "./pod-features.ts";
import { podRequests, type PodTakings, type Resources, scoredRequests, takingsAsAsked } from "./pod-requests.ts";

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const noLabels: Labels = {};

/** A pod with what scheduling asks of it again and again, worked out once. */
export class PodInfo {
  readonly pod: Pod;
  readonly key: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly priority: number;
  readonly isTerminating: boolean;
  readonly requests: Resources;
  /** Requests as scoring sees them. */
  readonly scored: PodTakings["scored"];
  readonly hostPorts: readonly HostPort[];
  readonly terms: PodTerms;
  /** What the node must have declared. */
  readonly features: readonly string[];
  /** Whether what the pod takes is what its containers ask for, whatever its status says. */
  readonly #isSettled: boolean;
  #template: string | undefined;

  /** `before`: of an earlier version of the pod; what it takes is not worked out again when nothing can have changed it. */
  constructor(pod: Pod, before?: PodInfo) {
    this.pod = pod;
    this.key = keyOf(pod);
    this.namespace = pod.metadata.namespace ?? "";
    this.labels = pod.metadata.labels ?? noLabels;
    this.priority = pod.spec.priority ?? 0;
    this.isTerminating = pod.metadata.deletionTimestamp !== undefined;
    this.#isSettled = !isResized(pod);
    const alike = before !== undefined && before.#isSettled && this.#isSettled && isSpecKept(before.pod, pod) ? before : undefined;
    const { requests, scored } = alike ?? (this.#isSettled ? takingsAsAsked(pod) : { requests: podRequests(pod), scored: scoredRequests(pod) });
    this.requests = requests;
    this.scored = scored;
    this.hostPorts = alike?.hostPorts ?? hostPortsOf(pod);
    this.features = alike?.features ?? requiredFeatures(pod);
    if (alike !== undefined && alike.pod.spec.nodeName === pod.spec.nodeName) this.#template = alike.#template;
    this.terms = alike === undefined || alike.terms.goByOwnLabels ? termsOf(pod) : alike.terms;
  }

  /**
   * Pods with the same text get the same answer from every plug-in that looks at nothing but the pod and one node:
   * it holds all that those plug-ins read of a pod.
   */
  get template(): string {
    if (this.#template !== undefined) return this.#template;
    const { milliCpu, memory, ephemeralStorage, scalars } = this.requests;
    // PERF: most pods have but numbers and tolerations to put into words.
    const numbers = `${this.priority} ${milliCpu} ${memory} ${ephemeralStorage} ${this.scored.milliCpu} ${this.scored.memory}`;
    const { nodeName, nodeSelector, affinity, tolerations } = this.pod.spec;
    const isPlain =
      nodeName === undefined && nodeSelector === undefined && affinity === undefined && scalars.size === 0 && this.features.length === 0 && this.hostPorts.length === 0;
    const others = isPlain ? tolerations : [nodeName, nodeSelector, affinity?.nodeAffinity, [...scalars], this.features, this.hostPorts, tolerations];
    this.#template = others === undefined ? numbers : `${numbers} ${isPlain ? "" : "and "}${JSON.stringify(others)}`;
    return this.#template;
  }
}

/**
 * Whether two versions are of one pod that is to be as it was: what may change later of a spec raises the generation,
 * all but the node. PERF: a write to the status leaves no part of a pod that is the same object.
 */
function isSpecKept({ metadata: before }: Pod, { metadata: now }: Pod): boolean {
  return now.generation !== undefined && before.generation === now.generation && before.uid !== undefined && before.uid === now.uid;
}

/** Whether what the pod takes may be something else than what it asks for. */
function isResized({ status }: Pod): boolean {
  if (status === undefined) return false;
  const { conditions, containerStatuses, initContainerStatuses, resources, allocatedResources } = status;
  return (
    resources !== undefined ||
    allocatedResources !== undefined ||
    conditions?.some(({ type }) => type === "PodResizePending") === true ||
    containerStatuses?.some(isAllocated) === true ||
    initContainerStatuses?.some(isAllocated) === true
  );
}

function isAllocated({ resources, allocatedResources }: ContainerStatus): boolean {
  return resources !== undefined || allocatedResources !== undefined;
}

const known = new WeakMap<Pod, PodInfo>();

/** `previous`: an earlier version, if one is at hand. */
export function podInfo(pod: Pod, previous?: Pod): PodInfo {
  let info = known.get(pod);
  if (info === undefined) {
    info = new PodInfo(pod, previous === undefined ? undefined : known.get(previous));
    known.set(pod, info);
  }
  return info;
}

/** Ports of the node that the pod takes; an empty address means all. @upstream pkg/scheduler/util/utils.go GetHostPorts */
function hostPortsOf({ spec: { containers, initContainers } }: Pod): readonly HostPort[] {
  let ports: HostPort[] | undefined;
  const take = (declared: readonly ContainerPort[]): void => {
    for (const { hostPort = 0, hostIP = "", protocol = "TCP" } of declared)
      if (hostPort > 0) (ports ??= []).push({ ip: hostIP === "" ? "0.0.0.0" : hostIP, protocol: protocol === "" ? "TCP" : protocol, port: hostPort });
  };
  for (const container of containers) if (container.ports !== undefined) take(container.ports);
  if (initContainers !== undefined) for (const { restartPolicy, ports: declared } of initContainers) if (restartPolicy === "Always" && declared !== undefined) take(declared);
  return ports ?? noPorts;
}

const noPorts: readonly HostPort[] = [];
