import type { Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsLabelErrors, invalidEach, validateNonnegative } from "../../meta/validation.ts";
import { validateClaimSpec } from "../core/persistent-volume-claim-validation.ts";
import type { StatefulSet, StatefulSetSpec } from "../generated/types/apps-v1.ts";
import type { PodTemplateSpec } from "../generated/types/core-v1.ts";
import { unchecked } from "../unchecked.ts";
import { numberIn, validateIntOrPercent, validateWithin100Percent } from "../int-or-percent.ts";
import { isBlank, unsupported } from "../pod/choice.ts";
import { validateLastingTemplate, validatePodTemplate } from "../pod/validate-pod-template.ts";
import { validateWorkloadSelector } from "../workload-selector.ts";

const path = new FieldPath("spec");
const retentionPolicies = ["Retain", "Delete"];

/** MaxUnavailableStatefulSet is off in v1.36: the field counts only where it stands already. @upstream pkg/registry/apps/statefulset/strategy.go dropStatefulSetDisabledFields */
export function dropMaxUnavailable({ spec }: Draft<StatefulSet>, previous: StatefulSet | undefined): void {
  if (previous?.spec.updateStrategy?.rollingUpdate?.maxUnavailable === undefined) delete spec.updateStrategy?.rollingUpdate?.maxUnavailable;
}

/** @upstream pkg/apis/apps/validation/validation.go ValidateStatefulSetSpec */
export function validateStatefulSet({ spec }: StatefulSet): FieldError[] {
  const place = path.child("template");
  const { template = {}, podManagementPolicy: management, serviceName } = unchecked(spec);
  const errors: FieldError[] = [];
  if (isBlank(management)) errors.push(path.child("podManagementPolicy").required());
  else if (management !== "OrderedReady" && management !== "Parallel") errors.push(path.child("podManagementPolicy").invalid(management, "must be 'OrderedReady' or 'Parallel'"));
  errors.push(...validateStrategy(spec, path.child("updateStrategy")));
  for (const field of ["whenDeleted", "whenScaled"] as const) {
    const policy = spec.persistentVolumeClaimRetentionPolicy?.[field];
    if (policy !== undefined && !retentionPolicies.includes(policy)) errors.push(unsupported(path.child("persistentVolumeClaimRetentionPolicy", field), policy, retentionPolicies));
  }
  errors.push(
    ...validateNonnegative(spec.replicas ?? 0, path.child("replicas")),
    ...validateNonnegative(spec.minReadySeconds ?? 0, path.child("minReadySeconds")),
    ...validateNonnegative(spec.revisionHistoryLimit ?? 0, path.child("revisionHistoryLimit")),
    ...validateNonnegative(spec.ordinals?.start ?? 0, path.child("ordinals.start")),
    ...validateWorkloadSelector(spec, "statefulset", path),
    ...validatePodTemplate(withClaims(template, spec), place),
    ...validateLastingTemplate(template, "StatefulSet", place),
    ...(isBlank(serviceName) ? [] : invalidEach(path.child("serviceName"), serviceName, dnsLabelErrors(serviceName))),
  );
  for (const [index, claim] of (spec.volumeClaimTemplates ?? []).entries())
    errors.push(...validateClaimSpec(path.child("volumeClaimTemplates").index(index).child("spec"), claim.spec ?? {}));
  return errors;
}

/** The template as its pods will have it: each claim template stands for a volume of its name. */
function withClaims(template: PodTemplateSpec, { volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  if (template.spec === undefined || volumeClaimTemplates.length === 0) return template;
  const names = volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? "");
  const others = (template.spec.volumes ?? []).filter(({ name }) => !names.includes(name));
  return { ...template, spec: { ...template.spec, volumes: [...others, ...names.map((name) => ({ name, persistentVolumeClaim: { claimName: name } }))] } };
}

function validateStrategy({ updateStrategy = {} }: StatefulSetSpec, place: FieldPath): FieldError[] {
  const { type, rollingUpdate } = updateStrategy;
  const rolling = place.child("rollingUpdate");
  if (isBlank(type)) return [place.required()];
  if (type === "OnDelete") return rollingUpdate === undefined ? [] : [rolling.invalid(rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")];
  if (type !== "RollingUpdate") return [place.invalid(updateStrategy, "must be 'RollingUpdate' or 'OnDelete'")];
  const { partition = 0, maxUnavailable } = rollingUpdate ?? {};
  const errors = validateNonnegative(partition, rolling.child("partition"));
  if (maxUnavailable === undefined) return errors;
  errors.push(...validateIntOrPercent(maxUnavailable, rolling.child("maxUnavailable")));
  if (numberIn(maxUnavailable) === 0) errors.push(rolling.child("maxUnavailable").invalid(maxUnavailable, "cannot be 0"));
  return [...errors, ...validateWithin100Percent(maxUnavailable, rolling.child("maxUnavailable"))];
}
