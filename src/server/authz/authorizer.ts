import type { PolicyRule } from "../../api/generated/types/rbac-v1.ts";
import type { UserInfo } from "../../meta/wire.ts";

/** What someone wants to do. Without `resource` it is a path. */
export interface AuthorizationAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  readonly isResource: boolean;
  readonly fieldSelector?: string | undefined;
  readonly labelSelector?: string | undefined;
}

export interface Decision {
  readonly verdict: "allow" | "deny" | "no-opinion";
  /** For the audit log and for administrators; shown to the user where upstream shows it. */
  readonly reason?: string;
  /** What kept somebody from deciding: a request that nobody allows then fails as a fault of the server's. */
  readonly error?: string;
}

/** What holds for a user, as far as it can be told without a request. */
export interface UserRules {
  readonly rules: readonly PolicyRule[];
  /** Why there may be more; absent: that is all. */
  readonly incomplete?: string;
}

/** Decides, at once where it can: from state that it keeps current itself. */
export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision>;
  /** Every rule that holds for a user, cluster-wide and in a namespace; absent when it has none of its own. */
  userRules?(user: UserInfo, namespace: string): UserRules;
}
