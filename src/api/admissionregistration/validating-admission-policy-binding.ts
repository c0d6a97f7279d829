import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validatingAdmissionPolicyBindings } from "../generated/resources.ts";
import type { ValidatingAdmissionPolicyBinding } from "../generated/types/admissionregistration-v1.ts";
import { kind } from "../kind.ts";
import { defaultPolicyBinding, policyBindingColumns, validatePolicyBinding } from "./policy-bindings.ts";

const actions = ["Audit", "Deny", "Warn"];

/** @upstream pkg/registry/admissionregistration/validatingadmissionpolicybinding/strategy.go */
export const validatingAdmissionPolicyBindingKind = kind<ValidatingAdmissionPolicyBinding>({
  resource: validatingAdmissionPolicyBindings,
  categories: ["api-extensions"],
  generation: "spec",
  defaults(draft) {
    draft.spec ??= { policyName: "", validationActions: [] };
    defaultPolicyBinding(draft);
  },
  *validate(binding) {
    yield* validatePolicyBinding(binding);
    yield* validateActions(new FieldPath("spec.validationActions"), binding.spec.validationActions);
  },
  columns: policyBindingColumns,
});

/** @upstream pkg/apis/admissionregistration/validation/validation.go validateValidationActions */
function* validateActions(path: FieldPath, chosen: readonly string[] = []): Iterable<FieldError> {
  for (const [index, action] of chosen.entries()) {
    if (!actions.includes(action)) yield path.index(index).notSupported(action, actions);
    if (chosen.indexOf(action) < index) yield path.index(index).duplicate(action);
  }
  if (chosen.includes("Deny") && chosen.includes("Warn")) {
    yield path.invalid(chosen, "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)");
  }
  if (chosen.length === 0) yield path.required("at least one validation action is required");
}
