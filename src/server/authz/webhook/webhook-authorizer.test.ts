import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../base/virtual-clock.ts";
import { ReviewError } from "../../review-webhook/review-webhook.ts";
import type { AuthorizationAttributes } from "../authorizer.ts";
import { compileMatchCondition } from "./match-conditions.ts";
import { reviewSpecOf } from "./review-spec.ts";
import { WebhookAuthorizer, type WebhookAuthorizerOptions } from "./webhook-authorizer.ts";

const jane = { name: "jane", uid: "7", groups: ["devs"], extra: { "example.org/team": ["a"] } };
const listPods: AuthorizationAttributes = {
  user: jane,
  verb: "list",
  group: "",
  version: "v1",
  resource: "pods",
  subresource: "",
  namespace: "team",
  name: "",
  path: "",
  isResource: true,
};

function world(options: Partial<WebhookAuthorizerOptions> = {}) {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const asked: unknown[] = [];
  const state: { status: { readonly [field: string]: unknown } | Error } = { status: { allowed: true } };
  const webhook = {
    ask: (spec: unknown) => {
      asked.push(spec);
      return state.status instanceof Error ? Promise.reject(state.status) : Promise.resolve(state.status);
    },
  };
  const all: WebhookAuthorizerOptions = { name: "w", version: "v1", authorizedTtlMs: 300_000, unauthorizedTtlMs: 30_000, failurePolicy: "NoOpinion", conditions: [], ...options };
  const authorizer = new WebhookAuthorizer(all, { webhook, clock });
  return { clock, asked, state, authorizer, decide: async (change: Partial<AuthorizationAttributes> = {}) => authorizer.authorize({ ...listPods, ...change }) };
}

describe("a webhook that decides", () => {
  it.each<[object, object]>([
    [
      { allowed: true, reason: "yes" },
      { verdict: "allow", reason: "yes" },
    ],
    [
      { allowed: false, reason: "not mine" },
      { verdict: "no-opinion", reason: "not mine" },
    ],
    [
      { allowed: false, denied: true, reason: "never" },
      { verdict: "deny", reason: "never" },
    ],
    [
      { allowed: true, denied: true },
      { verdict: "deny", error: "webhook subject access review returned both allow and deny response" },
    ],
    [{}, { verdict: "no-opinion" }],
  ])("answers %o", async (status, decision) => {
    const { state, decide } = world();
    state.status = status as typeof state.status;
    expect(await decide()).toEqual(decision);
  });

  it("is sent the whole question, selectors too", async () => {
    const { asked, decide } = world();
    await decide({ fieldSelector: "spec.nodeName=n1,metadata.name!=x", labelSelector: "app in (a,b),!old,tier" });
    expect(asked).toEqual([
      {
        user: "jane",
        uid: "7",
        groups: ["devs"],
        extra: { "example.org/team": ["a"] },
        resourceAttributes: {
          namespace: "team",
          verb: "list",
          version: "v1",
          resource: "pods",
          fieldSelector: {
            requirements: [
              { key: "spec.nodeName", operator: "In", values: ["n1"] },
              { key: "metadata.name", operator: "NotIn", values: ["x"] },
            ],
          },
          labelSelector: {
            requirements: [
              { key: "app", operator: "In", values: ["a", "b"] },
              { key: "old", operator: "DoesNotExist" },
              { key: "tier", operator: "Exists" },
            ],
          },
        },
      },
    ]);
    expect(reviewSpecOf({ ...listPods, isResource: false, path: "/metrics", verb: "get" }).nonResourceAttributes).toEqual({ path: "/metrics", verb: "get" });
  });

  it("is sent groups as v1beta1 names them", async () => {
    const { asked, decide } = world({ version: "v1beta1" });
    await decide();
    expect(asked[0]).toMatchObject({ group: ["devs"] });
    expect(asked[0]).not.toHaveProperty("groups");
  });

  it("is not asked again while its answer holds, which a yes does longer than a no", async () => {
    const { asked, clock, state, decide } = world();
    await Promise.all([decide(), decide()]);
    await decide();
    expect(asked).toHaveLength(1);
    state.status = { allowed: false };
    await decide({ verb: "watch" });
    await clock.advance(30_001);
    await decide();
    expect(asked).toHaveLength(2);
    await decide({ verb: "watch" });
    expect(asked).toHaveLength(3);
    await decide({ user: { ...jane, groups: ["ops"] } });
    expect(asked).toHaveLength(4);
    await clock.advance(300_000);
    await decide();
    expect(asked).toHaveLength(5);
    const long = { name: "x".repeat(20_000) };
    await decide(long);
    await decide(long);
    expect(asked).toHaveLength(7);
  });

  it("leaves the question to others when it is away, or denies it, as it is told; that is not kept", async () => {
    const open = world();
    open.state.status = new ReviewError("away", false);
    expect(await open.decide()).toEqual({ verdict: "no-opinion", error: "away" });
    open.state.status = { allowed: true };
    expect(await open.decide()).toEqual({ verdict: "allow" });
    const closed = world({ failurePolicy: "Deny" });
    closed.state.status = new ReviewError("away", true);
    expect(await closed.decide()).toEqual({ verdict: "deny", error: "away" });
  });
});

describe("match conditions", () => {
  const conditions = (...texts: readonly string[]) => texts.map((text) => ({ text, program: compileMatchCondition(text) }));

  it("keep questions from the webhook", async () => {
    const { asked, decide } = world({
      conditions: conditions("has(request.resourceAttributes)", "request.resourceAttributes.namespace == 'team'", "!('system:nodes' in request.groups)"),
    });
    expect(await decide({ namespace: "other" })).toEqual({ verdict: "no-opinion" });
    expect(await decide({ isResource: false, path: "/x" })).toEqual({ verdict: "no-opinion" });
    expect(await decide({ user: { name: "n", groups: ["system:nodes"] } })).toEqual({ verdict: "no-opinion" });
    expect(asked).toEqual([]);
    expect(await decide()).toEqual({ verdict: "allow" });
  });

  it("that cannot be told fail as the policy says, unless another one is false", async () => {
    const failing = conditions("request.resourceAttributes.namespace == 'team'", "request.user.startsWith('j')");
    const path = { isResource: false, path: "/x" };
    expect(await world({ conditions: failing, failurePolicy: "Deny" }).decide(path)).toMatchObject({
      verdict: "deny",
      error: expect.stringContaining("no such key: resourceAttributes"),
    });
    expect(await world({ conditions: failing }).decide(path)).toMatchObject({ verdict: "no-opinion" });
    expect(await world({ conditions: failing, failurePolicy: "Deny" }).decide({ ...path, user: { name: "bob", groups: [] } })).toEqual({ verdict: "no-opinion" });
  });

  it("see selectors", async () => {
    const { decide, asked } = world({ conditions: conditions("request.resourceAttributes.fieldSelector.requirements.exists(r, r.key == 'spec.nodeName' && 'n1' in r.values)") });
    expect(await decide({ fieldSelector: "spec.nodeName=n1" })).toEqual({ verdict: "allow" });
    await decide({ fieldSelector: "spec.nodeName=n2" });
    expect(asked).toHaveLength(1);
  });
});
