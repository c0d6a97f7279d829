import type { Deployment, ReplicaSet } from "../../api/generated/types/apps-v1.ts";

export const revisionAnnotation = "deployment.kubernetes.io/revision";
export const revisionHistoryAnnotation = "deployment.kubernetes.io/revision-history";
export const desiredReplicasAnnotation = "deployment.kubernetes.io/desired-replicas";
export const maxReplicasAnnotation = "deployment.kubernetes.io/max-replicas";

const notCopied = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  "deprecated.deployment.rollback.to",
]);

/** The history annotation is cut from the front beyond this many characters. */
const historyLength = 2000;

type Annotations = { readonly [key: string]: string };

/** An annotation as a whole number; undefined when absent or something else. */
export function numberAnnotation(set: ReplicaSet, name: string): number | undefined {
  const text = set.metadata.annotations?.[name];
  return text !== undefined && /^-?[0-9]+$/.test(text) ? Number(text) : undefined;
}

export function revisionOf(set: ReplicaSet): number {
  return numberAnnotation(set, revisionAnnotation) ?? 0;
}

/** The highest revision among the sets; 0 when there is none. */
export function maxRevision(sets: readonly ReplicaSet[]): number {
  return sets.reduce((most, set) => Math.max(most, revisionOf(set)), 0);
}

export function replicasAnnotations(desired: number, max: number): Annotations {
  return { [desiredReplicasAnnotation]: String(desired), [maxReplicasAnnotation]: String(max) };
}

/**
 * What the newest set's annotations should be: the deployment's own, its revision and those it had. A revision that it
 * leaves behind is remembered in revision-history. @upstream pkg/controller/deployment/util/deployment_util.go SetNewReplicaSetAnnotations
 */
export function newSetAnnotations(deployment: Deployment, current: Annotations, revision: number): Annotations {
  const next: Record<string, string> = { ...current };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) if (!notCopied.has(key)) next[key] = value;
  const oldText = current[revisionAnnotation];
  if (oldText !== undefined && oldText !== "" && !/^-?[0-9]+$/.test(oldText)) return next;
  if (Number(oldText ?? "0") >= revision) return next;
  next[revisionAnnotation] = String(revision);
  if (oldText !== undefined) next[revisionHistoryAnnotation] = appendHistory(current[revisionHistoryAnnotation], oldText);
  return next;
}

function appendHistory(history: string | undefined, revision: string): string {
  const revisions = history === undefined || history === "" ? [] : history.split(",");
  revisions.push(revision);
  while (revisions.length > 1 && revisions.join(",").length > historyLength) revisions.shift();
  return revisions.join(",");
}
