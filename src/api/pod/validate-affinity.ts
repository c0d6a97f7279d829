import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsLabelErrors, dnsSubdomainErrors, invalidEach, labelValueErrors, validateLabelName, validateLabelSelector } from "../../meta/validation.ts";
import type { Affinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinity, PodAffinityTerm } from "../generated/types/core-v1.ts";
import type { Unchecked } from "../unchecked.ts";
import { isBlank } from "./choice.ts";
import { validateLabelKeys } from "./validate-label-keys.ts";

/** @upstream pkg/apis/core/validation/validation.go validateAffinity */
export function validateAffinity({ nodeAffinity, podAffinity, podAntiAffinity }: Affinity, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (nodeAffinity !== undefined) {
    const place = path.child("nodeAffinity");
    const { requiredDuringSchedulingIgnoredDuringExecution: required, preferredDuringSchedulingIgnoredDuringExecution: preferred } = nodeAffinity;
    if (required !== undefined) errors.push(...validateNodeSelector(required, place.child("requiredDuringSchedulingIgnoredDuringExecution")));
    for (const [index, { weight, preference = {} }] of (preferred ?? []).entries()) {
      const term = place.child("preferredDuringSchedulingIgnoredDuringExecution").index(index);
      errors.push(...validateWeight(weight, term.child("weight")), ...validateNodeSelectorTerm(preference, term.child("preference"), { anyValues: true }));
    }
  }
  if (podAffinity !== undefined) errors.push(...validatePodAffinity(podAffinity, path.child("podAffinity")));
  if (podAntiAffinity !== undefined) errors.push(...validatePodAffinity(podAntiAffinity, path.child("podAntiAffinity")));
  return errors;
}

/** At least one term. PersistentVolumes hold these too. @upstream ValidateNodeSelector */
export function validateNodeSelector({ nodeSelectorTerms = [] }: Unchecked<NodeSelector>, path: FieldPath): FieldError[] {
  const place = path.child("nodeSelectorTerms");
  if (nodeSelectorTerms.length === 0) return [place.required("must have at least one node selector term")];
  return nodeSelectorTerms.flatMap((term, index) => validateNodeSelectorTerm(term, place.index(index), { anyValues: false }));
}

function validateNodeSelectorTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, path: FieldPath, options: { readonly anyValues: boolean }): FieldError[] {
  return [
    ...matchExpressions.flatMap((requirement, index) => validateRequirement(requirement, path.child("matchExpressions").index(index), options)),
    ...matchFields.flatMap((requirement, index) => validateFieldRequirement(requirement, path.child("matchFields").index(index))),
  ];
}

/** `anyValues`: values that are no label values pass; they match no node. */
function validateRequirement(
  { key = "", operator = "", values = [] }: Unchecked<NodeSelectorRequirement>,
  path: FieldPath,
  { anyValues }: { readonly anyValues: boolean },
): FieldError[] {
  const errors: FieldError[] = [];
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) errors.push(path.child("values").required("must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0) errors.push(path.child("values").forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else if (operator === "Gt" || operator === "Lt") {
    if (values.length !== 1) errors.push(path.child("values").required("must be specified single value when `operator` is 'Lt' or 'Gt'"));
  } else errors.push(path.child("operator").invalid(operator, "not a valid selector operator"));
  errors.push(...validateLabelName(key, path.child("key")));
  if (!anyValues) for (const [index, value] of values.entries()) errors.push(...invalidEach(path.child("values").index(index), value, labelValueErrors(value)));
  return errors;
}

function validateFieldRequirement({ key = "", operator = "", values = [] }: Unchecked<NodeSelectorRequirement>, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== "In" && operator !== "NotIn") errors.push(path.child("operator").invalid(operator, "not a valid selector operator"));
  else if (values.length !== 1) errors.push(path.child("values").required("must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  if (key !== "metadata.name") errors.push(path.child("key").invalid(key, "not a valid field selector key"));
  else for (const [index, value] of values.entries()) errors.push(...invalidEach(path.child("values").index(index), value, dnsSubdomainErrors(value)));
  return errors;
}

function validatePodAffinity(affinity: PodAffinity, path: FieldPath): FieldError[] {
  const { requiredDuringSchedulingIgnoredDuringExecution: required = [], preferredDuringSchedulingIgnoredDuringExecution: preferred = [] } = affinity;
  return [
    ...required.flatMap((term, index) => validateTerm(term, path.child("requiredDuringSchedulingIgnoredDuringExecution").index(index))),
    ...preferred.flatMap(({ weight, podAffinityTerm }, index) => {
      const place = path.child("preferredDuringSchedulingIgnoredDuringExecution").index(index);
      return [...validateWeight(weight, place.child("weight")), ...validateTerm(podAffinityTerm ?? {}, place.child("podAffinityTerm"))];
    }),
  ];
}

const validateWeight = (weight: number | undefined, path: FieldPath): FieldError[] =>
  weight === undefined || weight <= 0 || weight > 100 ? [path.invalid(weight ?? 0, "must be in the range 1-100")] : [];

function validateTerm(term: Unchecked<PodAffinityTerm>, path: FieldPath): FieldError[] {
  const { labelSelector, namespaceSelector, namespaces = [], matchLabelKeys = [], mismatchLabelKeys = [], topologyKey = "" } = term;
  const errors = [...validateLabelSelector(labelSelector, path.child("labelSelector")), ...validateLabelSelector(namespaceSelector, path.child("namespaceSelector"))];
  for (const name of namespaces) errors.push(...invalidEach(path.child("namespace"), name, dnsLabelErrors(name)));
  errors.push(
    ...validateLabelKeys(matchLabelKeys, labelSelector, path.child("matchLabelKeys"), path),
    ...validateLabelKeys(mismatchLabelKeys, labelSelector, path.child("mismatchLabelKeys")),
  );
  for (const [index, key] of matchLabelKeys.entries())
    if (mismatchLabelKeys.includes(key)) errors.push(path.child("matchLabelKeys").index(index).invalid(key, "exists in both matchLabelKeys and mismatchLabelKeys"));
  if (isBlank(topologyKey)) errors.push(path.child("topologyKey").required("can not be empty"));
  return [...errors, ...validateLabelName(topologyKey, path.child("topologyKey"))];
}
