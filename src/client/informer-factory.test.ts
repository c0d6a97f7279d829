import { describe, expect, it } from "vitest";
import { AsyncQueue } from "../base/async-queue.ts";
import type { Logger } from "../base/log.ts";
import { seededRandom } from "../base/random.ts";
import { deepFreeze } from "../base/values.ts";
import { VirtualClock } from "../base/virtual-clock.ts";
import { configMaps, nodes, pods } from "../api/generated/resources.ts";
import type { ConfigMap } from "../api/generated/types/core-v1.ts";
import type { KubeObject } from "../meta/object.ts";
import type { Resource } from "../meta/resource.ts";
import { expired, failure } from "../meta/status-error.ts";
import type { WatchEvent } from "../meta/watch-event.ts";
import type { WatchOptions } from "./client.ts";
import { createInformerFactory, type InformerFactoryOptions, remoteInformers } from "./informer-factory.ts";

type Batch = readonly WatchEvent[];

const object = (name: string, version: number, data: Record<string, string> = {}, uid = `uid-${name}`): ConfigMap =>
  deepFreeze({ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: "ns", name, uid, resourceVersion: String(version) }, data });
const bookmark = (version: number): WatchEvent => ({ type: "BOOKMARK", object: { apiVersion: "v1", kind: "ConfigMap", metadata: { resourceVersion: String(version) } } });

/** A server whose answers are written down beforehand; it notes what it is asked. */
function setup(options: InformerFactoryOptions = {}) {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const asked: string[] = [];
  const errors: string[] = [];
  const log: Logger = { debug() {}, info() {}, warn() {}, error: (message) => void errors.push(message), with: () => log };
  const lists: (() => { readonly version: number; readonly items: readonly KubeObject[]; readonly more?: string })[] = [];
  const watches: AsyncQueue<Batch>[] = [];
  const told: string[] = [];
  const text = (value: object): string =>
    Object.entries(value)
      .filter(([key, part]) => key !== "signal" && part !== undefined)
      .map(([key, part]) => `${key}=${String(part)}`)
      .join(" ");
  const factory = createInformerFactory(options, {
    clock,
    random: seededRandom(1),
    log,
    client: {
      async list<T extends KubeObject>(resource: Resource<T>, listOptions = {}) {
        asked.push(`list ${text(listOptions)}`.trim());
        const next = lists.shift();
        if (next === undefined) throw failure("ServiceUnavailable", "no list");
        const { version, items, more } = next();
        return {
          apiVersion: "v1",
          kind: `${resource.kind}List`,
          metadata: { resourceVersion: String(version), ...(more === undefined ? {} : { continue: more }) },
          items: items as unknown as readonly T[],
        };
      },
      watch<T extends KubeObject>(_: Resource<T>, watchOptions: WatchOptions) {
        asked.push(`watch ${text(watchOptions)}`);
        const queue = new AsyncQueue<Batch>({ limit: 100 });
        watches.push(queue);
        return queue as unknown as AsyncIterable<readonly WatchEvent<T>[]>;
      },
    },
  });
  const informer = factory.informer(configMaps);
  const describeObject = (one: ConfigMap): string => `${one.metadata.name ?? ""}@${one.metadata.resourceVersion ?? ""}`;
  informer.subscribe({
    added: (one) => told.push(`+${describeObject(one)}`),
    updated: (previous, one) => told.push(`${describeObject(previous)}>${describeObject(one)}`),
    deleted: (one) => told.push(`-${describeObject(one)}`),
  });
  const stop = new AbortController();
  let running = Promise.resolve();
  return {
    clock,
    asked,
    errors,
    lists,
    watches,
    told,
    factory,
    informer,
    stop,
    start() {
      running = factory.run(stop.signal);
    },
    async end() {
      stop.abort();
      for (const watch of watches) watch.end();
      await running;
    },
    /** What was heard since the last time. */
    heard: () => told.splice(0),
  };
}

describe("an informer", () => {
  it("lists, then follows the watch from the list's version", async () => {
    const test = setup();
    test.lists.push(() => ({ version: 5, items: [object("a", 3), object("b", 5)] }));
    expect(test.informer.synced).toBe(false);
    test.start();
    await test.informer.waitForSync(test.stop.signal);
    await test.clock.settle();
    expect(test.heard()).toEqual(["+a@3", "+b@5"]);
    test.watches[0]?.push([
      { type: "MODIFIED", object: object("a", 6) },
      { type: "DELETED", object: object("b", 7) },
      { type: "ADDED", object: object("c", 8) },
    ]);
    await test.clock.settle();
    expect(test.heard()).toEqual(["a@3>a@6", "-b@7", "+c@8"]);
    expect(test.informer.lister.list().map(({ metadata }) => metadata.name)).toEqual(["a", "c"]);
    expect(test.informer.lister.get("ns/c")?.metadata.resourceVersion).toBe("8");
    expect(test.asked).toEqual(["list resourceVersion=0", "watch resourceVersion=5 allowBookmarks=true"]);
    await test.end();
  });

  it("takes an ended watch up where it stopped, bookmarks included", async () => {
    const test = setup();
    test.lists.push(() => ({ version: 5, items: [] }));
    test.start();
    await test.clock.settle();
    test.watches[0]?.push([{ type: "ADDED", object: object("a", 6) }]);
    test.watches[0]?.push([bookmark(9)]);
    test.watches[0]?.end();
    await test.clock.settle();
    expect(test.asked.slice(1)).toEqual(["watch resourceVersion=5 allowBookmarks=true", "watch resourceVersion=9 allowBookmarks=true"]);
    expect(test.heard()).toEqual(["+a@6"]);
    await test.end();
  });

  it("does not ask in a tight loop for watches that end at once", async () => {
    const test = setup();
    test.lists.push(() => ({ version: 5, items: [] }));
    test.start();
    await test.clock.settle();
    test.watches[0]?.end();
    await test.clock.advance(799);
    expect(test.watches).toHaveLength(1);
    await test.clock.advance(801);
    expect(test.watches).toHaveLength(2);
    await test.end();
  });

  it("lists again when the version is gone, and tells the difference", async () => {
    const test = setup();
    test.lists.push(() => ({ version: 5, items: [object("kept", 1), object("changed", 2), object("gone", 3), object("renewed", 4)] }));
    test.start();
    await test.clock.settle();
    test.heard();
    test.lists.push(() => ({ version: 20, items: [object("kept", 1), object("changed", 12), object("new", 13), object("renewed", 14, {}, "another uid")] }));
    test.watches[0]?.fail(expired("too old"));
    await test.clock.advance(1_600);
    expect(test.asked.slice(2)).toEqual(["list", "watch resourceVersion=20 allowBookmarks=true"]);
    expect(test.heard()).toEqual(["changed@2>changed@12", "+new@13", "-renewed@4", "+renewed@14", "-gone@3"]);
    await test.end();
  });

  it("keeps its version through other failures, backing off from 0.8 s to 30 s", async () => {
    const test = setup();
    test.lists.push(() => ({ version: 5, items: [] }));
    test.start();
    await test.clock.settle();
    const waits: number[] = [];
    for (let count = 1; count <= 9; count += 1) {
      const began = test.clock.now();
      test.watches.at(-1)?.fail(new Error("connection refused"));
      while (test.watches.length === count) await test.clock.advance(100);
      waits.push(test.clock.now() - began);
    }
    expect(new Set(test.asked.slice(1))).toEqual(new Set(["watch resourceVersion=5 allowBookmarks=true"]));
    expect(waits[0]).toBeGreaterThanOrEqual(800);
    expect(waits[0]).toBeLessThanOrEqual(1_700);
    expect(Math.max(...waits)).toBeGreaterThanOrEqual(30_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(60_100);
    await test.end();
  });

  it("is synced only after a list succeeded", async () => {
    const test = setup();
    test.start();
    await test.clock.advance(3_000);
    expect(test.asked.length).toBeGreaterThan(1);
    expect(test.informer.synced).toBe(false);
    const waiting = test.factory.waitForSync(test.stop.signal);
    test.lists.push(() => ({ version: 1, items: [] }));
    await test.clock.advance(60_000);
    await waiting;
    expect(test.informer.synced).toBe(true);
    await test.end();
  });

  it("pages its list and bounds its watch over a network", async () => {
    const test = setup(remoteInformers);
    test.lists.push(
      () => ({ version: 5, items: [object("a", 1)], more: "next" }),
      () => ({ version: 5, items: [object("b", 2)] }),
    );
    test.start();
    await test.clock.settle();
    expect(test.asked.slice(0, 2)).toEqual(["list resourceVersion=0 limit=500", "list limit=500 continue=next"]);
    expect(test.asked[2]).toMatch(/^watch resourceVersion=5 allowBookmarks=true timeoutSeconds=(3|4|5)\d\d$/);
    expect(test.heard()).toEqual(["+a@1", "+b@2"]);
    await test.end();
  });

  it("goes on when a handler throws, and stops telling who unsubscribed", async () => {
    const test = setup();
    test.informer.subscribe({
      added: () => {
        throw new Error("bad handler");
      },
    });
    const late: string[] = [];
    const unsubscribe = test.informer.subscribe({ added: ({ metadata }) => late.push(metadata.name ?? "") });
    test.lists.push(() => ({ version: 5, items: [object("a", 1)] }));
    test.start();
    await test.clock.settle();
    unsubscribe();
    test.watches[0]?.push([{ type: "ADDED", object: object("b", 6) }]);
    await test.clock.settle();
    expect(test.heard()).toEqual(["+a@1", "+b@6"]);
    expect(late).toEqual(["a"]);
    expect(test.errors).toEqual(["informer handler failed", "informer handler failed"]);
    await test.end();
  });

  it("tells a late subscriber what is there, and begins when asked for late", async () => {
    const test = setup();
    test.lists.push(() => ({ version: 5, items: [object("a", 1)] }));
    test.start();
    await test.clock.settle();
    const seen: string[] = [];
    test.informer.subscribe({ added: ({ metadata }) => seen.push(metadata.name ?? "") });
    expect(seen).toEqual(["a"]);
    test.lists.push(() => ({ version: 6, items: [] }));
    const late = test.factory.informer(nodes);
    await test.clock.settle();
    expect(late.synced).toBe(true);
    await test.end();
  });

  it("is shared by all who ask for the same selection", () => {
    const { factory } = setup();
    expect(factory.informer(pods)).toBe(factory.informer(pods, {}));
    expect(factory.informer(pods, { fieldSelector: "spec.nodeName=a" })).not.toBe(factory.informer(pods));
  });
});

describe("indexes", () => {
  it("follow every change, and there is one by namespace", async () => {
    const test = setup();
    test.factory.addIndex(test.informer, "colour", ({ data }) => (data?.["colour"] === undefined ? [] : data["colour"].split(",")));
    test.lists.push(() => ({ version: 5, items: [object("a", 1, { colour: "red,blue" }), object("b", 2, { colour: "red" })] }));
    test.start();
    await test.clock.settle();
    const names = (objects: readonly ConfigMap[]): readonly (string | undefined)[] => objects.map(({ metadata }) => metadata.name);
    const { lister } = test.informer;
    expect(names(lister.byIndex("colour", "red"))).toEqual(["a", "b"]);
    expect(names(lister.inNamespace("ns"))).toEqual(["a", "b"]);
    expect(names(lister.inNamespace("other"))).toEqual([]);
    test.watches[0]?.push([
      { type: "MODIFIED", object: object("a", 6, { colour: "blue" }) },
      { type: "DELETED", object: object("b", 7) },
    ]);
    await test.clock.settle();
    expect(names(lister.byIndex("colour", "red"))).toEqual([]);
    expect(names(lister.byIndex("colour", "blue"))).toEqual(["a"]);
    test.factory.addIndex(test.informer, "late", ({ metadata }) => [metadata.name ?? ""]);
    expect(names(lister.byIndex("late", "a"))).toEqual(["a"]);
    expect(() => lister.byIndex("none", "a")).toThrow('no index "none"');
    await test.end();
  });

  it("ends with its resource, and nobody waits for it", async () => {
    const test = setup();
    test.lists.push(() => ({ version: 1, items: [object("a", 1)] }));
    const other = test.factory.informer(nodes);
    test.start();
    await test.clock.settle();
    test.factory.end(configMaps);
    test.watches[0]?.push([{ type: "DELETED", object: object("a", 2) }]);
    await test.clock.settle();
    expect(test.heard()).toEqual(["+a@1"]);
    expect([test.informer.ended, other.ended, test.informer.lister.list().length]).toEqual([true, false, 1]);
    await test.informer.waitForSync(test.stop.signal);
    test.lists.push(() => ({ version: 5, items: [] }));
    const next = test.factory.informer(configMaps);
    await test.clock.settle();
    expect([next === test.informer, next.synced]).toEqual([false, true]);
    await test.end();
  });
});
