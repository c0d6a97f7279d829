import { describe, expect, it } from "vitest";
import { noMetrics } from "../../base/metrics.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { requestInfo } from "../request-info.ts";
import { answerWithinMs, goDurationMs, withDeadline } from "./deadline.ts";
import { InFlight } from "./in-flight.ts";
import { isLongRunning } from "./long-running.ts";

it.each([
  ["1m30s", 90_000],
  ["500ms", 500],
  ["1.5h", 5_400_000],
  [".5s", 500],
  ["-2s", -2000],
  ["0", 0],
  ["10", undefined],
  ["abc", undefined],
  ["1s junk", undefined],
])("reads the duration %s", (text, expected) => {
  expect(goDurationMs(text)).toBe(expected);
});

describe("how long an answer may take", () => {
  it.each([
    ["", 60_000],
    ["timeout=5s", 5_000],
    ["timeout=10m", 60_000],
    ["timeout=0", 60_000],
  ])("?%s", (query, expected) => {
    expect(answerWithinMs(new URLSearchParams(query))).toBe(expected);
  });

  it("refuses what is no duration", () => {
    expect(() => answerWithinMs(new URLSearchParams("timeout=soon"))).toThrow('invalid timeout specified in the request URL - time: invalid duration "soon"');
  });

  it("ends with 504", async () => {
    const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
    const answer = withDeadline(new Promise<string>(() => {}), 5_000, clock).catch((error: unknown) => error);
    await clock.advance(4_999);
    expect(await Promise.race([answer, Promise.resolve("waits")])).toBe("waits");
    await clock.advance(1);
    expect(await answer).toMatchObject({ status: { code: 504, reason: "Timeout", message: "Timeout: request did not complete within the allotted timeout" } });
    expect(await withDeadline(Promise.resolve("in time"), 5_000, clock)).toBe("in time");
  });
});

it("counts readers and writers apart, and lets in who must always get through", () => {
  const bounds = new InFlight({ readOnly: 2, mutating: 1 }, { gauge: noMetrics.gauge("g", "") });
  const leave = bounds.enter("POST", false);
  expect(() => bounds.enter("PATCH", false)).toThrow("Too many requests, please try again later.");
  bounds.enter("GET", false);
  bounds.enter("GET", false);
  expect(() => bounds.enter("HEAD", false)).toThrow("Too many requests");
  bounds.enter("DELETE", true)();
  leave();
  bounds.enter("PUT", false);
});

it.each([
  ["GET", "/api/v1/pods", "watch=1", true],
  ["GET", "/api/v1/pods", "", false],
  ["GET", "/api/v1/namespaces/a/pods/b/log", "", true],
  ["POST", "/api/v1/namespaces/a/pods/b/exec", "", true],
  ["GET", "/api/v1/nodes/a/proxy/metrics", "", true],
  ["PUT", "/api/v1/namespaces/a/pods/b/status", "", false],
  ["GET", "/healthz", "", false],
])("%s %s?%s is long-running: %s", (method, path, query, expected) => {
  const info = requestInfo(method, path, new URLSearchParams(query));
  expect(info === undefined ? undefined : isLongRunning(info)).toBe(expected);
});
