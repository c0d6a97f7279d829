import { describe, expect, it } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import type { HttpsReply, HttpsRequest } from "../../platform/https-requests.ts";
import { ReviewWebhook } from "./review-webhook.ts";

const good = (status: unknown): HttpsReply => ({ status: 200, headers: {}, body: JSON.stringify({ kind: "TokenReview", apiVersion: "authentication.k8s.io/v1", status }) });

function world(...replies: readonly (HttpsReply | Error)[]) {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const sent: HttpsRequest[] = [];
  const left = [...replies];
  const requests = {
    send: (request: HttpsRequest) => {
      sent.push(request);
      const next = left.shift() ?? new Error("nothing left");
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
  };
  const options = { endpoint: { url: "https://hook/x" }, apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", timeoutMs: 10_000 };
  const webhook = new ReviewWebhook(options, { requests, clock, random: seededRandom(1) });
  return { clock, sent, ask: () => webhook.ask({ token: "t" }) };
}

describe("a review that is sent elsewhere", () => {
  it("is a whole object, and its status comes back", async () => {
    const { sent, ask } = world(good({ authenticated: true }));
    expect(await ask()).toEqual({ authenticated: true });
    expect(sent).toMatchObject([{ method: "POST", endpoint: { url: "https://hook/x" }, timeoutMs: 10_000 }]);
    expect(JSON.parse(sent[0]?.body ?? "")).toEqual({ kind: "TokenReview", apiVersion: "authentication.k8s.io/v1", metadata: {}, spec: { token: "t" }, status: {} });
  });

  it.each<[string, HttpsReply | Error]>([
    ["429", { status: 429, headers: {}, body: "" }],
    ["500", { status: 500, headers: {}, body: "" }],
    ["503 with a time", { status: 503, headers: { "retry-after": "2" }, body: "" }],
    ["a broken connection", new Error("dial tcp h:1: read: connection reset by peer")],
  ])("is sent again after %s", async (_, passing) => {
    const { clock, sent, ask } = world(passing, good({}));
    const answer = ask();
    await clock.advance(3_000);
    expect(await answer).toEqual({});
    expect(sent).toHaveLength(2);
  });

  it("is sent five times at most", async () => {
    const busy: HttpsReply = { status: 500, headers: {}, body: "" };
    const { clock, sent, ask } = world(busy, busy, busy, busy, busy, good({}));
    const answer = expect(ask()).rejects.toThrow("the webhook answered with status 500");
    await clock.advance(60_000);
    await answer;
    expect(sent).toHaveLength(5);
  });

  it.each<[string, HttpsReply | Error, string, boolean]>([
    ["no connection", new Error("dial tcp h:1: connect: connection refused"), 'Post "https://hook/x": dial tcp h:1: connect: connection refused', false],
    ["no answer in time", new Error("context deadline exceeded"), "context deadline exceeded", true],
    ["a page", { status: 200, headers: {}, body: "<html>" }, "is not JSON", false],
    ["another object", { status: 200, headers: {}, body: '{"kind":"Pod"}' }, "is not a TokenReview of authentication.k8s.io/v1", false],
    ["no status", { status: 200, headers: {}, body: '{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1"}' }, "has no status", false],
    ["null", { status: 200, headers: {}, body: "null" }, "is not a TokenReview", false],
    ["403", { status: 403, headers: {}, body: "" }, "status 403", false],
  ])("fails at once with %s", async (_, reply, why, isTimeout) => {
    const { sent, ask } = world(reply, good({}));
    await expect(ask()).rejects.toMatchObject({ message: expect.stringContaining(why), isTimeout });
    expect(sent).toHaveLength(1);
  });
});
