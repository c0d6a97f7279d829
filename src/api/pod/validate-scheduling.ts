import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { append, invalidEach, labelValueErrors, qualifiedNameErrors, validateLabelName, validateLabelSelector } from "../../meta/validation.ts";
import type { PodSchedulingGate, Toleration, TopologySpreadConstraint } from "../generated/types/core-v1.ts";
import type { Unchecked } from "../unchecked.ts";
import { unsupported } from "./choice.ts";
import { validateLabelKeys } from "./validate-label-keys.ts";

const taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** @upstream pkg/apis/core/validation/validation.go validateTaintEffect */
export function validateTaintEffect(effect: string, path: FieldPath): FieldError[] {
  if (effect === "") return [path.required()];
  return taintEffects.includes(effect) ? [] : [unsupported(path, effect, taintEffects)];
}

/** Also those of a RuntimeClass. @upstream ValidateTolerations */
export function validateTolerations(tolerations: readonly Toleration[], path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { key = "", operator = "", value = "", effect = "", tolerationSeconds }] of tolerations.entries()) {
    const place = path.index(index);
    if (key !== "") append(errors, validateLabelName(key, place.child("key")));
    if (key === "" && operator !== "Exists")
      errors.push(place.child("operator").invalid(operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"'));
    if (tolerationSeconds !== undefined && effect !== "NoExecute") errors.push(place.child("effect").invalid(effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    if (operator === "" || operator === "Equal") {
      const wrong = labelValueErrors(value);
      if (wrong.length > 0) errors.push(place.child("operator").invalid(value, wrong.join(";")));
    } else if (operator === "Exists") {
      if (value !== "") errors.push(place.child("operator").invalid(value, "value must be empty when `operator` is 'Exists'"));
    } else errors.push(unsupported(place.child("operator"), operator, ["Equal", "Exists"]));
    if (effect !== "") append(errors, validateTaintEffect(effect, place.child("effect")));
  }
  return errors;
}

/** @upstream validateSchedulingGates */
export function validateSchedulingGates(gates: readonly Unchecked<PodSchedulingGate>[], path: FieldPath): FieldError[] {
  const seen = new Set<string>();
  return gates.flatMap(({ name = "" }, index) => {
    const errors = invalidEach(path.index(index), name, qualifiedNameErrors(name));
    if (seen.has(name)) errors.push(path.index(index).duplicate(name));
    seen.add(name);
    return errors;
  });
}

const spreadActions = ["DoNotSchedule", "ScheduleAnyway"];
const inclusionPolicies = ["Honor", "Ignore"];

/** @upstream validateTopologySpreadConstraints */
export function validateTopologySpread(constraints: readonly Unchecked<TopologySpreadConstraint>[], path: FieldPath): FieldError[] {
  return constraints.flatMap((constraint, index) => {
    const place = path.index(index);
    const { maxSkew = 0, topologyKey = "", whenUnsatisfiable: action = "", minDomains, nodeAffinityPolicy, nodeTaintsPolicy, matchLabelKeys = [], labelSelector } = constraint;
    const errors: FieldError[] = [];
    if (maxSkew <= 0) errors.push(place.child("maxSkew").invalid(maxSkew, "must be greater than zero"));
    if (topologyKey === "") errors.push(place.child("topologyKey").required("can not be empty"));
    if (!spreadActions.includes(action)) errors.push(place.child("whenUnsatisfiable").notSupported(action, spreadActions));
    if (constraints.slice(index + 1).some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === action))
      errors.push(place.child("{topologyKey, whenUnsatisfiable}").duplicate(`{${topologyKey}, ${action}}`));
    if (minDomains !== undefined) {
      if (minDomains <= 0) errors.push(place.child("minDomains").invalid(minDomains, "must be greater than zero"));
      if (action !== "DoNotSchedule") errors.push(place.child("minDomains").invalid(minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`));
    }
    if (nodeAffinityPolicy !== undefined && !inclusionPolicies.includes(nodeAffinityPolicy))
      errors.push(place.child("nodeAffinityPolicy").notSupported(nodeAffinityPolicy, inclusionPolicies));
    if (nodeTaintsPolicy !== undefined && !inclusionPolicies.includes(nodeTaintsPolicy))
      errors.push(place.child("nodeTaintsPolicy").notSupported(nodeTaintsPolicy, inclusionPolicies));
    const keysPath = place.child("matchLabelKeys");
    errors.push(...validateLabelKeys(matchLabelKeys, labelSelector, keysPath, keysPath), ...validateLabelSelector(labelSelector, place.child("labelSelector")));
    return errors;
  });
}
