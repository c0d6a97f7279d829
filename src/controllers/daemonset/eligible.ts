import { daemonSets } from "../../api/generated/resources.ts";
import type { DaemonSet } from "../../api/generated/types/apps-v1.ts";
import type { NodeSelectorTerm, PodSpec, Toleration } from "../../api/generated/types/core-v1.ts";
import type { Node, Pod } from "../../api/generated/types/core-v1.ts";
import { revisionHashLabel } from "../history/revisions.ts";
import { fitsNode } from "../pods/node-affinity.ts";
import { type NewPodObject, podFromTemplate } from "../pods/pod-from-template.ts";
import { tolerates } from "../pods/tolerations.ts";

export const templateGenerationLabel = "pod-template-generation";
const templateGenerationAnnotation = "deprecated.daemonset.template.generation";
const taint = (name: string): string => `node.kubernetes.io/${name}`;

/** What every daemon endures, so that it stays and comes where other pods would not. @upstream pkg/controller/daemon/util AddOrUpdateDaemonPodTolerations */
function daemonTolerations(spec: PodSpec): readonly Toleration[] {
  const added: Toleration[] = [
    ...["not-ready", "unreachable"].map((name) => ({ key: taint(name), operator: "Exists", effect: "NoExecute" })),
    ...["disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"].map((name) => ({ key: taint(name), operator: "Exists", effect: "NoSchedule" })),
    ...(spec.hostNetwork === true ? [{ key: taint("network-unavailable"), operator: "Exists", effect: "NoSchedule" }] : []),
  ];
  const own = (spec.tolerations ?? []).filter((toleration) => !added.some(({ key, effect }) => key === toleration.key && effect === toleration.effect));
  return [...own, ...added];
}

/** Whether a daemon belongs on the node, and whether one that is there may stay. @upstream daemon_controller.go NodeShouldRunDaemonPod */
export function eligibility(set: DaemonSet, node: Node): { readonly shouldRun: boolean; readonly mayStay: boolean } {
  const spec = set.spec.template.spec ?? { containers: [] };
  const elsewhere = spec.nodeName !== undefined && spec.nodeName !== "" && spec.nodeName !== node.metadata.name;
  if (elsewhere || !fitsNode(spec, node)) return { shouldRun: false, mayStay: false };
  const tolerations = daemonTolerations(spec);
  const intolerable = (node.spec.taints ?? []).filter((each) => each.effect !== "PreferNoSchedule" && !tolerations.some((toleration) => tolerates(toleration, each)));
  return { shouldRun: intolerable.length === 0, mayStay: !intolerable.some(({ effect }) => effect === "NoExecute") };
}

/** The daemon of one node: the scheduler may put it nowhere else. */
export function daemonPod(set: DaemonSet, nodeName: string, hash: string): NewPodObject {
  const pod = podFromTemplate(set.spec.template, set, daemonSets);
  const generation = set.metadata.annotations?.[templateGenerationAnnotation];
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: { ...pod.metadata.labels, ...(generation === undefined ? {} : { [templateGenerationLabel]: generation }), [revisionHashLabel]: hash },
    },
    spec: { ...pod.spec, tolerations: daemonTolerations(pod.spec), affinity: pinnedTo(pod.spec, nodeName) },
  };
}

function pinnedTo({ affinity }: PodSpec, nodeName: string): PodSpec["affinity"] {
  const matchFields = [{ key: "metadata.name", operator: "In", values: [nodeName] }];
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const pinned: readonly NodeSelectorTerm[] = terms === undefined || terms.length === 0 ? [{ matchFields }] : terms.map((term) => ({ ...term, matchFields }));
  return { ...affinity, nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: pinned } } };
}

/** The node a daemon runs on, or is meant for while it is not scheduled. */
export function nodeOf(pod: Pod): string {
  if (pod.spec.nodeName !== undefined && pod.spec.nodeName !== "") return pod.spec.nodeName;
  for (const { matchFields = [] } of pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []) {
    const pin = matchFields.find(({ key, operator, values }) => key === "metadata.name" && operator === "In" && values?.length === 1);
    if (pin !== undefined) return pin.values?.[0] ?? "";
  }
  return "";
}
