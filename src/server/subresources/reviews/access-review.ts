import type {
  LocalSubjectAccessReview,
  NonResourceAttributes,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
  SubjectAccessReviewStatus,
} from "../../../api/generated/types/authorization-v1.ts";
import { badRequest, type FieldError } from "../../../meta/status-error.ts";
import type { UserInfo } from "../../../meta/wire.ts";
import type { AuthorizationAttributes } from "../../authz/authorizer.ts";
import type { ServerParts } from "../../context.ts";
import type { SpecialHandler } from "../../dispatch.ts";
import { selectorErrors, selectorsOf } from "./question-selectors.ts";
import { answerReview, metadataErrors, readReview, refuseReview } from "./read-review.ts";

interface Question {
  readonly resourceAttributes?: ResourceAttributes | undefined;
  readonly nonResourceAttributes?: NonResourceAttributes | undefined;
}

/** POST selfsubjectaccessreviews: may I? @upstream pkg/registry/authorization/selfsubjectaccessreview/rest.go */
export const selfSubjectAccessReview: SpecialHandler = async (parts, context) => {
  const review = await readReview<SelfSubjectAccessReview>(context);
  refuseReview(context, [...questionErrors(review.spec), ...metadataErrors(review, false)]);
  return answerReview(parts, context, review, await decide(parts, context.user, review.spec));
};

/** POST subjectaccessreviews: may they? @upstream pkg/registry/authorization/subjectaccessreview/rest.go */
export const subjectAccessReview: SpecialHandler = async (parts, context) => {
  const review = await readReview<SubjectAccessReview>(context);
  refuseReview(context, [...questionErrors(review.spec), ...subjectErrors(review.spec), ...metadataErrors(review, false)]);
  return answerReview(parts, context, review, await decide(parts, subjectOf(review.spec), review.spec));
};

/** POST localsubjectaccessreviews: may they, in this namespace? @upstream pkg/registry/authorization/localsubjectaccessreview/rest.go */
export const localSubjectAccessReview: SpecialHandler = async (parts, context) => {
  const { namespace } = context.target;
  const review = await readReview<LocalSubjectAccessReview>(context);
  const given = review.metadata.namespace ?? "";
  if (given !== "" && given !== namespace) throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  review.metadata.namespace = namespace;
  refuseReview(context, [...questionErrors(review.spec), ...subjectErrors(review.spec), ...metadataErrors(review, true), ...localErrors(review.spec, namespace)]);
  return answerReview(parts, context, review, await decide(parts, subjectOf(review.spec), review.spec));
};

async function decide(parts: ServerParts, user: UserInfo, question: Question): Promise<SubjectAccessReviewStatus> {
  const { verdict, reason = "", error } = await parts.authorizer.authorize(attributesOfQuestion(user, question));
  const problems = [...(question.resourceAttributes === undefined ? [] : selectorsOf(question.resourceAttributes).problems), ...(error === undefined ? [] : [error])];
  return {
    allowed: verdict === "allow",
    ...(verdict === "deny" ? { denied: true } : {}),
    ...(reason === "" ? {} : { reason }),
    ...(problems.length === 0 ? {} : { evaluationError: problems.join(", ") }),
  };
}

export function attributesOfQuestion(user: UserInfo, { resourceAttributes: about, nonResourceAttributes }: Question): AuthorizationAttributes {
  const nothing = { group: "", version: "", resource: "", subresource: "", namespace: "", name: "" };
  if (about === undefined) return { ...nothing, user, verb: nonResourceAttributes?.verb ?? "", path: nonResourceAttributes?.path ?? "", isResource: false };
  const { verb = "", group = "", version = "", resource = "", subresource = "", namespace = "", name = "" } = about;
  const { problems: _, ...selectors } = selectorsOf(about);
  return { user, verb, group, version, resource, subresource, namespace, name, path: "", isResource: true, ...selectors };
}

export function subjectOf({ user = "", uid, groups = [], extra }: SubjectAccessReviewSpec): UserInfo {
  return { name: user, groups, ...(uid === undefined || uid === "" ? {} : { uid }), ...(extra === undefined ? {} : { extra }) };
}

export function* questionErrors({ resourceAttributes, nonResourceAttributes }: Question): Generator<FieldError> {
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const detail = "cannot be specified in combination with resourceAttributes";
    yield { type: "FieldValueInvalid", field: "spec.nonResourceAttributes", value: nonResourceAttributes, detail };
  }
  if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
    const detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    yield { type: "FieldValueInvalid", field: "spec.resourceAttributes", value: null, detail };
  }
  if (resourceAttributes !== undefined) yield* selectorErrors(resourceAttributes);
}

export function* subjectErrors({ user = "", groups = [] }: SubjectAccessReviewSpec): Generator<FieldError> {
  if (user === "" && groups.length === 0) yield { type: "FieldValueInvalid", field: "spec.user", value: user, detail: "at least one of user or group must be specified" };
}

function* localErrors({ resourceAttributes, nonResourceAttributes }: Question, namespace: string): Generator<FieldError> {
  if (resourceAttributes !== undefined && (resourceAttributes.namespace ?? "") !== namespace)
    yield { type: "FieldValueInvalid", field: "spec.resourceAttributes.namespace", value: resourceAttributes.namespace ?? "", detail: "must match metadata.namespace" };
  if (nonResourceAttributes !== undefined)
    yield { type: "FieldValueInvalid", field: "spec.nonResourceAttributes", value: nonResourceAttributes, detail: "disallowed on this kind of request" };
}
