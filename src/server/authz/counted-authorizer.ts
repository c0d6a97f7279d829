import type { Counter } from "../../base/metrics.ts";
import type { AuthorizationAttributes, Authorizer, Decision } from "./authorizer.ts";

/** Counts what an authorizer decides: `apiserver_authorization_decisions_total` by type, name and decision. @upstream apiserver/pkg/authorization/metrics */
export function countedAuthorizer(options: { readonly type: string; readonly name: string }, deps: { readonly authorizer: Authorizer; readonly decisions: Counter }): Authorizer {
  const allowed = [options.type, options.name, "allowed"];
  const denied = [options.type, options.name, "denied"];
  const { authorizer, decisions } = deps;
  const count = (decision: Decision): Decision => {
    if (decision.verdict === "allow") decisions.inc(allowed);
    else if (decision.verdict === "deny") decisions.inc(denied);
    return decision;
  };
  return {
    authorize(attributes: AuthorizationAttributes) {
      const decision = authorizer.authorize(attributes);
      return "verdict" in decision ? count(decision) : decision.then(count);
    },
    ...(authorizer.userRules === undefined ? {} : { userRules: (user, namespace) => authorizer.userRules?.(user, namespace) ?? { rules: [] } }),
  };
}
