import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { mutatingAdmissionPolicies } from "../generated/resources.ts";
import type { MutatingAdmissionPolicy, Mutation } from "../generated/types/admissionregistration-v1.ts";
import { kind } from "../kind.ts";
import { validateMatchConditions } from "./match-conditions.ts";
import { paramKindText, validateParamKind, validateVariables } from "./policy-parts.ts";
import { defaultMatchResources, validateMatchResources } from "./rules.ts";
import { failurePolicies } from "./webhooks.ts";

const reinvocationPolicies = ["IfNeeded", "Never"];

/** @upstream pkg/registry/admissionregistration/mutatingadmissionpolicy/strategy.go */
export const mutatingAdmissionPolicyKind = kind<MutatingAdmissionPolicy>({
  resource: mutatingAdmissionPolicies,
  categories: ["api-extensions"],
  generation: "spec",
  defaults(draft) {
    draft.spec ??= {};
    draft.spec.failurePolicy ??= "Fail";
    draft.spec.reinvocationPolicy ??= "Never";
    defaultMatchResources(draft.spec.matchConstraints);
  },
  validate: validatePolicy,
  columns: [
    nameColumn,
    { name: "Mutations", type: "integer", value: ({ spec }) => (spec?.mutations ?? []).length },
    { name: "ParamKind", type: "string", value: ({ spec }) => paramKindText(spec?.paramKind) },
    ageColumn,
  ],
});

/** @upstream pkg/apis/admissionregistration/validation/validation.go validateMutatingAdmissionPolicySpec */
function* validatePolicy({ spec = {} }: MutatingAdmissionPolicy): Iterable<FieldError> {
  const path = new FieldPath("spec");
  const { failurePolicy, paramKind, matchConstraints, matchConditions = [], variables = [], mutations = [], reinvocationPolicy = "" } = spec;
  if (failurePolicy === undefined) yield path.child("failurePolicy").required();
  else if (!failurePolicies.includes(failurePolicy)) yield path.child("failurePolicy").notSupported(failurePolicy, failurePolicies);
  if (paramKind !== undefined) yield* validateParamKind(path.child("paramKind"), paramKind);
  const constraintsPath = path.child("matchConstraints");
  if (matchConstraints === undefined) yield constraintsPath.required();
  else {
    yield* validateMatchResources(constraintsPath, matchConstraints);
    if ((matchConstraints.resourceRules ?? []).length === 0) yield constraintsPath.child("resourceRules").required();
  }
  yield* validateMatchConditions(path.child("matchConditions"), matchConditions);
  yield* validateVariables(path.child("variables"), variables);
  if (mutations.length === 0) yield path.child("mutations").required("mutations must contain at least one item");
  for (const [index, mutation] of mutations.entries()) yield* validateMutation(path.child("mutations").index(index), mutation);
  if (reinvocationPolicy === "") yield path.child("reinvocationPolicy").required();
  else if (!reinvocationPolicies.includes(reinvocationPolicy)) yield path.child("reinvocationPolicy").notSupported(reinvocationPolicy, reinvocationPolicies);
}

function* validateMutation(path: FieldPath, { patchType = "", jsonPatch, applyConfiguration }: Partial<Mutation>): Iterable<FieldError> {
  const pairs = [
    { type: "ApplyConfiguration", field: "applyConfiguration", value: applyConfiguration },
    { type: "JSONPatch", field: "jsonPatch", value: jsonPatch },
  ];
  const own = pairs.find(({ type }) => type === patchType);
  if (patchType === "") yield path.child("patchType").required();
  else if (own === undefined)
    yield path.child("patchType").notSupported(
      patchType,
      pairs.map(({ type }) => type),
    );
  if (own === undefined) return;
  if (own.value === undefined) yield path.child(own.field).required(`must be specified when patchType is ${patchType}`);
  else if ((own.value.expression ?? "").trim() === "") yield path.child(own.field, "expression").required("expression is not specified");
  for (const other of pairs) if (other !== own && other.value !== undefined) yield path.child(other.field).forbidden(`must not be specified when patchType is ${patchType}`);
}
