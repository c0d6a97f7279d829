import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from "../../api/generated/types/apiextensions-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import type { Acceptance } from "./accept-names.ts";
import { approvalOf, isProtectedGroup } from "./api-approval.ts";

type Condition = Omit<CustomResourceDefinitionCondition, "lastTransitionTime">;
type Conditions = readonly CustomResourceDefinitionCondition[];

export const isTrue = ({ status }: CustomResourceDefinition, type: string): boolean => status?.conditions?.some((one) => one.type === type && one.status === "True") === true;

/** The conditions with one set anew in its place; its time changes with its status. */
export function withCondition(conditions: Conditions, condition: Condition, nowMs: number): Conditions {
  const known = conditions.find(({ type }) => type === condition.type);
  const lastTransitionTime = known?.status === condition.status && known.lastTransitionTime !== undefined ? known.lastTransitionTime : rfc3339(nowMs);
  const next = { ...condition, lastTransitionTime };
  return known === undefined ? [...conditions, next] : conditions.map((one) => (one === known ? next : one));
}

/**
 * How a definition stands: its names, whether it is served, and whether its group's owners approve. Pure.
 * @upstream apiextensions-apiserver/pkg/controller/{status,establish,apiapproval}
 */
export function statusOf(definition: CustomResourceDefinition, { names, conflict }: Acceptance, nowMs: number): NonNullable<CustomResourceDefinition["status"]> {
  const { metadata, spec, status = {} } = definition;
  let conditions: Conditions = withCondition(
    status.conditions ?? [],
    conflict === undefined
      ? { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" }
      : { type: "NamesAccepted", status: "False", reason: conflict.reason, message: conflict.message },
    nowMs,
  );
  // Once it is served it goes on being served.
  if (!isTrue(definition, "Established"))
    conditions = withCondition(
      conditions,
      conflict === undefined
        ? { type: "Established", status: "True", reason: "InitialNamesAccepted", message: "the initial names have been accepted" }
        : { type: "Established", status: "False", reason: "NotAccepted", message: "not all names are accepted" },
      nowMs,
    );
  if (isProtectedGroup(spec.group)) {
    const { state, message } = approvalOf(metadata.annotations);
    const approved = state === "ApprovedAnnotation" ? "True" : "False";
    conditions = withCondition(conditions, { type: "KubernetesAPIApprovalPolicyConformant", status: approved, reason: state, message }, nowMs);
  }
  return { ...status, conditions: [...conditions], acceptedNames: names };
}
