import type { SelfSubjectReview, TokenReview, TokenReviewStatus, UserInfo as ApiUserInfo } from "../../../api/generated/types/authentication-v1.ts";
import { badRequest } from "../../../meta/status-error.ts";
import type { UserInfo } from "../../../meta/wire.ts";
import { allAuthenticated } from "../../authn/authenticator.ts";
import { reviewToken, type TokenAuthenticator } from "../../authn/bearer-tokens.ts";
import { TokenRefused } from "../../authn/token-refused.ts";
import type { SpecialHandler } from "../../dispatch.ts";
import { answerReview, metadataErrors, readReview, refuseReview } from "./read-review.ts";

/** POST selfsubjectreviews: who am I? @upstream pkg/registry/authentication/selfsubjectreview/rest.go */
export const selfSubjectReview: SpecialHandler = async (parts, context) => {
  const review = await readReview<SelfSubjectReview>(context);
  return answerReview(parts, context, review, { userInfo: userInfoOf(context.user) });
};

/** POST tokenreviews: whose is this token? @upstream pkg/registry/authentication/tokenreview/storage.go */
export function tokenReview(tokens: readonly TokenAuthenticator[], ownAudiences: readonly string[]): SpecialHandler {
  return async (parts, context) => {
    const review = await readReview<TokenReview>(context);
    refuseReview(context, [...metadataErrors(review, false)]);
    if ((review.spec.token ?? "") === "") throw badRequest("token is required for TokenReview in authentication");
    const wanted = review.spec.audiences ?? [];
    return answerReview(parts, context, review, await verdictOn(tokens, review.spec.token ?? "", wanted.length === 0 ? ownAudiences : wanted));
  };
}

async function verdictOn(tokens: readonly TokenAuthenticator[], token: string, audiences: readonly string[]): Promise<TokenReviewStatus> {
  try {
    const { user, audiences: common } = await reviewToken(tokens, token, audiences);
    const groups = user.groups.includes(allAuthenticated) ? user.groups : [...user.groups, allAuthenticated];
    return { authenticated: true, user: userInfoOf({ ...user, groups }), audiences: common };
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    return { user: {}, error: error.message };
  }
}

function userInfoOf({ name, uid, groups, extra }: UserInfo): ApiUserInfo {
  return {
    username: name,
    ...(uid === undefined || uid === "" ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
  };
}
