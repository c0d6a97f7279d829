import { FieldPath } from "../../meta/field-path.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { FieldError } from "../../meta/status-error.ts";
import type { HorizontalPodAutoscaler, HPAScalingPolicy, HPAScalingRules } from "../generated/types/autoscaling-v2.ts";
import { validateMetric } from "./validate-metrics.ts";
import { validateReference, validateReferenceVersion } from "./validate-reference.ts";

const maxPeriodSeconds = 1800;
const maxWindowSeconds = 3600;
const selectPolicies = ["Disabled", "Max", "Min"];
const policyTypes = ["Percent", "Pods"];

/** @upstream pkg/apis/autoscaling/validation/validation.go validateHorizontalPodAutoscalerSpec */
export function* validateAutoscaler({ spec }: HorizontalPodAutoscaler): Iterable<FieldError> {
  const path = new FieldPath("spec");
  const { minReplicas, maxReplicas, scaleTargetRef, metrics = [], behavior } = spec;
  if (minReplicas !== undefined && minReplicas < 1) yield path.child("minReplicas").invalid(minReplicas, "must be greater than or equal to 1");
  if (maxReplicas < 1) yield path.child("maxReplicas").invalid(maxReplicas, "must be greater than 0");
  if (minReplicas !== undefined && maxReplicas < minReplicas) yield path.child("maxReplicas").invalid(maxReplicas, "must be greater than or equal to `minReplicas`");
  yield* validateReference(path.child("scaleTargetRef"), scaleTargetRef);
  for (const [index, metric] of metrics.entries()) yield* validateMetric(path.child("metrics").index(index), metric);
  if (behavior?.scaleUp !== undefined) yield* validateRules(path.child("behavior", "scaleUp"), behavior.scaleUp);
  if (behavior?.scaleDown !== undefined) yield* validateRules(path.child("behavior", "scaleDown"), behavior.scaleDown);
}

/** Objects from before the check stay as they are, so it runs only for a new target. */
export function* validateScaleTarget({ spec: { scaleTargetRef } }: HorizontalPodAutoscaler, previous?: HorizontalPodAutoscaler): Iterable<FieldError> {
  const old = previous?.spec.scaleTargetRef;
  if (old !== undefined && old.apiVersion === scaleTargetRef.apiVersion && old.kind === scaleTargetRef.kind) return;
  yield* validateReferenceVersion(new FieldPath("spec.scaleTargetRef"), scaleTargetRef, { mayOmitGroup: scaleTargetRef.kind === "ReplicationController" });
}

/** @upstream validateScalingRules */
function* validateRules(path: FieldPath, { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance }: HPAScalingRules): Iterable<FieldError> {
  const windowPath = path.child("stabilizationWindowSeconds");
  if (window !== undefined && window < 0) yield windowPath.invalid(window, "must be greater than or equal to zero");
  if (window !== undefined && window > maxWindowSeconds) yield windowPath.invalid(window, `must be less than or equal to ${maxWindowSeconds}`);
  if (selectPolicy !== undefined && !selectPolicies.includes(selectPolicy)) yield path.child("selectPolicy").notSupported(selectPolicy, selectPolicies);
  if (policies.length === 0) yield path.child("policies").required("must specify at least one Policy");
  for (const [index, policy] of policies.entries()) yield* validatePolicy(path.child("policies").index(index), policy);
  if (tolerance !== undefined && Quantity.parse(tolerance).sign < 0) yield path.child("tolerance").invalid(tolerance, "must be greater than or equal to 0");
}

function* validatePolicy(path: FieldPath, { type = "", value = 0, periodSeconds = 0 }: Partial<HPAScalingPolicy>): Iterable<FieldError> {
  if (!policyTypes.includes(type)) yield path.child("type").notSupported(type, policyTypes);
  if (value <= 0) yield path.child("value").invalid(value, "must be greater than zero");
  const at = path.child("periodSeconds");
  if (periodSeconds <= 0) yield at.invalid(periodSeconds, "must be greater than zero");
  if (periodSeconds > maxPeriodSeconds) yield at.invalid(periodSeconds, `must be less than or equal to ${maxPeriodSeconds}`);
}

/** @upstream ValidateHorizontalPodAutoscalerStatusUpdate */
export function* validateAutoscalerStatus({ status }: HorizontalPodAutoscaler): Iterable<FieldError> {
  const path = new FieldPath("status");
  const { currentReplicas = 0, desiredReplicas = 0 } = status ?? {};
  if (currentReplicas < 0) yield path.child("currentReplicas").invalid(currentReplicas, "must be greater than or equal to 0");
  if (desiredReplicas < 0) yield path.child("desiredReplicas").invalid(desiredReplicas, "must be greater than or equal to 0");
}
