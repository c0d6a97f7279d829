import type { ControllerRevision } from "../../api/generated/types/apps-v1.ts";
import type { PodTemplateSpec } from "../../api/generated/types/core-v1.ts";
import { deepEqual } from "../../base/values.ts";
import type { OwnerReference } from "../../meta/generated/meta-v1.ts";
import type { KubeObject } from "../../meta/object.ts";
import { hashOf } from "../template-hash.ts";

/** On pods: which revision they were made from. */
export const revisionHashLabel = "controller-revision-hash";

/** What a revision keeps: a patch that puts the template back, as `kubectl rollout undo` sends it. */
export function revisionData(template: PodTemplateSpec): unknown {
  return { spec: { template: { $patch: "replace", ...template } } };
}

/** The template a revision keeps. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const { $patch: _, ...template } = (revision.data as { readonly spec?: { readonly template?: Record<string, unknown> } } | undefined)?.spec?.template ?? {};
  return template as PodTemplateSpec;
}

/** Oldest first; the name decides between those of one number. */
export function byRevision(a: ControllerRevision, b: ControllerRevision): number {
  if (a.revision !== b.revision) return a.revision - b.revision;
  return (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
}

export interface NewRevision {
  readonly owner: KubeObject;
  readonly reference: OwnerReference;
  readonly template: PodTemplateSpec;
  readonly collisionCount: number | undefined;
  readonly revision: number;
  /** The label that carries the revision's hash. */
  readonly hashLabel: string;
}

/** The revision of the owner's present template. @upstream pkg/controller/history/controller_history.go NewControllerRevision */
export function newRevision({ owner, reference, template, collisionCount, revision, hashLabel }: NewRevision): ControllerRevision {
  const hash = hashOf(revisionData(template), collisionCount);
  const name = owner.metadata.name ?? "";
  const { annotations } = owner.metadata;
  return {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: {
      name: `${name.slice(0, 223)}-${hash}`,
      namespace: owner.metadata.namespace,
      labels: { ...template.metadata?.labels, [hashLabel]: hash },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [reference],
    },
    data: revisionData(template),
    revision,
  };
}

export interface HistoryPlan {
  /** The revision of the present template as it will stand. */
  readonly current: ControllerRevision;
  /** What must be done for that: it is new, or an old one becomes the newest again. */
  readonly change: "none" | "create" | "renumber";
}

/** Finds the present template's revision among those there are, newest first. */
export function planHistory(known: readonly ControllerRevision[], wanted: ControllerRevision): HistoryPlan {
  const sorted = [...known].sort(byRevision);
  const latest = sorted.at(-1)?.revision ?? 0;
  const same = sorted.filter((revision) => deepEqual(revision.data, wanted.data)).at(-1);
  if (same === undefined) return { current: { ...wanted, revision: latest + 1 }, change: "create" };
  if (same.revision === latest) return { current: same, change: "none" };
  return { current: { ...same, revision: latest + 1 }, change: "renumber" };
}

/** The oldest revisions beyond the limit that neither pods nor the owner's status name. */
export function surplusRevisions(known: readonly ControllerRevision[], inUse: (revision: ControllerRevision) => boolean, limit: number): readonly ControllerRevision[] {
  const idle = [...known].sort(byRevision).filter((revision) => !inUse(revision));
  return idle.slice(0, Math.max(0, idle.length - limit));
}
