import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { requestInfo } from "../request-info.ts";
import { answerWithinMs, goDurationMs } from "./deadline.ts";
import { isLongRunning } from "./long-running.ts";
import { Deadline } from "./work-time.ts";

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

  it("ends with 504, and tells the work behind it", async () => {
    const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
    const deadline = new Deadline(new AbortController());
    const answer = deadline.answer(new Promise<string>(() => {}), { withinMs: 5_000, clock }, () => {}).catch((error: unknown) => error);
    const { signal } = deadline;
    await clock.advance(4_999);
    expect(await Promise.race([answer, Promise.resolve("waits")])).toBe("waits");
    expect([signal.aborted, deadline.isOver]).toEqual([false, false]);
    await clock.advance(1);
    expect(await answer).toMatchObject({ status: { code: 504, reason: "Timeout", message: "Timeout: request did not complete within the allotted timeout" } });
    expect([signal.aborted, deadline.isOver]).toEqual([true, true]);
  });

  it("leaves the signal alone that was answered in time", async () => {
    const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
    const caller = new AbortController();
    const deadline = new Deadline(caller);
    const { signal } = deadline;
    let ended = false;
    const answer = deadline.answer(Promise.resolve("in time"), { withinMs: 5_000, clock }, () => {
      ended = true;
    });
    expect(await answer).toBe("in time");
    expect(ended).toBe(true);
    await clock.advance(10_000);
    caller.abort();
    expect([signal.aborted, deadline.isOver]).toEqual([false, false]);
  });

  it.each(["before", "after"])("passes on that the caller left %s somebody asked", (when) => {
    const caller = new AbortController();
    const deadline = new Deadline(caller);
    if (when === "before") caller.abort("gone");
    const { signal } = deadline;
    if (when === "after") caller.abort("gone");
    expect([signal.aborted, signal.reason, deadline.isOver]).toEqual([true, "gone", false]);
  });

  it("tells who asks when it is over already", async () => {
    const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
    const deadline = new Deadline(new AbortController());
    const answer = deadline.answer(new Promise<string>(() => {}), { withinMs: 10, clock }, () => {}).catch(() => "504");
    await clock.advance(10);
    expect(await answer).toBe("504");
    expect(deadline.signal.aborted).toBe(true);
  });
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
