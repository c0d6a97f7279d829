import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../base/virtual-clock.ts";
import { ReviewError } from "../../review-webhook/review-webhook.ts";
import { TokenRefused } from "../token-refused.ts";
import { TokenWebhook } from "./token-webhook.ts";

const api = ["https://api"];

function world(cacheTtlMs = 120_000) {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const asked: unknown[] = [];
  const state: { status: { readonly [field: string]: unknown } | Error } = { status: { authenticated: true, user: { username: "jane" } } };
  const webhook = {
    ask: (spec: unknown) => {
      asked.push(spec);
      return state.status instanceof Error ? Promise.reject(state.status) : Promise.resolve(state.status);
    },
  };
  return { clock, asked, state, authenticator: new TokenWebhook({ apiAudiences: api, cacheTtlMs }, { webhook, clock }) };
}

describe("a webhook that knows tokens", () => {
  it("is asked once for many, and again when its answer is over", async () => {
    const { clock, asked, authenticator, state } = world();
    await Promise.all([authenticator.review("t", api), authenticator.review("t", api)]);
    expect(await authenticator.review("t", api)).toEqual({ user: { name: "jane", groups: [] }, audiences: api });
    expect(asked).toEqual([{ token: "t", audiences: api }]);
    state.status = { authenticated: false };
    expect(await authenticator.review("other", api)).toBeUndefined();
    expect(await authenticator.review("other", api)).toBeUndefined();
    expect(asked).toHaveLength(2);
    await clock.advance(120_000);
    expect(await authenticator.review("t", api)).toBeUndefined();
    const uncached = world(0);
    await uncached.authenticator.review("t", api);
    await uncached.authenticator.review("t", api);
    expect(uncached.asked).toHaveLength(2);
  });

  it("may say for whom a token is meant", async () => {
    const { authenticator, state } = world();
    state.status = { authenticated: true, user: { username: "jane", groups: ["a"], uid: "7", extra: { k: ["v"] } }, audiences: ["vault"] };
    expect(await authenticator.review("t", api)).toBeUndefined();
    expect(await authenticator.review("t", ["vault", ...api])).toEqual({ user: { name: "jane", uid: "7", groups: ["a"], extra: { k: ["v"] } }, audiences: ["vault"] });
  });

  it.each<[object | Error, string]>([
    [new ReviewError("away", false), "away"],
    [{ authenticated: false, error: "expired" }, "expired"],
    [{ authenticated: true }, "names no user"],
    [{ authenticated: true, user: { username: "" } }, "names no user"],
    [{ authenticated: true, user: { username: "a", groups: "b" } }, "names no user"],
    [{ authenticated: true, user: { username: "a", extra: { k: 1 } } }, "names no user"],
    [{ authenticated: true, user: { username: "a" }, audiences: [1] }, "names no user"],
  ])("is not believed when it fails: %o", async (status, why) => {
    const { asked, authenticator, state } = world();
    state.status = status as typeof state.status;
    await expect(authenticator.review("t", api)).rejects.toThrow(why);
    await expect(authenticator.review("t", api)).rejects.toBeInstanceOf(TokenRefused);
    expect(asked).toHaveLength(2);
  });
});
