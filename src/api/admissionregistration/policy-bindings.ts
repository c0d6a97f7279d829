import type { Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { checkDnsSubdomain } from "../field-checks.ts";
import type { MutatingAdmissionPolicyBindingSpec } from "../generated/types/admissionregistration-v1.ts";
import type { Column } from "../kind.ts";
import { paramRefText, validateParamRef } from "./policy-parts.ts";
import { defaultMatchResources, validateMatchResources } from "./rules.ts";

// What the bindings of both kinds of admission policies share. @upstream pkg/apis/admissionregistration/validation/validation.go

export interface PolicyBinding extends KubeObject {
  readonly spec?: MutatingAdmissionPolicyBindingSpec | undefined;
}

export function defaultPolicyBinding({ spec }: Draft<PolicyBinding>): void {
  defaultMatchResources(spec?.matchResources);
}

export function* validatePolicyBinding({ spec = {} }: PolicyBinding): Iterable<FieldError> {
  const path = new FieldPath("spec");
  const { policyName = "", paramRef, matchResources } = spec;
  if (policyName === "") yield path.child("policyName").required();
  else yield* checkDnsSubdomain(path.child("policyName"), policyName);
  if (paramRef !== undefined) yield* validateParamRef(path.child("paramRef"), paramRef);
  if (matchResources !== undefined) yield* validateMatchResources(path.child("matchResources"), matchResources);
}

export const policyBindingColumns: readonly Column<PolicyBinding>[] = [
  nameColumn,
  { name: "PolicyName", type: "string", value: ({ spec }) => spec?.policyName ?? "" },
  { name: "ParamRef", type: "string", value: ({ spec }) => paramRefText(spec?.paramRef) },
  ageColumn,
];
