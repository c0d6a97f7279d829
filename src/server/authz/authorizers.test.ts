import { describe, expect, it } from "vitest";
import { AbacAuthorizer, readAbacPolicies } from "./abac-authorizer.ts";
import { alwaysAllow, alwaysDeny, privilegedGroup } from "./always.ts";
import { AnyAuthorizer } from "./any-authorizer.ts";
import type { AuthorizationAttributes, Authorizer, Decision } from "./authorizer.ts";
import { countedAuthorizer } from "./counted-authorizer.ts";

const attributes: AuthorizationAttributes = {
  user: { name: "jane", groups: ["devs"] },
  verb: "get",
  group: "apps",
  version: "v1",
  resource: "deployments",
  subresource: "",
  namespace: "team",
  name: "a",
  path: "",
  isResource: true,
};
const saying = (decision: Decision, isLate = false): Authorizer => ({ authorize: () => (isLate ? Promise.resolve(decision) : decision) });

describe("several authorizers", () => {
  it("stop at the first opinion, at once or late", async () => {
    for (const isLate of [false, true]) {
      const none = saying({ verdict: "no-opinion", reason: "r", error: "e" }, isLate);
      expect(await new AnyAuthorizer([none, saying({ verdict: "allow", reason: "yes" }, isLate), saying({ verdict: "deny" })]).authorize(attributes)).toEqual({
        verdict: "allow",
        reason: "yes",
      });
      expect(await new AnyAuthorizer([none, saying({ verdict: "deny" }, isLate), alwaysAllow]).authorize(attributes)).toEqual({ verdict: "deny" });
      expect(await new AnyAuthorizer([none, none, alwaysDeny]).authorize(attributes)).toEqual({
        verdict: "no-opinion",
        reason: "r\nr\nEverything is forbidden.",
        error: "[e, e]",
      });
    }
    expect(new AnyAuthorizer([alwaysAllow]).authorize(attributes)).not.toBeInstanceOf(Promise);
  });

  it("let the privileged do everything before all others", () => {
    const authorizer = new AnyAuthorizer([privilegedGroup("system:masters"), saying({ verdict: "deny" })]);
    expect(authorizer.authorize({ ...attributes, user: { name: "x", groups: ["system:masters"] } })).toEqual({ verdict: "allow" });
    expect(authorizer.authorize(attributes)).toEqual({ verdict: "deny" });
  });

  it("say together what holds for a user, and why there may be more", () => {
    const webhook: Authorizer = { authorize: () => ({ verdict: "no-opinion" }), userRules: () => ({ rules: [], incomplete: "who knows" }) };
    expect(new AnyAuthorizer([alwaysAllow, webhook, privilegedGroup("a")]).userRules(attributes.user, "")).toEqual({
      rules: [
        { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
        { verbs: ["*"], nonResourceURLs: ["*"] },
      ],
      incomplete: "who knows",
    });
  });

  it("are counted when they decide", async () => {
    const counted: string[] = [];
    const decisions = { inc: (labels: readonly string[] = []) => void counted.push(labels.join(" ")) };
    const count = (authorizer: Authorizer) => countedAuthorizer({ type: "Webhook", name: "w" }, { authorizer, decisions }).authorize(attributes);
    await count(saying({ verdict: "allow" }, true));
    await count(saying({ verdict: "deny" }));
    await count(saying({ verdict: "no-opinion" }));
    expect(counted).toEqual(["Webhook w allowed", "Webhook w denied"]);
  });
});

describe("policies of a file", () => {
  const line = (spec: object): string => JSON.stringify({ apiVersion: "abac.authorization.kubernetes.io/v1beta1", kind: "Policy", spec });
  const allows = (spec: object, change: Partial<AuthorizationAttributes> = {}): boolean =>
    new AbacAuthorizer(readAbacPolicies(line(spec))).authorize({ ...attributes, ...change }).verdict === "allow";

  it.each<[boolean, object, Partial<AuthorizationAttributes>?]>([
    [true, { user: "jane", namespace: "team", resource: "deployments", apiGroup: "apps" }],
    [true, { user: "*", namespace: "*", resource: "*", apiGroup: "*" }],
    [true, { group: "devs", namespace: "*", resource: "*", apiGroup: "*" }],
    [false, { group: "ops", namespace: "*", resource: "*", apiGroup: "*" }],
    [false, { user: "jane", group: "ops", namespace: "*", resource: "*", apiGroup: "*" }],
    [false, { namespace: "*", resource: "*", apiGroup: "*" }],
    [false, { user: "jane", namespace: "team", resource: "deployments" }],
    [false, { user: "jane", resource: "deployments", apiGroup: "apps" }],
    [true, { user: "jane", namespace: "*", resource: "*", apiGroup: "*", readonly: true }],
    [false, { user: "jane", namespace: "*", resource: "*", apiGroup: "*", readonly: true }, { verb: "delete" }],
    [true, { user: "jane", nonResourcePath: "/healthz*" }, { isResource: false, path: "/healthz/ping" }],
    [true, { user: "jane", nonResourcePath: "*" }, { isResource: false, path: "/x" }],
    [false, { user: "jane", nonResourcePath: "/healthz" }, { isResource: false, path: "/healthz/ping" }],
    [false, { user: "jane", namespace: "*", resource: "*", apiGroup: "*" }, { isResource: false, path: "/x" }],
  ])("%s: %o %o", (expected, spec, change = {}) => {
    expect(allows(spec, change)).toBe(expected);
  });

  it("are read line by line, strictly", () => {
    expect(readAbacPolicies(`# comment\n\n${line({ user: "a" })}\n`)).toEqual([{ user: "a" }]);
    expect(() => readAbacPolicies(`${line({ user: "a" })}\n{}`)).toThrow("line 2: it must be a Policy");
    expect(() => readAbacPolicies(line({ usr: "a" }))).toThrow("line 1: spec.usr is not a field");
    expect(() => readAbacPolicies("{")).toThrow("line 1: ");
  });
});
