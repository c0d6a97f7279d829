import type { AdmissionPlugin } from "./admission.ts";
import { expressionChecks } from "./policy/expression-checks.ts";
import { mutatingPolicies } from "./policy/mutating-policies.ts";
import { validatingPolicies } from "./policy/validating-policies.ts";
import { mutatingWebhooks, validatingWebhooks } from "./webhook/webhooks.ts";

/** What objects of the API configure: policies and webhooks, in upstream's order. */
export function configuredAdmission(deps: Parameters<typeof mutatingWebhooks>[0]): readonly AdmissionPlugin[] {
  return [expressionChecks, mutatingPolicies(deps), mutatingWebhooks(deps), validatingPolicies(deps), validatingWebhooks(deps)];
}
