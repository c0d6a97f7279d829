import type { Node, Taint, Toleration } from "../../api/generated/types/core-v1.ts";
import type { HostPort, PodInfo } from "../cluster/pod-info.ts";
import { podInfo } from "../cluster/pod-info.ts";
import { normalizeByMax, type Plugin } from "../plugin.ts";

const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";
const cordoned = [{ reason: "node(s) were unschedulable", unresolvable: true }];
const otherNode = [{ reason: "node(s) didn't match the requested node name", unresolvable: true }];
const portTaken = [{ reason: "node(s) didn't have free ports for the requested pod ports", unresolvable: false }];

/** Whether a node takes the pod now and did not before. */
function opens(takes: (node: Node) => boolean, previous: Node | undefined, next: Node | undefined): boolean {
  return next !== undefined && takes(next) && (previous === undefined || !takes(previous));
}

/** A cordoned node takes only pods that tolerate that. @upstream plugins/nodeunschedulable */
export const nodeUnschedulable: Plugin = {
  name: "NodeUnschedulable",
  isLocal: true,
  filter: (pod, { node }) => (node === undefined || isOpen(pod, node) ? undefined : cordoned),
  listens: ["node/add", "node/taint", "target/toleration"],
  mayHelp: (pod, change) => change.resource !== "node" || opens((node) => isOpen(pod, node), change.previous, change.next),
};

function isOpen({ pod }: PodInfo, { spec }: Node): boolean {
  return spec.unschedulable !== true || isTolerated({ key: UNSCHEDULABLE, effect: "NoSchedule" }, pod.spec.tolerations ?? []);
}

/** A pod that names its node goes nowhere else. @upstream plugins/nodename */
export const nodeName: Plugin = {
  name: "NodeName",
  isLocal: true,
  filter({ pod }, { name }) {
    const wanted = pod.spec.nodeName ?? "";
    return wanted === "" || wanted === name ? undefined : otherNode;
  },
  listens: ["node/add"],
  mayHelp: ({ pod }, { next }) => next?.metadata.name === pod.spec.nodeName,
};

/** @upstream plugins/tainttoleration */
export const taintToleration: Plugin = {
  name: "TaintToleration",
  weight: 3,
  isLocal: true,
  filter({ pod }, { node }) {
    const taint = node === undefined ? undefined : untolerated(node, pod.spec.tolerations ?? []);
    if (taint === undefined) return undefined;
    // The text is the same for every taint: keys and values may be none of the pod's business.
    return [{ reason: "node(s) had untolerated taint(s)", unresolvable: true, detail: `{${taint.key}: ${taint.value ?? ""}}` }];
  },
  // PERF: few clusters have such taints at all.
  prescore: (_pod, cluster, feasible) => (cluster.hasWishedTaints && feasible().some(({ node }) => node !== undefined && isUnwished(node)) ? undefined : "skip"),
  score({ pod }, { node }) {
    const tolerations = (pod.spec.tolerations ?? []).filter(({ effect = "" }) => effect === "" || effect === "PreferNoSchedule");
    return (node?.spec.taints ?? []).filter((taint) => isWish(taint) && !isTolerated(taint, tolerations)).length;
  },
  normalize: (scores) => normalizeByMax(scores, true),
  listens: ["node/add", "node/taint", "target/toleration"],
  mayHelp(pod, change) {
    return change.resource !== "node" || opens((node) => untolerated(node, pod.pod.spec.tolerations ?? []) === undefined, change.previous, change.next);
  },
};

function isUnwished({ spec }: Node): boolean {
  return spec.taints?.some(isWish) === true;
}

const isWish = ({ effect }: Taint): boolean => effect === "PreferNoSchedule";

/** The first taint that keeps a pod with these tolerations from a node. */
export function untolerated({ spec }: Node, tolerations: readonly Toleration[]): Taint | undefined {
  return spec.taints?.find((taint) => (taint.effect === "NoSchedule" || taint.effect === "NoExecute") && !isTolerated(taint, tolerations));
}

/** Whether one of the tolerations covers the taint. @upstream component-helpers/scheduling/corev1/helpers.go */
export function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some(({ key = "", operator = "", value = "", effect = "" }) => {
    if (effect !== "" && effect !== taint.effect) return false;
    if (key !== "" && key !== taint.key) return false;
    if (operator === "Exists") return true;
    if (operator === "" || operator === "Equal") return value === (taint.value ?? "");
    const have = wholeNumber(taint.value);
    const bound = wholeNumber(value);
    if (have === undefined || bound === undefined) return false;
    return operator === "Gt" ? have > bound : operator === "Lt" && have < bound;
  });
}

/** As Go's ParseInt reads it: digits with a sign. */
export function wholeNumber(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[+-]?[0-9]+$/.test(text) ? BigInt(text.startsWith("+") ? text.slice(1) : text) : undefined;
}

/** Two pods of a node cannot have the same port of it. @upstream plugins/nodeports */
export const nodePorts: Plugin = {
  name: "NodePorts",
  isLocal: true,
  filter({ hostPorts }, node) {
    if (hostPorts.length === 0) return undefined;
    for (const other of node.withPorts.values()) if (clash(hostPorts, other.hostPorts)) return portTaken;
    return undefined;
  },
  listens: ["pod/delete", "node/add"],
  mayHelp: (pod, change) => change.resource !== "pod" || (change.previous !== undefined && clash(pod.hostPorts, podInfo(change.previous).hostPorts)),
};

const ANY = "0.0.0.0";

function clash(wanted: readonly HostPort[], taken: readonly HostPort[]): boolean {
  return wanted.some(({ ip, protocol, port }) => taken.some((other) => port === other.port && protocol === other.protocol && (ip === other.ip || ip === ANY || other.ip === ANY)));
}
