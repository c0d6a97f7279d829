import { expect, it } from "vitest";
import type { Logger } from "../base/log.ts";
import { noMetrics } from "../base/metrics.ts";
import { VirtualClock } from "../base/virtual-clock.ts";
import { failure } from "../meta/status-error.ts";
import { type Controller, type Enqueue, TerminalError } from "./controller.ts";
import { runControllers } from "./run-controllers.ts";

function setup(reconcile: Controller["reconcile"], options: { readonly workers?: number; readonly synced?: Promise<void> } = {}) {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const errors: string[] = [];
  const log: Logger = { debug() {}, info() {}, warn() {}, error: (message) => void errors.push(message), with: () => log };
  const stop = new AbortController();
  let enqueue: Enqueue | undefined;
  const controller: Controller = {
    name: "test",
    workers: options.workers ?? 1,
    setup(queue) {
      enqueue = queue;
      queue.add("first");
    },
    reconcile,
  };
  const informers = { waitForSync: () => options.synced ?? Promise.resolve() };
  const ended = runControllers([controller], { informers, clock, log, metrics: noMetrics }, stop.signal);
  return {
    clock,
    errors,
    add: (key: string) => enqueue?.add(key),
    async stop() {
      stop.abort();
      await ended;
    },
  };
}

it("begins once the informers have synced", async () => {
  let sync: () => void = () => {};
  const seen: string[] = [];
  const test = setup(async (key) => void seen.push(key), { synced: new Promise((resolve) => (sync = resolve)) });
  await test.clock.settle();
  expect(seen).toEqual([]);
  sync();
  await test.clock.settle();
  expect(seen).toEqual(["first"]);
  await test.stop();
});

it("tries a key that throws again, later and later", async () => {
  const at: number[] = [];
  const test = setup(() => {
    at.push(test.clock.now());
    throw new Error("no");
  });
  const began = test.clock.now();
  await test.clock.advance(36);
  expect(at.map((time) => time - began)).toEqual([0, 5, 15, 35]);
  expect(test.errors).toEqual(Array.from({ length: 4 }, () => "reconcile failed"));
  await test.stop();
});

it("is quiet about lost races and does not retry terminal errors", async () => {
  let calls = 0;
  const test = setup(async () => {
    calls += 1;
    if (calls === 1) throw failure("Conflict", "changed");
    throw new TerminalError("never");
  });
  await test.clock.advance(60_000);
  expect(calls).toBe(2);
  expect(test.errors).toEqual(["reconcile failed for good"]);
  await test.stop();
});

it("works on as many keys at once as there are workers, and waits for them at the end", async () => {
  const open = new Map<string, () => void>();
  const test = setup((key) => new Promise((resolve) => open.set(key, resolve)), { workers: 2 });
  for (const key of ["a", "b", "a"]) test.add(key);
  await test.clock.settle();
  expect([...open.keys()]).toEqual(["first", "a"]);
  open.get("first")?.();
  await test.clock.settle();
  expect([...open.keys()]).toEqual(["first", "a", "b"]);
  let stopped = false;
  const ending = test.stop().then(() => {
    stopped = true;
  });
  await test.clock.settle();
  expect(stopped).toBe(false);
  open.get("a")?.();
  open.get("b")?.();
  await ending;
});

it("rejects when a controller cannot be set up", async () => {
  const broken: Controller = {
    name: "broken",
    setup: () => {
      throw new Error("bad setup");
    },
    reconcile: () => Promise.resolve(),
  };
  const clock = new VirtualClock({ turn: () => Promise.resolve() });
  const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => log };
  const deps = { informers: { waitForSync: () => Promise.resolve() }, clock, log, metrics: noMetrics };
  await expect(runControllers([broken], deps, new AbortController().signal)).rejects.toThrow("bad setup");
});
