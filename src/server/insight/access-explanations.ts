import type { AccessExplanation } from "../../api/insight/access-explanation.ts";
import type { SpecialHandler } from "../dispatch.ts";
import { questionErrors, subjectErrors, attributesOfQuestion, subjectOf } from "../subresources/reviews/access-review.ts";
import { answerReview, metadataErrors, readReview, refuseReview } from "../subresources/reviews/read-review.ts";
import type { RbacAuthorizer } from "../authz/rbac-authorizer.ts";
import { explainAccess } from "./explain-access.ts";

/** POST accessexplanations: why is a request allowed or denied? */
export function accessExplanation(rbac: RbacAuthorizer): SpecialHandler {
  return async (parts, context) => {
    const review = await readReview<AccessExplanation>(context);
    const spec = review.spec ?? {};
    refuseReview(context, [...questionErrors(spec), ...subjectErrors(spec), ...metadataErrors(review, false)]);
    const attributes = attributesOfQuestion(subjectOf(spec), spec);
    const decision = await parts.authorizer.authorize(attributes);
    return answerReview(parts, context, review, explainAccess(attributes, decision, rbac));
  };
}
