import type { UserInfo } from "../../meta/wire.ts";
import type { AuthorizationAttributes, Authorizer, Decision, UserRules } from "./authorizer.ts";

/** An authorizer whose place another can take at any time; a question is answered by the one that it was put to. */
export class ReplaceableAuthorizer implements Authorizer {
  #current: Authorizer;

  constructor(authorizer: Authorizer) {
    this.#current = authorizer;
  }

  replace(authorizer: Authorizer): void {
    this.#current = authorizer;
  }

  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision> {
    return this.#current.authorize(attributes);
  }

  userRules(user: UserInfo, namespace: string): UserRules {
    return this.#current.userRules?.(user, namespace) ?? { rules: [] };
  }
}
