import type { SelfSubjectReview, TokenReview, TokenReviewStatus, UserInfo as ApiUserInfo } from "../../../api/generated/types/authentication-v1.ts";
import { badRequest, StatusError } from "../../../meta/status-error.ts";
import type { UserInfo } from "../../../meta/wire.ts";
import { allAuthenticated } from "../../authn/authenticator.ts";
import type { TokenAuthenticator } from "../../authn/bearer-tokens.ts";
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
    for (const authenticator of tokens) {
      const found = await authenticator.review(token, audiences);
      if (found === undefined) continue;
      const { user } = found;
      const groups = user.groups.includes(allAuthenticated) ? user.groups : [...user.groups, allAuthenticated];
      return { authenticated: true, user: userInfoOf({ ...user, groups }), audiences: found.audiences };
    }
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
  }
  return { user: {}, error: "invalid bearer token" };
}

function userInfoOf({ name, uid, groups, extra }: UserInfo): ApiUserInfo {
  return {
    username: name,
    ...(uid === undefined || uid === "" ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
  };
}
