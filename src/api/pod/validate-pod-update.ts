import { deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { rangeError } from "../../meta/validation.ts";
import type { Affinity, Container, NodeAffinity, NodeSelectorTerm, Pod, PodSchedulingGate, PodSpec, Toleration } from "../generated/types/core-v1.ts";
import { changeText } from "../change-text.ts";
import { isBlank } from "./choice.ts";
import { validatePodAnnotationUpdate } from "./validate-pod-annotations.ts";

const path = new FieldPath("spec");
const largestInt32 = 2 ** 31 - 1;
const updatable = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

/**
 * What may change of a pod that is there: images, a shorter deadline, more tolerations, fewer gates, and while gates
 * hold it where it may go. @upstream pkg/apis/core/validation/validation.go ValidatePodUpdate
 */
export function validatePodUpdate(next: Pod, previous: Pod): FieldError[] {
  const errors = validatePodAnnotationUpdate(next.metadata.annotations, previous.metadata.annotations, new FieldPath("metadata.annotations"));
  for (const list of ["containers", "initContainers"] as const) {
    const [now, before] = [next.spec[list] ?? [], previous.spec[list] ?? []];
    if (now.length !== before.length) return [...errors, path.child(list).forbidden("pod updates may not add or remove containers")];
  }
  const deadline = validateDeadline(next.spec.activeDeadlineSeconds, previous.spec.activeDeadlineSeconds);
  errors.push(...deadline);
  if (deadline.length > 0 && next.spec.activeDeadlineSeconds !== undefined) return errors;
  errors.push(
    ...validateTolerations(next.spec.tolerations ?? [], previous.spec.tolerations ?? []),
    ...validateGates(next.spec.schedulingGates ?? [], previous.spec.schedulingGates ?? []),
  );
  if (deepEqual(next.spec, previous.spec)) return errors;
  let allowed = withUpdatableFields(next.spec, previous.spec);
  if ((previous.spec.schedulingGates ?? []).length > 0) {
    const gated = validateGated(allowed, previous.spec);
    errors.push(...gated.errors);
    allowed = gated.spec;
  }
  if (!deepEqual(allowed, previous.spec)) errors.push(path.forbidden(`pod updates may not change fields other than ${updatable}\n${changeText(previous.spec, allowed)}`));
  return errors;
}

/** The new spec with what may change put back: equal to the old one unless something else has changed. */
function withUpdatableFields(next: PodSpec, previous: PodSpec): PodSpec {
  const images = (now: readonly Container[] | undefined, before: readonly Container[] | undefined) =>
    now?.map((container, index) => ({ ...container, image: before?.[index]?.image }));
  const { terminationGracePeriodSeconds: grace } = previous;
  const restored = grace !== undefined && grace < 0 && next.terminationGracePeriodSeconds === 1 ? grace : next.terminationGracePeriodSeconds;
  return {
    ...next,
    containers: images(next.containers, previous.containers) ?? [],
    initContainers: images(next.initContainers, previous.initContainers),
    activeDeadlineSeconds: previous.activeDeadlineSeconds,
    schedulingGates: previous.schedulingGates,
    tolerations: previous.tolerations,
    terminationGracePeriodSeconds: restored,
  };
}

function validateDeadline(next: number | undefined, previous: number | undefined): FieldError[] {
  const place = path.child("activeDeadlineSeconds");
  if (next === undefined) return previous === undefined ? [] : [place.invalid(undefined, "must not update from a positive integer to nil value")];
  if (next < 0 || next > largestInt32) return [place.invalid(next, rangeError(0, largestInt32))];
  return previous !== undefined && previous < next ? [place.invalid(next, "must be less than or equal to previous value")] : [];
}

/** Those that were there stay, but for their seconds. @upstream validateOnlyAddedTolerations */
function validateTolerations(next: readonly Toleration[], previous: readonly Toleration[]): FieldError[] {
  const kept = previous.every((old) => next.some((now) => deepEqual({ ...old, tolerationSeconds: now.tolerationSeconds }, now)));
  return kept ? [] : [path.child("tolerations").forbidden("existing toleration can not be modified except its tolerationSeconds")];
}

/** @upstream validateOnlyDeletedSchedulingGates */
function validateGates(next: readonly PodSchedulingGate[], previous: readonly PodSchedulingGate[]): FieldError[] {
  return next.flatMap(({ name }, index) =>
    previous.some((old) => old.name === name)
      ? []
      : [path.child("schedulingGates").index(index).child("name").forbidden(`only deletion is allowed, but found new scheduling gate '${name}'`)],
  );
}

/** While gates hold a pod its node selector and node affinity may be narrowed. */
function validateGated(next: PodSpec, previous: PodSpec): { readonly spec: PodSpec; readonly errors: readonly FieldError[] } {
  const errors: FieldError[] = [];
  const widened = Object.entries(previous.nodeSelector ?? {}).some(([key, value]) => next.nodeSelector?.[key] !== value);
  if (widened) errors.push(path.child("nodeSelector").invalid(next.nodeSelector ?? {}, "only additions to spec.nodeSelector are allowed (no mutations or deletions)"));
  const [now, before] = [next.affinity?.nodeAffinity, previous.affinity?.nodeAffinity];
  errors.push(...validateNarrowed(now, before));
  return { spec: { ...next, nodeSelector: previous.nodeSelector, affinity: deepEqual(now, before) ? next.affinity : withNodeAffinity(next.affinity, previous.affinity) }, errors };
}

function withNodeAffinity(next: Affinity | undefined, previous: Affinity | undefined): Affinity | undefined {
  const affinity: Affinity = { ...next, nodeAffinity: previous?.nodeAffinity };
  return previous === undefined && affinity.podAffinity === undefined && affinity.podAntiAffinity === undefined ? undefined : affinity;
}

/** @upstream validateNodeAffinityMutation */
function validateNarrowed(next: NodeAffinity | undefined, previous: NodeAffinity | undefined): FieldError[] {
  const before = previous?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const now = next?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const place = path.child("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms");
  if (before.length === 0) return [];
  if (before.length !== now.length) return [place.invalid(now, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")];
  return before.flatMap((old, index) => {
    const term = now[index] ?? {};
    return onlyAdds(term, old) ? [] : [place.index(index).invalid(term, "only additions are allowed (no mutations or deletions)")];
  });
}

function onlyAdds(next: NodeSelectorTerm, previous: NodeSelectorTerm): boolean {
  const lists = ["matchExpressions", "matchFields"] as const;
  // A term without requirements matches nothing; adding one would let it match.
  if (lists.every((list) => (previous[list] ?? []).length === 0)) return lists.every((list) => (next[list] ?? []).length === 0);
  return lists.every((list) => deepEqual((next[list] ?? []).slice(0, (previous[list] ?? []).length), previous[list] ?? []));
}

/** What holds when a pod is made, and need not later. @upstream ValidatePodCreate */
export function validatePodCreate({ spec }: Pod): FieldError[] {
  const errors: FieldError[] = [];
  if ((spec.ephemeralContainers ?? []).length > 0) errors.push(path.child("ephemeralContainers").forbidden("cannot be set on create"));
  if (!isBlank(spec.nodeName) && (spec.schedulingGates ?? []).length > 0)
    errors.push(path.child("nodeName").forbidden("cannot be set until all schedulingGates have been cleared"));
  return errors;
}
