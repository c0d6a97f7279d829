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
}

/** Decides at once, from state that it keeps current itself. */
export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision>;
  /** Every rule that holds for a user, cluster-wide and in a namespace; absent when it cannot be told. */
  rulesFor?(user: UserInfo, namespace: string): readonly PolicyRule[];
}
