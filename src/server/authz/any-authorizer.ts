import type { PolicyRule } from "../../api/generated/types/rbac-v1.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { AuthorizationAttributes, Authorizer, Decision } from "./authorizer.ts";

/** Asks one after the other until one has an opinion. @upstream apiserver/pkg/authorization/union */
export class AnyAuthorizer implements Authorizer {
  readonly #authorizers: readonly Authorizer[];

  constructor(authorizers: readonly Authorizer[]) {
    this.#authorizers = authorizers;
  }

  async authorize(attributes: AuthorizationAttributes): Promise<Decision> {
    const reasons: string[] = [];
    for (const authorizer of this.#authorizers) {
      const pending = authorizer.authorize(attributes);
      const decision = "verdict" in pending ? pending : await pending;
      if (decision.verdict !== "no-opinion") return decision;
      if (decision.reason !== undefined && decision.reason !== "") reasons.push(decision.reason);
    }
    return { verdict: "no-opinion", reason: reasons.join("\n") };
  }

  rulesFor(user: UserInfo, namespace: string): readonly PolicyRule[] {
    return this.#authorizers.flatMap((authorizer) => authorizer.rulesFor?.(user, namespace) ?? []);
  }
}
