import type { SelfSubjectRulesReview, SubjectRulesReviewStatus } from "../../../api/generated/types/authorization-v1.ts";
import type { PolicyRule } from "../../../api/generated/types/rbac-v1.ts";
import { badRequest } from "../../../meta/status-error.ts";
import type { SpecialHandler } from "../../dispatch.ts";
import { answerReview, readReview } from "./read-review.ts";

/** POST selfsubjectrulesreviews: all that I may do in a namespace. @upstream pkg/registry/authorization/selfsubjectrulesreview/rest.go */
export const selfSubjectRulesReview: SpecialHandler = async (parts, context) => {
  const review = await readReview<SelfSubjectRulesReview>(context);
  const { namespace = "" } = review.spec;
  if (namespace === "") throw badRequest("no namespace on request");
  const { rules, incomplete } = parts.authorizer.userRules?.(context.user, namespace) ?? { rules: [], incomplete: "the authorizer does not support user rule resolution" };
  const status: SubjectRulesReviewStatus = {
    resourceRules: rules.filter(({ resources = [] }) => resources.length > 0).map(resourceRule),
    nonResourceRules: rules.filter(({ nonResourceURLs = [] }) => nonResourceURLs.length > 0).map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: incomplete !== undefined,
    ...(incomplete === undefined ? {} : { evaluationError: incomplete }),
  };
  return answerReview(parts, context, review, status);
};

function resourceRule({ verbs, apiGroups, resources, resourceNames }: PolicyRule): SubjectRulesReviewStatus["resourceRules"][number] {
  return {
    verbs,
    ...(apiGroups === undefined ? {} : { apiGroups }),
    ...(resources === undefined ? {} : { resources }),
    ...(resourceNames === undefined || resourceNames.length === 0 ? {} : { resourceNames }),
  };
}
