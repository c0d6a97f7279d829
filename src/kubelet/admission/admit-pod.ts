import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod, Taint, Toleration } from "../../api/generated/types/core-v1.ts";
import { Quantity } from "../../meta/quantity.ts";
import { isSidecar } from "../pods/pod-containers.ts";

/** Why a pod cannot be here. */
export interface Rejection {
  readonly reason: string;
  readonly message: string;
}

export interface AdmissionInput {
  readonly pod: Pod;
  /** The pods that are here already and have not ended. */
  readonly others: readonly Pod[];
  readonly node: Node | undefined;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly operatingSystem: string;
}

/** Undefined when the pod may run on this node. @upstream pkg/kubelet/lifecycle/predicate.go */
export function admitPod(input: AdmissionInput): Rejection | undefined {
  const { pod, node } = input;
  const os = pod.spec.os?.name;
  if (os !== undefined && os !== input.operatingSystem) return { reason: "PodOSNotSupported", message: "Failed to admit pod as the OS field doesn't match node OS" };
  const labels = node?.metadata.labels ?? {};
  const wantedOs = pod.spec.nodeSelector?.["kubernetes.io/os"];
  if (wantedOs !== undefined && wantedOs !== input.operatingSystem)
    return { reason: "PodOSSelectorNodeLabelDoesNotMatch", message: "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label" };
  const lacking = lackingResource(input);
  if (lacking !== undefined) return lacking;
  if (node !== undefined && !matchesNode(pod, node, labels))
    return { reason: "NodeAffinity", message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector" };
  if (usesTakenPort(pod, input.others)) return { reason: "NodePorts", message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports" };
  const taint = (node?.spec.taints ?? []).find(
    ({ effect, key, value }) =>
      effect === "NoExecute" && !(pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, { effect, key, ...(value === undefined ? {} : { value }) })),
  );
  if (taint !== undefined) return { reason: "TaintToleration", message: "Predicate TaintToleration failed: node(s) had untolerated taint(s)" };
  return undefined;
}

/** Milli-units for CPU, whole units for the rest; the larger of init and running need. */
export function podRequest(pod: Pod, resource: string): number {
  const amount = (text: string | undefined): number => (text === undefined ? 0 : resource === "cpu" ? Quantity.parse(text).milliValue() : Quantity.parse(text).value());
  if (resource === "pods") return 1;
  const overhead = amount(pod.spec.overhead?.[resource]);
  const podLevel = pod.spec.resources?.requests?.[resource];
  if (podLevel !== undefined) return amount(podLevel) + overhead;
  let running = pod.spec.containers.reduce((sum, container) => sum + amount(container.resources?.requests?.[resource]), 0);
  let sidecars = 0;
  let largest = 0;
  for (const container of pod.spec.initContainers ?? []) {
    const own = amount(container.resources?.requests?.[resource]);
    if (isSidecar(container)) {
      sidecars += own;
      running += own;
      largest = Math.max(largest, sidecars);
    } else largest = Math.max(largest, sidecars + own);
  }
  return Math.max(running, largest) + overhead;
}

/** Why a running pod cannot be given what it asks for: never on this node, or not at present. @upstream pkg/kubelet/allocation/allocation_manager.go */
export function resizeProblem(input: Pick<AdmissionInput, "pod" | "others" | "allocatable">): Rejection | undefined {
  const never = lackingResource({ ...input, others: [] });
  if (never !== undefined) return { reason: "Infeasible", message: never.message.replace("enough resource", "enough capacity").replace(/ used: 0,/, "") };
  const now = lackingResource(input);
  return now === undefined ? undefined : { reason: "Deferred", message: now.message };
}

function lackingResource({ pod, others, allocatable }: Pick<AdmissionInput, "pod" | "others" | "allocatable">): Rejection | undefined {
  const names = new Set(["pods", "cpu", "memory", "ephemeral-storage"]);
  for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) for (const name of Object.keys(container.resources?.requests ?? {})) names.add(name);
  for (const name of names) {
    const requested = podRequest(pod, name);
    if (requested === 0) continue;
    const text = allocatable[name] ?? "0";
    // Extended resources that nobody offers here are none of the kubelet's.
    if (name.includes("/") && allocatable[name] === undefined) continue;
    const capacity = name === "cpu" ? Quantity.parse(text).milliValue() : Quantity.parse(text).value();
    const used = others.reduce((sum, other) => sum + podRequest(other, name), 0);
    if (used + requested > capacity) {
      return { reason: `OutOf${name}`, message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}` };
    }
  }
  return undefined;
}

function matchesNode(pod: Pod, node: Node, labels: Readonly<Record<string, string>>): boolean {
  if (!Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesTerm(term, { labels, name: node.metadata.name ?? "" }));
}

function matchesTerm(term: NodeSelectorTerm, node: { readonly labels: Readonly<Record<string, string>>; readonly name: string }): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  return (
    expressions.every((requirement) => meets(requirement, node.labels[requirement.key])) &&
    fields.every((requirement) => meets(requirement, requirement.key === "metadata.name" ? node.name : undefined))
  );
}

function meets({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && Number(value) > Number(values[0]);
    case "Lt":
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}

function usesTakenPort(pod: Pod, others: readonly Pod[]): boolean {
  const taken = others.flatMap(hostPorts);
  const any = (ip: string): boolean => ip === "" || ip === "0.0.0.0" || ip === "::";
  return hostPorts(pod).some((port) =>
    taken.some((other) => other.port === port.port && other.protocol === port.protocol && (any(other.ip) || any(port.ip) || other.ip === port.ip)),
  );
}

function hostPorts(pod: Pod): readonly { readonly port: number; readonly protocol: string; readonly ip: string }[] {
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar);
  return [...pod.spec.containers, ...sidecars].flatMap(({ ports = [] }) =>
    ports.filter(({ hostPort = 0 }) => hostPort > 0).map(({ hostPort = 0, protocol = "TCP", hostIP = "" }) => ({ port: hostPort, protocol, ip: hostIP })),
  );
}

/** @upstream staging/src/k8s.io/api/core/v1/toleration.go */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== "" && toleration.effect !== taint.effect) return false;
  const key = toleration.key ?? "";
  if (key !== "" && key !== taint.key) return false;
  if (toleration.operator === "Exists") return true;
  return key !== "" && (toleration.value ?? "") === (taint.value ?? "");
}
