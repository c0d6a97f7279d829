import type { Namespace, Node, Pod } from "../../api/generated/types/core-v1.ts";
import type { APIService } from "../../api/generated/types/apiregistration-v1.ts";
import type { KubeObject } from "../../meta/object.ts";

/** What else is needed to say why something does not go away. */
export interface DeletionFacts {
  /** `kubectl`'s name of the object: `pod/web`. */
  readonly name: string;
  readonly namespaceFlag: string;
  readonly nowMs: number;
  /** Objects that the object owns and that block its foreground deletion, as `pod/web-1`. Undefined: not looked for. */
  readonly dependents?: readonly string[] | undefined;
  /** Pods that use a claim. */
  readonly users?: readonly string[] | undefined;
}

/** Who takes a finalizer off, where that is known. */
const keepers: Readonly<Record<string, string>> = {
  foregroundDeletion: "the garbage collector, once all that the object owns is gone",
  orphan: "the garbage collector, once what the object owns has been set free",
  "kubernetes.io/pvc-protection": "the cluster, once no pod uses the claim",
  "kubernetes.io/pv-protection": "the cluster, once no claim is bound to the volume",
  "kubernetes.io/pvc": "the cluster, once no pod uses the claim",
  "service.kubernetes.io/load-balancer-cleanup": "the load-balancer controller, once its address is given back",
  "batch.kubernetes.io/job-tracking": "the Job controller, once it has counted the pod",
  "customresourcecleanup.apiextensions.k8s.io": "the API server, once all objects of the definition are gone",
  "resource.kubernetes.io/delete-protection": "the cluster, once no pod uses the claim",
  kubernetes: "the namespace controller, once the namespace is empty",
};

/** Why an object that is being deleted is still there, in lines. */
export function deletionStory(object: KubeObject, facts: DeletionFacts): readonly string[] {
  const { deletionTimestamp, finalizers = [] } = object.metadata;
  if (deletionTimestamp === undefined) return [];
  const since = Math.max(0, Math.round((facts.nowMs - Date.parse(deletionTimestamp)) / 1000));
  const lines = [`${facts.name} is being deleted${since > 0 ? `, for ${since} s` : ""}`];
  for (const finalizer of finalizers) {
    const keeper = keepers[finalizer];
    lines.push(`  finalizer ${finalizer}: taken off by ${keeper ?? "whoever put it there; the cluster itself does not know it"}`);
    if (finalizer === "foregroundDeletion" && facts.dependents !== undefined)
      lines.push(facts.dependents.length === 0 ? "    nothing is left that blocks it" : `    still there: ${shortened(facts.dependents)}`);
    if (finalizer.startsWith("kubernetes.io/pvc") && facts.users !== undefined && facts.users.length > 0) lines.push(`    used by: ${shortened(facts.users)}`);
    if (keeper === undefined)
      lines.push(
        `    if its controller is gone for good: kubectl patch ${facts.name}${facts.namespaceFlag} --type=json -p '[{"op":"remove","path":"/metadata/finalizers/${finalizers.indexOf(finalizer)}"}]'`,
      );
  }
  return lines;
}

/** What a pod without finalizers waits for: its containers, or its node. */
export function podEndStory(pod: Pod, node: Node | "gone" | "unknown", nowMs: number): readonly string[] {
  const { nodeName = "" } = pod.spec;
  if (nodeName === "") return ["  it has no node: it should be gone at once"];
  if (node === "gone") return [`  its node ${nodeName} is gone: the pod garbage collector deletes it soon`];
  const ready = node === "unknown" ? undefined : node.status?.conditions?.find(({ type }) => type === "Ready");
  if (ready !== undefined && ready.status !== "True")
    return [
      `  its node ${nodeName} does not answer (${ready.reason ?? "NotReady"}): nobody can say that the containers have ended`,
      "    when the machine is switched off for good: kubectl delete node, or kubectl delete pod --force --grace-period=0",
    ];
  const left = Math.round((Date.parse(pod.metadata.deletionTimestamp ?? "") - nowMs) / 1000);
  const grace = pod.metadata.deletionGracePeriodSeconds ?? 0;
  return [left > 0 ? `  its containers have ${left} s of ${grace} s left to end` : "  its containers are over their time and are being killed"];
}

/** Why a namespace is still there: what is left in it, and what cannot even be listed. */
export function namespaceStory(namespace: Namespace, left: readonly string[], deadServices: readonly APIService[]): readonly string[] {
  const lines: string[] = [];
  for (const { type, status, reason = "", message = "" } of namespace.status?.conditions ?? [])
    if (status === "True" && type.startsWith("Namespace")) lines.push(`  ${type}: ${reason === "" ? "" : `${reason}: `}${message}`);
  for (const { metadata, status, spec } of deadServices) {
    const condition = status?.conditions?.find(({ type }) => type === "Available");
    lines.push(
      `  APIService ${metadata.name ?? ""} does not answer (${condition?.reason ?? "unknown"}): nobody knows what it holds`,
      `    bring the service ${spec.service?.namespace ?? ""}/${spec.service?.name ?? ""} back, or kubectl delete apiservice ${metadata.name ?? ""}`,
    );
  }
  if (left.length > 0) lines.push("  still in it:", ...left.map((line) => `    ${line}`));
  else if (deadServices.length === 0) lines.push("  nothing that you may see is left in it");
  return lines;
}

const MAX_NAMED = 10;

export function shortened(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return `${names.slice(0, MAX_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
