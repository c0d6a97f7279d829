import type { Node, Pod } from "../../api/generated/types/core-v1.ts";

const outOfServiceTaint = "node.kubernetes.io/out-of-service";

export interface PodGcState {
  readonly pods: readonly Pod[];
  readonly node: (name: string) => Node | undefined;
  /** Finished pods beyond this many go; 0 keeps them all. */
  readonly terminatedThreshold: number;
}

export interface PodGcPlan {
  /** To be deleted at once, without grace. */
  readonly doomed: readonly { readonly pod: Pod; readonly why: "terminated" | "unscheduled" | "out-of-service" }[];
  /** Pods whose node is not known: theirs when it stays so. Node name to pods. */
  readonly nodeless: ReadonlyMap<string, readonly Pod[]>;
}

/** @upstream pkg/controller/podgc/gc_controller.go */
export function planPodGc({ pods, node, terminatedThreshold }: PodGcState): PodGcPlan {
  const doomed: { pod: Pod; why: "terminated" | "unscheduled" | "out-of-service" }[] = [];
  const nodeless = new Map<string, Pod[]>();
  for (const pod of pods) {
    const nodeName = pod.spec.nodeName ?? "";
    const terminating = pod.metadata.deletionTimestamp !== undefined;
    if (nodeName === "") {
      if (terminating) doomed.push({ pod, why: "unscheduled" });
      continue;
    }
    const host = node(nodeName);
    if (host === undefined) nodeless.set(nodeName, [...(nodeless.get(nodeName) ?? []), pod]);
    else if (terminating && isOutOfService(host)) doomed.push({ pod, why: "out-of-service" });
  }
  if (terminatedThreshold > 0) for (const pod of surplusTerminated(pods, terminatedThreshold)) doomed.push({ pod, why: "terminated" });
  return { doomed, nodeless };
}

/** Evicted pods first, then the oldest. */
function surplusTerminated(pods: readonly Pod[], threshold: number): readonly Pod[] {
  const finished = pods.filter((pod) => !["Pending", "Running", "Unknown"].includes(pod.status?.phase ?? ""));
  const surplus = finished.length - threshold;
  if (surplus <= 0) return [];
  const evicted = (pod: Pod): number => (pod.status?.reason === "Evicted" ? 0 : 1);
  const order = (pod: Pod): string => `${evicted(pod)} ${pod.metadata.creationTimestamp ?? ""} ${pod.metadata.name ?? ""}`;
  return [...finished].sort((a, b) => (order(a) < order(b) ? -1 : 1)).slice(0, surplus);
}

function isOutOfService(node: Node): boolean {
  const ready = node.status?.conditions?.find((condition) => condition.type === "Ready")?.status === "True";
  return !ready && node.spec.taints?.some((taint) => taint.key === outOfServiceTaint) === true;
}
