import type { Affinity, Container, Node, NodeSelectorRequirement, NodeSelectorTerm, Pod, Taint } from "../../api/generated/types/core-v1.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import { podInfo } from "../cluster/pod-info.ts";
import type { Rejection } from "../plugin.ts";
import { matchesTerm } from "../plugins/node-affinity.ts";
import { untolerated } from "../plugins/node-state.ts";
import type { Verdict } from "../verdict.ts";
import { quantityText } from "./amounts.ts";
import type { Hypothesis } from "./hypothesis.ts";

/** One thing that would have to be different, and the world in which it is. */
export interface Concession {
  /** A sentence without a full stop, that somebody can act on. */
  readonly text: string;
  /** 1 for a step that takes nothing from anybody; more for what costs more. */
  readonly cost: number;
  readonly world: Hypothesis;
}

/** What would satisfy a plug-in that turned the node down; undefined when nothing that is known of here would. */
export function concede(verdict: Verdict, now: Hypothesis, real: NodeInfo): Concession | undefined {
  switch (verdict.plugin) {
    case "NodeUnschedulable":
      return concedeCordon(now);
    case "TaintToleration":
      return concedeTaint(now);
    case "NodeAffinity":
      return concedeLabels(now);
    case "NodeResourcesFit":
      return concedeResources(verdict.rejections, now);
    case "NodePorts":
      return concedePorts(now, real);
    case "PodTopologySpread":
      return concedeSpread(now, real);
    case "InterPodAffinity":
      return concedeAffinity(verdict.rejections, now, real);
    default:
      return undefined;
  }
}

/** The taint that stands for it goes as well. */
function concedeCordon(now: Hypothesis): Concession {
  const { taints = [], ...spec } = now.node.spec;
  const node = { ...now.node, spec: { ...spec, unschedulable: false, taints: taints.filter(({ key }) => key !== "node.kubernetes.io/unschedulable") } };
  return { text: `uncordon node ${now.node.metadata.name ?? ""}`, cost: 1, world: { ...now, node } };
}

const taintText = ({ key, value = "", effect }: Taint): string => `${key}${value === "" ? "" : `=${value}`}:${effect}`;

function concedeTaint(now: Hypothesis): Concession | undefined {
  const taint = untolerated(now.node, now.pod.spec.tolerations ?? []);
  if (taint === undefined) return undefined;
  const { key, value = "", effect } = taint;
  const toleration = { key, operator: value === "" ? "Exists" : "Equal", ...(value === "" ? {} : { value }), effect };
  const pod = { ...now.pod, spec: { ...now.pod.spec, tolerations: [...(now.pod.spec.tolerations ?? []), toleration] } };
  return { text: `tolerate the taint ${taintText(taint)} of node ${now.node.metadata.name ?? ""}, or take it off`, cost: 1, world: { ...now, pod } };
}

/** Labels are cheapest where they are missing; a term that no label satisfies is given up. */
function concedeLabels(now: Hypothesis): Concession | undefined {
  const { pod, node } = now;
  const labels = node.metadata.labels ?? {};
  const wrong = Object.entries(pod.spec.nodeSelector ?? {}).filter(([key, value]) => labels[key] !== value);
  const name = node.metadata.name ?? "";
  if (wrong.length > 0) {
    const text = `label node ${name} ${wrong.map(([key, value]) => `${key}=${value}`).join(" ")}, or take ${wrong.map(([key]) => key).join(" and ")} out of the pod's nodeSelector`;
    return { text, cost: wrong.length, world: { ...now, node: withLabels(node, Object.fromEntries(wrong)) } };
  }
  const affinity = pod.spec.affinity?.nodeAffinity;
  const terms = affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (affinity === undefined || terms.length === 0) return undefined;
  const unmet = terms.map((term) => unmetOf(term, node)).sort((a, b) => a.length - b.length)[0] ?? [];
  const wished = unmet.map(({ key, operator, values = [] }) => `${key} ${operator}${values.length === 0 ? "" : ` [${values.join(" ")}]`}`).join(" and ");
  const { requiredDuringSchedulingIgnoredDuringExecution: _given, ...others } = affinity;
  const text = `loosen the pod's required node affinity: node ${name} does not meet ${wished === "" ? "any of its terms" : wished}`;
  return { text, cost: 1 + unmet.length / 10, world: { ...now, pod: withAffinity(pod, { ...pod.spec.affinity, nodeAffinity: others }) } };
}

function unmetOf(term: NodeSelectorTerm, { metadata }: Node): readonly NodeSelectorRequirement[] {
  const labels = metadata.labels ?? {};
  return [
    ...(term.matchExpressions ?? []).filter((wanted) => !matchesTerm({ matchExpressions: [wanted] }, labels, metadata.name)),
    ...(term.matchFields ?? []).filter((wanted) => !matchesTerm({ matchFields: [wanted] }, labels, metadata.name)),
  ];
}

function withLabels(node: Node, more: Readonly<Record<string, string>>): Node {
  return { ...node, metadata: { ...node.metadata, labels: { ...node.metadata.labels, ...more } } };
}

function withAffinity(pod: Pod, affinity: Affinity): Pod {
  return { ...pod, spec: { ...pod.spec, affinity } };
}

function concedeResources(rejections: readonly Rejection[], now: Hypothesis): Concession | undefined {
  const extra = new Map(now.extra);
  const parts: string[] = [];
  const name = now.node.metadata.name ?? "";
  let cost = 0;
  for (const { lack } of rejections) {
    if (lack === undefined) return undefined;
    const { resource, requested, free } = lack;
    const missing = requested - free;
    extra.set(resource, (extra.get(resource) ?? 0) + missing);
    if (resource === "pods") {
      parts.push(`end ${missing} pod${missing === 1 ? "" : "s"} of node ${name}`);
      cost += 1.5;
      continue;
    }
    const by = quantityText(resource, missing);
    // Whoever asks for what a node does not have at all would have to ask for nothing of it.
    parts.push(free > 0 ? `ask for ${by} less ${resource}, or free as much on node ${name}` : `free ${by} of ${resource} on node ${name}`);
    cost += 1 + Math.min(1, missing / Math.max(1, requested)) + (free > 0 ? 0 : 0.5);
  }
  return { text: parts.join("; "), cost, world: { ...now, extra } };
}

function concedePorts(now: Hypothesis, real: NodeInfo): Concession {
  const wanted = podInfo(now.pod).hostPorts;
  const taken = [...real.withPorts.values()].filter(({ hostPorts }) =>
    hostPorts.some(({ port, protocol }) => wanted.some((own) => own.port === port && own.protocol === protocol)),
  );
  const clashing = wanted.filter(({ port, protocol }) => taken.some(({ hostPorts }) => hostPorts.some((other) => other.port === port && other.protocol === protocol)));
  const free = (containers: readonly Container[] | undefined): Container[] | undefined =>
    containers?.map((container) => {
      const ports = container.ports?.filter(({ hostPort, protocol = "TCP" }) => !clashing.some((own) => own.port === hostPort && own.protocol === protocol));
      return ports === undefined ? container : { ...container, ports };
    });
  const { initContainers } = now.pod.spec;
  const spec = { ...now.pod.spec, containers: free(now.pod.spec.containers) ?? [], ...(initContainers === undefined ? {} : { initContainers: free(initContainers) ?? [] }) };
  const ports = clashing.map(({ port, protocol }) => `${port}/${protocol}`).join(", ");
  const text = `use another host port than ${ports}: on node ${real.name} ${taken.map(({ key }) => key).join(", ")} has it`;
  return { text, cost: 1, world: { ...now, pod: { ...now.pod, spec } } };
}

function concedeSpread(now: Hypothesis, real: NodeInfo): Concession {
  const hard = (now.pod.spec.topologySpreadConstraints ?? []).filter(({ whenUnsatisfiable }) => whenUnsatisfiable === "DoNotSchedule");
  const missing = hard.filter(({ topologyKey }) => real.labels[topologyKey] === undefined).map(({ topologyKey }) => topologyKey);
  const constraints = (now.pod.spec.topologySpreadConstraints ?? []).map((constraint) => ({ ...constraint, whenUnsatisfiable: "ScheduleAnyway" }));
  const keys = hard.map(({ topologyKey, maxSkew }) => `${topologyKey} (maxSkew ${maxSkew})`).join(", ");
  const text =
    missing.length > 0
      ? `label node ${real.name} with ${missing.join(" and ")}, or let the pod spread over ${keys} only where it can (ScheduleAnyway)`
      : `make room in the emptier domains of ${keys}, or let the pod spread only where it can (ScheduleAnyway)`;
  return { text, cost: 1.5, world: { ...now, pod: { ...now.pod, spec: { ...now.pod.spec, topologySpreadConstraints: constraints } } } };
}

function concedeAffinity(rejections: readonly Rejection[], now: Hypothesis, real: NodeInfo): Concession | undefined {
  const { affinity = {} } = now.pod.spec;
  const reasons = rejections.map(({ reason }) => reason).join(" ");
  if (reasons.includes("existing pods anti-affinity")) {
    const { labels: _given, ...metadata } = now.pod.metadata;
    const text = `give the pod labels that the anti-affinity of the pods on node ${real.name} does not select, or move those pods`;
    return { text, cost: 2, world: { ...now, pod: { ...now.pod, metadata } } };
  }
  if (reasons.includes("anti-affinity")) {
    const { requiredDuringSchedulingIgnoredDuringExecution: terms = [], ...others } = affinity.podAntiAffinity ?? {};
    const text = `loosen the pod's required pod anti-affinity over ${terms.map(({ topologyKey }) => topologyKey).join(", ")}, or move the pods that it selects away from node ${real.name}`;
    return { text, cost: 1.5, world: { ...now, pod: withAffinity(now.pod, { ...affinity, podAntiAffinity: others }) } };
  }
  const { requiredDuringSchedulingIgnoredDuringExecution: terms = [], ...others } = affinity.podAffinity ?? {};
  if (terms.length === 0) return undefined;
  const text = `loosen the pod's required pod affinity over ${terms.map(({ topologyKey }) => topologyKey).join(", ")}, or run a pod that it selects next to node ${real.name}`;
  return { text, cost: 1.5, world: { ...now, pod: withAffinity(now.pod, { ...affinity, podAffinity: others }) } };
}
