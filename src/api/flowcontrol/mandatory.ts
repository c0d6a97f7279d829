import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { deepEqual } from "../../base/values.ts";
import type { FlowSchemaSpec, PolicyRulesWithSubjects, PriorityLevelConfigurationSpec, Subject } from "../generated/types/flowcontrol-v1.ts";

/** Every request of some groups, for a resource or not. */
export function everythingOf(subjects: readonly Subject[]): PolicyRulesWithSubjects {
  return {
    subjects,
    resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] }],
    nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
  };
}

export const groupSubject = (name: string): Subject => ({ kind: "Group", group: { name } });

/** FlowSchemas without which no server can do, by name. @upstream apiserver/pkg/apis/flowcontrol/bootstrap/default.go */
export const mandatoryFlowSchemas: ReadonlyMap<string, FlowSchemaSpec> = new Map([
  ["exempt", { priorityLevelConfiguration: { name: "exempt" }, matchingPrecedence: 1, rules: [everythingOf([groupSubject("system:masters")])] }],
  [
    "catch-all",
    {
      priorityLevelConfiguration: { name: "catch-all" },
      matchingPrecedence: 10_000,
      distinguisherMethod: { type: "ByUser" },
      rules: [everythingOf([groupSubject("system:unauthenticated"), groupSubject("system:authenticated")])],
    },
  ],
]);

/** Priority levels without which no server can do, by name. @upstream apiserver/pkg/apis/flowcontrol/bootstrap/default.go */
export const mandatoryPriorityLevels: ReadonlyMap<string, PriorityLevelConfigurationSpec> = new Map([
  ["exempt", { type: "Exempt", exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }],
  ["catch-all", { type: "Limited", limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: "Reject" } } }],
]);

/** @upstream pkg/apis/flowcontrol/validation/validation.go ValidateFlowSchema */
export function* checkFixedSchema(path: FieldPath, name: string, spec: FlowSchemaSpec): Iterable<FieldError> {
  const fixed = mandatoryFlowSchemas.get(name);
  if (fixed !== undefined && !deepEqual(fixed, spec)) yield path.invalid(spec, `spec of '${name}' must equal the fixed value`);
}

/** Of the exempt level an administrator may set what it lends. @upstream pkg/apis/flowcontrol/validation/validation.go validateIfMandatoryPriorityLevelConfigurationObject */
export function* checkFixedLevel(path: FieldPath, name: string, spec: PriorityLevelConfigurationSpec): Iterable<FieldError> {
  const fixed = mandatoryPriorityLevels.get(name);
  if (fixed === undefined) return;
  if (name === "exempt") {
    if (!sameButExempt(fixed, spec)) yield path.invalid(spec, `spec of '${name}' except the 'spec.exempt' field must equal the fixed value`);
  } else if (!deepEqual(fixed, spec)) yield path.invalid(spec, `spec of '${name}' must equal the fixed value`);
}

/** Whether two specs differ in `exempt` at most. */
export function sameButExempt(one: PriorityLevelConfigurationSpec, other: PriorityLevelConfigurationSpec): boolean {
  return deepEqual({ ...one, exempt: undefined }, { ...other, exempt: undefined });
}
