import type { Authorizer, Decision } from "./authorizer.ts";

const ALLOW: Decision = { verdict: "allow" };
const NO_OPINION: Decision = { verdict: "no-opinion" };

/** Whoever is in the group may do everything: it comes before all modes, so that a cluster's own parts go on working. @upstream apiserver/pkg/authorization/authorizerfactory */
export const privilegedGroup = (group: string): Authorizer => ({ authorize: ({ user }) => (user.groups.includes(group) ? ALLOW : NO_OPINION) });

/** `--authorization-mode AlwaysAllow` */
export const alwaysAllow: Authorizer = {
  authorize: () => ALLOW,
  userRules: () => ({
    rules: [
      { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
      { verbs: ["*"], nonResourceURLs: ["*"] },
    ],
  }),
};

/** `--authorization-mode AlwaysDeny`: says nothing in favour of anybody, as upstream's. */
export const alwaysDeny: Authorizer = { authorize: () => ({ verdict: "no-opinion", reason: "Everything is forbidden." }), userRules: () => ({ rules: [] }) };
