import { afterEach, beforeEach, expect, it } from "vitest";
import { events } from "../../src/api/generated/resources.ts";
import type { Event, Pod } from "../../src/api/generated/types/core-v1.ts";
import { type Logger, silentLogger } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { Client, NewObject } from "../../src/client/client.ts";
import { createEventRecorder } from "../../src/client/event-recorder-writer.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import type { KubeObject } from "../../src/meta/object.ts";
import type { Resource } from "../../src/meta/resource.ts";
import { admin, serveMemory } from "./served-memory.ts";

let clock: VirtualClock;
let client: Client;
let stop: () => Promise<void>;
let recorder: ReturnType<typeof createEventRecorder>;

const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default", uid: "8a1d7b5e-7a0f-4a55-9c52-0b8f6f3c2d11", resourceVersion: "12" },
  spec: { containers: [] },
};

beforeEach(async () => {
  clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const served = await serveMemory({ clock });
  stop = () => served.stop();
  client = inProcessClient(served.api.handle, admin);
  recorder = createEventRecorder({ client, clock, random: seededRandom(3), component: "kubelet", host: "node-1", log: silentLogger });
});
afterEach(() => stop());

const written = async (namespace = "default"): Promise<readonly Event[]> => {
  await clock.settle();
  return (await client.list(events, { namespace })).items;
};
const told = async (): Promise<readonly string[]> => (await written()).map(({ reason, message, count }) => `${reason ?? ""}: ${message ?? ""} x${count ?? 0}`).toSorted();

it("writes an event as upstream's recorder does", async () => {
  recorder.event(pod, "Normal", "Started", "Started container main", { fieldPath: "spec.containers{main}", annotations: { a: "b" } });
  const [event] = await written();
  expect(event).toMatchObject({
    metadata: { namespace: "default", annotations: { a: "b" } },
    involvedObject: { kind: "Pod", namespace: "default", name: "web", uid: pod.metadata.uid, apiVersion: "v1", resourceVersion: "12", fieldPath: "spec.containers{main}" },
    reason: "Started",
    message: "Started container main",
    source: { component: "kubelet", host: "node-1" },
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:00:00Z",
    count: 1,
    type: "Normal",
    reportingComponent: "kubelet",
    reportingInstance: "node-1",
  });
  expect(event?.metadata.name).toMatch(/^web\.[0-9a-f]{15,16}$/);
});

it("counts the same event again", async () => {
  for (let count = 0; count < 3; count += 1) {
    recorder.event(pod, "Warning", "BackOff", "Back-off restarting");
    await clock.advance(60_000);
  }
  const all = await written();
  expect(all).toHaveLength(1);
  expect(all[0]).toMatchObject({ count: 3, firstTimestamp: "2026-01-01T00:00:00Z", lastTimestamp: "2026-01-01T00:02:00Z" });
});

it("counts on after the written event has expired", async () => {
  recorder.event(pod, "Normal", "Pulled", "image");
  const [first] = await written();
  await client.delete(events, first?.metadata.name ?? "", { namespace: "default" });
  recorder.event(pod, "Normal", "Pulled", "image");
  expect(await told()).toEqual(["Pulled: image x2"]);
});

it("combines similar events from the tenth on", async () => {
  for (let index = 1; index <= 12; index += 1) recorder.event(pod, "Warning", "Failed", `try ${index}`);
  const all = await told();
  expect(all.filter((line) => line.includes("combined"))).toEqual(["Failed: (combined from similar events): try 12 x3"]);
  expect(all).toHaveLength(10);
});

it("does not combine what lies more than ten minutes apart", async () => {
  for (let index = 1; index <= 11; index += 1) {
    recorder.event(pod, "Warning", "Failed", `try ${index}`);
    await clock.advance(601_000);
  }
  expect((await told()).filter((line) => line.includes("combined"))).toEqual([]);
});

it("lets 25 events through about one object, then one every five minutes", async () => {
  for (let index = 0; index < 40; index += 1) recorder.event(pod, "Normal", "Same", "again");
  expect(await told()).toEqual(["Same: again x25"]);
  await clock.advance(299_000);
  recorder.event(pod, "Normal", "Same", "again");
  expect(await told()).toEqual(["Same: again x25"]);
  await clock.advance(2_000);
  recorder.event(pod, "Normal", "Same", "again");
  expect(await told()).toEqual(["Same: again x42"]);
  recorder.event({ ...pod, metadata: { ...pod.metadata, name: "other", uid: "other" } }, "Normal", "Same", "again");
  expect(await told()).toHaveLength(2);
});

it("puts events about what has no namespace into default", async () => {
  recorder.event({ apiVersion: "v1", kind: "Node", metadata: { name: "node-1", uid: "node-1" } }, "Normal", "NodeReady", "ready");
  const [event] = await written();
  expect(event?.involvedObject).toEqual({ kind: "Node", name: "node-1", uid: "node-1", apiVersion: "v1" });
});

it("never throws, whatever the server says", async () => {
  recorder.event({ ...pod, metadata: { ...pod.metadata, namespace: "nowhere" } }, "Normal", "Lost", "no such namespace");
  recorder.event(pod, "Normal", "Kept", "the next is written");
  await clock.settle();
  await recorder.flush();
  expect(await told()).toEqual(["Kept: the next is written x1"]);
});

it("tries again while the server cannot be reached", async () => {
  let failures = 3;
  const flaky: Client = {
    ...client,
    create: (...call) => {
      failures -= 1;
      return failures >= 0 ? Promise.reject(new Error("connection refused")) : client.create(...call);
    },
  };
  const patient = createEventRecorder({ client: flaky, clock, random: seededRandom(3), component: "kubelet", log: silentLogger });
  patient.event(pod, "Normal", "Late", "but there");
  await clock.advance(5_000);
  expect(await told()).toEqual([]);
  await clock.advance(30_000);
  expect(await told()).toEqual(["Late: but there x1"]);
});

it("waits with at most ten thousand events", async () => {
  const complaints: string[] = [];
  const log: Logger = { ...silentLogger, warn: (message) => complaints.push(message) };
  // A server that answers nobody yet.
  let answer = (): void => {};
  const gate = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let creates = 0;
  const slow = {
    create: async <T extends KubeObject>(_: Resource<T>, object: NewObject<T>) => {
      creates += 1;
      await gate;
      return object as unknown as T;
    },
    patch: client.patch,
  };
  const full = createEventRecorder({ client: slow, clock, random: seededRandom(3), component: "kubelet", log });
  const tell = (index: number): void => full.event({ ...pod, metadata: { name: `p${index}`, namespace: "default", uid: `u${index}` } }, "Normal", "Many", "events");
  for (let index = 0; index < 10_100; index += 1) tell(index);
  expect(complaints).toHaveLength(100);
  answer();
  await full.flush();
  expect(creates).toBe(10_000);
});

it("writes events about different objects side by side, those about one in their order", async () => {
  const running = new Map<string, number>();
  const order: string[] = [];
  let most = 0;
  const release: (() => void)[] = [];
  const slow = {
    create: async <T extends KubeObject>(_: Resource<T>, object: NewObject<T>) => {
      const { involvedObject, message = "" } = object as unknown as Event;
      const name = involvedObject.name ?? "";
      running.set(name, (running.get(name) ?? 0) + 1);
      expect(running.get(name)).toBe(1);
      most = Math.max(most, running.size);
      await new Promise<void>((resolve) => release.push(resolve));
      running.delete(name);
      order.push(message);
      return object as unknown as T;
    },
    patch: client.patch,
  };
  const many = createEventRecorder({ client: slow, clock, random: seededRandom(3), component: "kubelet", log: silentLogger });
  for (let index = 0; index < 40; index += 1)
    for (const step of [1, 2]) many.event({ ...pod, metadata: { name: `p${index}`, namespace: "default", uid: `u${index}` } }, "Normal", `Step${step}`, `${index} ${step}`);
  await clock.settle();
  while (release.length > 0) {
    for (const go of release.splice(0)) go();
    await clock.settle();
  }
  await many.flush();
  expect(most).toBe(16);
  expect(order).toHaveLength(80);
  for (let index = 0; index < 40; index += 1) expect(order.indexOf(`${index} 1`)).toBeLessThan(order.indexOf(`${index} 2`));
});

it.each([
  { atOnce: 1, most: 1 },
  { atOnce: 3, most: 3 },
])("has no more writes under way than it may: $atOnce", async ({ atOnce, most }) => {
  let now = 0;
  let seen = 0;
  const counting: Pick<Client, "create" | "patch"> = {
    patch: (...args) => client.patch(...args),
    create: async (...args) => {
      now += 1;
      seen = Math.max(seen, now);
      try {
        return await client.create(...args);
      } finally {
        now -= 1;
      }
    },
  };
  const slow = createEventRecorder({ client: counting, clock, random: seededRandom(3), component: "kubelet", host: "node-1", atOnce, log: silentLogger });
  for (let index = 0; index < 10; index += 1) slow.event({ ...pod, metadata: { ...pod.metadata, uid: `uid-${index}` } }, "Normal", "Started", "Started container main");
  await slow.flush();
  expect(await written()).toHaveLength(10);
  expect(seen).toBe(most);
});
