import type { Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateConditions, validateLabelSelector } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { podDisruptionBudgets } from "../generated/resources.ts";
import type { PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus } from "../generated/types/policy-v1.ts";
import { type IntOrPercent, validateIntOrPercent, validateWithin100Percent } from "../int-or-percent.ts";
import { kind } from "../kind.ts";

const evictionPolicies = ["AlwaysAllow", "IfHealthyBudget"];

/** @upstream pkg/registry/policy/poddisruptionbudget/strategy.go */
export const podDisruptionBudgetKind = kind<PodDisruptionBudget>({
  resource: podDisruptionBudgets,
  shortNames: ["pdb"],
  generation: "spec",
  defaults(draft) {
    draft.spec ??= {};
    draft.status = { ...noStatus(), ...draft.status };
  },
  prepareCreate(draft) {
    draft.status = noStatus();
  },
  validate: ({ spec }) => validateSpec(new FieldPath("spec"), spec),
  validateStatusUpdate: ({ status }) => validateStatus(new FieldPath("status"), status ?? {}),
  columns: [
    nameColumn,
    { name: "Min Available", type: "string", value: ({ spec }) => String(spec.minAvailable ?? "N/A") },
    { name: "Max Unavailable", type: "string", value: ({ spec }) => String(spec.maxUnavailable ?? "N/A") },
    { name: "Allowed Disruptions", type: "integer", value: ({ status }) => status?.disruptionsAllowed ?? 0 },
    ageColumn,
  ],
});

/** Counts are always written, so that readers need not know that absent is 0. */
const noStatus = (): Draft<PodDisruptionBudgetStatus> => ({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 });

/** @upstream pkg/apis/policy/validation/validation.go */
function* validateSpec(path: FieldPath, spec: PodDisruptionBudgetSpec): Iterable<FieldError> {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined) yield path.invalid(spec, "minAvailable and maxUnavailable cannot be both set");
  if (minAvailable !== undefined) yield* checkShare(path.child("minAvailable"), minAvailable);
  if (maxUnavailable !== undefined) yield* checkShare(path.child("maxUnavailable"), maxUnavailable);
  yield* validateLabelSelector(selector, path.child("selector"));
  if (policy !== undefined && !evictionPolicies.includes(policy)) yield path.child("unhealthyPodEvictionPolicy").notSupported(policy, evictionPolicies);
}

/** A number of pods, or at most 100 percent of them. */
const checkShare = (path: FieldPath, value: IntOrPercent): readonly FieldError[] => [...validateIntOrPercent(value, path), ...validateWithin100Percent(value, path)];

function* validateStatus(path: FieldPath, status: PodDisruptionBudgetStatus): Iterable<FieldError> {
  yield* validateConditions(status.conditions, path.child("conditions"));
  for (const field of ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] as const) {
    const value = status[field] ?? 0;
    if (value < 0) yield path.child(field).invalid(value, "must be greater than or equal to 0");
  }
}
