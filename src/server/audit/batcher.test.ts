import { expect, it } from "vitest";
import { silentLogger } from "../../base/log.ts";
import { noMetrics } from "../../base/metrics.ts";
import { seededRandom } from "../../base/random.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { Batcher, type BatchOptions } from "./batcher.ts";
import type { AuditEvent } from "./event.ts";
import { webhookDelivery } from "./webhook-delivery.ts";

const event = (auditID: string): AuditEvent => ({ auditID }) as unknown as AuditEvent;

function started(options: Partial<BatchOptions>, deliver?: (texts: readonly string[]) => Promise<void>) {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const delivered: (readonly string[])[] = [];
  const lost: number[] = [];
  const batcher = new Batcher(
    { name: "test", bufferSize: 5, maxSize: 3, maxWaitMs: 30_000, qps: 0, burst: 0, ...options },
    {
      encode: ({ auditID }) => (auditID === "large" ? undefined : auditID),
      deliver: deliver ?? (async (texts) => void delivered.push(texts)),
      clock,
      log: silentLogger,
      metrics: { ...noMetrics, counter: () => ({ inc: (_labels, by = 1) => void lost.push(by) }) },
    },
  );
  const stop = new AbortController();
  const running = batcher.run(stop.signal);
  return { batcher, clock, delivered, lost, stop: () => (stop.abort(), running) };
}

it("delivers a full batch at once and others when they have waited", async () => {
  const { batcher, clock, delivered, stop } = started({});
  for (const id of ["a", "b", "c"]) batcher.write(event(id));
  await clock.settle();
  expect(delivered).toEqual([["a", "b", "c"]]);
  batcher.write(event("d"));
  await clock.advance(29_000);
  expect(delivered).toHaveLength(1);
  await clock.advance(1000);
  expect(delivered).toEqual([["a", "b", "c"], ["d"]]);
  await stop();
});

it("loses what is beyond the buffer or too large, and counts it", async () => {
  const { batcher, delivered, lost, stop } = started({});
  for (const id of ["a", "b", "c", "d", "e", "f", "large"]) batcher.write(event(id));
  expect(lost).toEqual([1, 1]);
  await stop();
  expect(delivered).toEqual([
    ["a", "b", "c"],
    ["d", "e"],
  ]);
});

it("delivers no more batches a second than it may", async () => {
  const { batcher, clock, delivered, stop } = started({ bufferSize: 50, maxSize: 1, qps: 1, burst: 2 });
  for (const id of ["a", "b", "c", "d"]) batcher.write(event(id));
  await clock.settle();
  expect(delivered.flat()).toEqual(["a", "b"]);
  await clock.advance(1000);
  expect(delivered.flat()).toEqual(["a", "b", "c"]);
  await clock.advance(1000);
  expect(delivered.flat()).toEqual(["a", "b", "c", "d"]);
  await stop();
});

it("counts what could not be delivered, and goes on", async () => {
  let fails = true;
  const { batcher, clock, lost, stop } = started({ maxSize: 1 }, () => (fails ? Promise.reject(new Error("away")) : Promise.resolve()));
  batcher.write(event("a"));
  await clock.settle();
  expect(lost).toEqual([1]);
  fails = false;
  batcher.write(event("b"));
  await clock.settle();
  expect(lost).toEqual([1]);
  await stop();
});

it.each<[string, readonly (number | Error)[], number, "sent" | "lost"]>([
  ["taken", [200], 1, "sent"],
  ["taken after a while", [new Error("connection refused"), 503, 429, 200], 4, "sent"],
  ["not understood", [400], 1, "lost"],
  ["never taken", [500, 500, 500, 500, 500], 5, "lost"],
])("a webhook that has %s events", async (_name, answers, tries, outcome) => {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const bodies: string[] = [];
  const times: number[] = [];
  const left = [...answers];
  const deliver = webhookDelivery(
    { initialBackoffMs: 10_000, mostBatchBytes: 1000 },
    {
      post(body) {
        bodies.push(body);
        times.push(clock.now());
        const next = left.shift() ?? 500;
        return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
      },
      clock,
      random: seededRandom(1),
      signal: new AbortController().signal,
    },
  );
  let result = "waiting";
  deliver(['{"auditID":"a"}', '{"auditID":"b"}']).then(
    () => (result = "sent"),
    () => (result = "lost"),
  );
  await clock.advance(300_000);
  expect(result).toBe(outcome);
  expect(bodies).toHaveLength(tries);
  expect(JSON.parse(bodies[0] ?? "")).toEqual({ kind: "EventList", apiVersion: "audit.k8s.io/v1", metadata: {}, items: [{ auditID: "a" }, { auditID: "b" }] });
  for (const [index, time] of times.slice(1).entries()) expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(10_000 * 1.5 ** index);
});
