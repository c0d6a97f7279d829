import { customResourceDefinitions, validatingAdmissionPolicies } from "../../api/generated/resources.ts";
import { hasReason } from "../../meta/status-error.ts";
import { apiVersionOf } from "../../meta/resource.ts";
import type { Controller, ControllerDeps } from "../../reconcile/controller.ts";
import { expressionWarnings } from "../../server/admission/policy/type-check.ts";
import { enqueueSelf } from "../enqueue.ts";
import { kindTypes } from "./kind-types.ts";

const manager = "validatingadmissionpolicy-status";

/** Looks once at every generation of a policy whether its expressions fit what they are about. @upstream pkg/controller/validatingadmissionpolicystatus */
export function validatingAdmissionPolicyStatus({ client, informers }: ControllerDeps): Controller {
  const policies = informers.informer(validatingAdmissionPolicies);
  const definitions = informers.informer(customResourceDefinitions);
  return {
    name: manager,
    workers: 5,
    setup: (queue) => enqueueSelf(queue, policies),
    async reconcile(key, signal) {
      const policy = policies.lister.get(key);
      const { generation = 0 } = policy?.metadata ?? {};
      if (policy === undefined || generation <= (policy.status?.observedGeneration ?? 0)) return;
      const warnings = expressionWarnings(policy, kindTypes(definitions.lister.list()));
      const status = { observedGeneration: generation, typeChecking: warnings.length === 0 ? {} : { expressionWarnings: warnings } };
      const value = { apiVersion: apiVersionOf(validatingAdmissionPolicies), kind: validatingAdmissionPolicies.kind, metadata: { name: key }, status };
      try {
        await client.patch(validatingAdmissionPolicies, key, { type: "apply", value, force: true }, { fieldManager: manager, subresource: "status", signal });
      } catch (error) {
        if (!hasReason(error, "NotFound")) throw error;
      }
    },
  };
}
