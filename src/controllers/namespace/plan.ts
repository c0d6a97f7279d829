import type { NamespaceCondition, Pod } from "../../api/generated/types/core-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import type { GroupResource } from "../../meta/resource.ts";
import { discoveryFailureText } from "../discover-resources.ts";
import { isPodTerminal } from "../pods/pod-state.ts";

/** What is left of one resource in a namespace. */
export interface Remaining extends GroupResource {
  readonly count: number;
  /** Finalizer to how many objects carry it. */
  readonly finalizers: ReadonlyMap<string, number>;
}

/** What one pass over a namespace's content found. */
export interface Findings {
  /** Group and version to why it could not be asked. */
  readonly discoveryFailures: ReadonlyMap<string, string>;
  readonly deletionFailures: readonly string[];
  readonly remaining: readonly Remaining[];
}

type Verdict = readonly [type: string, failed: boolean, reason: string, message: string];

function verdicts({ discoveryFailures, deletionFailures, remaining }: Findings): readonly Verdict[] {
  const left = remaining.filter(({ count }) => count > 0);
  const finalizers = new Map<string, number>();
  for (const { finalizers: own } of remaining) for (const [name, count] of own) finalizers.set(name, (finalizers.get(name) ?? 0) + count);
  const resourceTexts = left.map(({ resource, group, count }) => `${resource}.${group} has ${count} resource instances`).sort();
  const finalizerTexts = [...finalizers].map(([name, count]) => `${name} in ${count} resource instances`).sort();
  return [
    discoveryFailures.size === 0
      ? ["NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered", "All resources successfully discovered"]
      : [
          "NamespaceDeletionDiscoveryFailure",
          true,
          "DiscoveryFailed",
          `Discovery failed for some groups, ${discoveryFailures.size} failing: ${discoveryFailureText(discoveryFailures)}`,
        ],
    ["NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions", "All legacy kube types successfully parsed"],
    deletionFailures.length === 0
      ? ["NamespaceDeletionContentFailure", false, "ContentDeleted", "All content successfully deleted, may be waiting on finalization"]
      : [
          "NamespaceDeletionContentFailure",
          true,
          "ContentDeletionFailed",
          `Failed to delete all resource types, ${deletionFailures.length} remaining: ${deletionFailures.length === 1 ? deletionFailures[0] : `[${deletionFailures.join(", ")}]`}`,
        ],
    left.length === 0
      ? ["NamespaceContentRemaining", false, "ContentRemoved", "All content successfully removed"]
      : ["NamespaceContentRemaining", true, "SomeResourcesRemain", `Some resources are remaining: ${resourceTexts.join(", ")}`],
    finalizerTexts.length === 0
      ? ["NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers", "All content-preserving finalizers finished"]
      : ["NamespaceFinalizersRemaining", true, "SomeFinalizersRemain", `Some content in the namespace has finalizers remaining: ${finalizerTexts.join(", ")}`],
  ];
}

/**
 * The conditions after a pass. A condition that was never bad and is not bad now is reported as good, too; one whose
 * status, reason and message stay keeps its time. @upstream pkg/controller/namespace/deletion/status_condition_utils.go
 */
export function namespaceConditions(before: readonly NamespaceCondition[] | undefined, findings: Findings, nowMs: number): readonly NamespaceCondition[] {
  const next = [...(before ?? [])];
  for (const [type, failed, reason, message] of verdicts(findings)) {
    const status = failed ? "True" : "False";
    const index = next.findIndex((condition) => condition.type === type);
    const old = next[index];
    if (old !== undefined && old.status === status && old.reason === reason && old.message === message) continue;
    const lastTransitionTime = old !== undefined && old.status === status ? old.lastTransitionTime : rfc3339(nowMs);
    const condition = { type, status, reason, message, lastTransitionTime };
    if (old === undefined) next.push(condition);
    else next[index] = condition;
  }
  return next;
}

/** How long the slowest pod may still take to end, in seconds; 0 once that long has passed since the namespace was deleted. */
export function podGraceSeconds(pods: readonly Pod[], deletedForMs: number): number {
  let estimate = 0;
  for (const pod of pods) if (!isPodTerminal(pod)) estimate = Math.max(estimate, pod.spec.terminationGracePeriodSeconds ?? 0);
  return deletedForMs >= estimate * 1000 ? 0 : estimate;
}

export function remainingOf(resource: GroupResource, objects: readonly { readonly metadata: { readonly finalizers?: readonly string[] | undefined } }[]): Remaining {
  const finalizers = new Map<string, number>();
  for (const { metadata } of objects) for (const name of metadata.finalizers ?? []) finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
  return { group: resource.group, resource: resource.resource, count: objects.length, finalizers };
}
