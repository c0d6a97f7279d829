import { mutatingAdmissionPolicyBindings } from "../generated/resources.ts";
import type { MutatingAdmissionPolicyBinding } from "../generated/types/admissionregistration-v1.ts";
import { kind } from "../kind.ts";
import { defaultPolicyBinding, policyBindingColumns, validatePolicyBinding } from "./policy-bindings.ts";

/** @upstream pkg/registry/admissionregistration/mutatingadmissionpolicybinding/strategy.go */
export const mutatingAdmissionPolicyBindingKind = kind<MutatingAdmissionPolicyBinding>({
  resource: mutatingAdmissionPolicyBindings,
  categories: ["api-extensions"],
  generation: "spec",
  defaults(draft) {
    draft.spec ??= {};
    defaultPolicyBinding(draft);
  },
  validate: validatePolicyBinding,
  columns: policyBindingColumns,
});
