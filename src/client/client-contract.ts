import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configMaps, leases, namespaces, pods } from "../api/generated/resources.ts";
import type { ConfigMap, Pod } from "../api/generated/types/core-v1.ts";
import type { KubeObject } from "../meta/object.ts";
import { StatusError } from "../meta/status-error.ts";
import type { WatchEvent } from "../meta/watch-event.ts";
import type { Client } from "./client.ts";

export interface ClientUnderTest {
  readonly client: Client;
  /** Closes and removes everything that was opened. */
  readonly dispose: () => Promise<void>;
}

/** What every transport must keep of `client.ts`; `open` gives the client of a fresh server that holds the namespace `default`. */
export function clientContract(name: string, open: () => Promise<ClientUnderTest>): void {
  describe(`${name} keeps the client contract`, () => {
    let client: Client;
    let dispose: () => Promise<void>;
    const stop = { current: new AbortController() };

    beforeEach(async () => {
      ({ client, dispose } = await open());
      stop.current = new AbortController();
    });
    afterEach(async () => {
      stop.current.abort();
      await dispose();
    });

    const place = { namespace: "default" };
    const configMap = (name: string, data: Record<string, string> = {}, labels?: Record<string, string>) => ({
      metadata: { name, namespace: "default", ...(labels === undefined ? {} : { labels }) },
      data,
    });
    const pod = (name: string): Omit<Pod, "apiVersion" | "kind"> => ({
      metadata: { name, namespace: "default" },
      spec: { containers: [{ name: "main", image: "example.com/image:1" }] },
    });
    /** The first `count` events of a watch that began when this was called. */
    const watchFrom = (resourceVersion: string | undefined, selection: { readonly labelSelector?: string; readonly fieldSelector?: string } = {}) =>
      client.watch(configMaps, { ...place, ...selection, ...(resourceVersion === undefined ? {} : { resourceVersion }), signal: stop.current.signal })[Symbol.asyncIterator]();
    const take = async <T extends KubeObject>(batches: AsyncIterator<readonly WatchEvent<T>[]>, count: number): Promise<WatchEvent<T>[]> => {
      const events: WatchEvent<T>[] = [];
      while (events.length < count) {
        const next = await batches.next();
        if (next.done === true) throw new Error(`the watch ended after ${events.length} events`);
        events.push(...next.value);
      }
      return events;
    };
    const failureOf = async (promise: Promise<unknown>): Promise<StatusError> => {
      const error: unknown = await promise.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!(error instanceof StatusError)) throw new Error(`expected a StatusError, got ${String(error)}`);
      return error;
    };

    describe("one object", () => {
      it("is created with what the server fills in, read back, and frozen all the way down", async () => {
        const made = await client.create(configMaps, configMap("a", { k: "v" }));
        expect(made).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "default" }, data: { k: "v" } });
        expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
        expect(made.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        const read = await client.get(configMaps, "a", place);
        expect(read).toEqual(made);
        for (const object of [made, read]) {
          expect(Object.isFrozen(object)).toBe(true);
          expect(Object.isFrozen(object.metadata)).toBe(true);
          expect(Object.isFrozen(object.data)).toBe(true);
        }
      });

      it("leaves out what is undefined", async () => {
        const made = await client.create(configMaps, { metadata: { name: "a", namespace: "default", labels: undefined }, data: undefined, immutable: undefined });
        expect("data" in made).toBe(false);
        expect("labels" in made.metadata).toBe(false);
        expect("immutable" in made).toBe(false);
        const next = await client.update(configMaps, { ...made, data: { k: "v" }, binaryData: undefined });
        expect("binaryData" in next).toBe(false);
      });

      it("takes its namespace from the options when it names none, and a generated name", async () => {
        const made = await client.create(configMaps, { metadata: { generateName: "gen-" } }, place);
        expect(made.metadata.namespace).toBe("default");
        expect(made.metadata.name).toMatch(/^gen-[a-z0-9]{5}$/);
      });

      it("without a namespace is addressed without one", async () => {
        await client.create(namespaces, { metadata: { name: "other" } });
        expect((await client.get(namespaces, "other")).status?.phase).toBe("Active");
      });

      it("is replaced at the version that was read, and only then", async () => {
        const made = await client.create(configMaps, configMap("a", { k: "1" }));
        const next = await client.update(configMaps, { ...made, data: { k: "2" } });
        expect(next.data).toEqual({ k: "2" });
        expect(next.metadata.resourceVersion).not.toBe(made.metadata.resourceVersion);
        const lost = await failureOf(client.update(configMaps, { ...made, data: { k: "3" } }));
        expect([lost.code, lost.reason]).toEqual([409, "Conflict"]);
        expect(lost.message).toContain('configmaps "a"');
      });

      it("is only tried with dryRun", async () => {
        expect((await client.create(configMaps, configMap("dry"), { dryRun: true })).metadata.name).toBe("dry");
        expect((await failureOf(client.get(configMaps, "dry", place))).code).toBe(404);
      });

      it("has its status written by itself", async () => {
        const made = await client.create(pods, pod("p"));
        const next = await client.update(pods, { ...made, spec: { containers: [] }, status: { ...made.status, message: "hello" } }, { subresource: "status" });
        expect(next.status?.message).toBe("hello");
        expect(next.spec).toEqual(made.spec);
        expect((await client.get(pods, "p", { ...place, subresource: "status" })).status?.message).toBe("hello");
      });
    });

    describe("failures", () => {
      it.each([
        ["an object that is not there", () => client.get(configMaps, "none", place), 404, "NotFound", 'configmaps "none" not found'],
        ["a path that nobody serves", () => client.raw("GET", "/nowhere"), 404, "NotFound", undefined],
        ["a name that is none", () => client.create(configMaps, configMap("NO_NAME")), 422, "Invalid", undefined],
        ["a deletion of what is not there", () => client.delete(configMaps, "none", place), 404, "NotFound", 'configmaps "none" not found'],
        ["a call for no name", () => client.get(configMaps, "", place), 400, "BadRequest", "resource name may not be empty"],
        ["a namespaced object without a namespace", () => client.get(configMaps, "a"), 400, "BadRequest", undefined],
      ] as const)("are StatusErrors: %s", async (_, call, code, reason, message) => {
        const error = await failureOf(call());
        expect([error.code, error.reason]).toEqual([code, reason]);
        if (message !== undefined) expect(error.message).toBe(message);
      });

      it("say what exists already", async () => {
        await client.create(configMaps, configMap("a"));
        const error = await failureOf(client.create(configMaps, configMap("a")));
        expect([error.code, error.reason, error.message, error.status.details]).toEqual([409, "AlreadyExists", 'configmaps "a" already exists', { name: "a", kind: "configmaps" }]);
      });

      it("are the signal's reason when the caller gives up", async () => {
        const reason = new Error("enough");
        await expect(client.get(configMaps, "a", { ...place, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      });
    });

    describe("patches", () => {
      let made: ConfigMap;
      beforeEach(async () => {
        made = await client.create(configMaps, configMap("a", { k: "1", other: "x" }));
      });

      it("by JSON operations", async () => {
        const operations = [
          { op: "test", path: "/data/k", value: "1" },
          { op: "replace", path: "/data/k", value: "2" },
          { op: "remove", path: "/data/other" },
        ] as const;
        expect((await client.patch(configMaps, "a", { type: "json", operations }, place)).data).toEqual({ k: "2" });
        expect((await failureOf(client.patch(configMaps, "a", { type: "json", operations }, place))).code).toBe(422);
      });

      it("by merging", async () => {
        const next = await client.patch(configMaps, "a", { type: "merge", value: { data: { k: "2", other: null } } }, place);
        expect(next.data).toEqual({ k: "2" });
        expect(Object.isFrozen(next.data)).toBe(true);
      });

      it("by merging strategically, lists by their keys", async () => {
        await client.create(pods, pod("p"));
        const value = { spec: { containers: [{ name: "main", image: "example.com/image:2" }] } };
        const next = await client.patch(pods, "p", { type: "strategic", value }, place);
        expect(next.spec?.containers.map(({ name, image }) => `${name} ${image ?? ""}`)).toEqual(["main example.com/image:2"]);
      });

      it("by applying, which creates, owns fields and finds conflicts", async () => {
        const value = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "b", namespace: "default" }, data: { k: "mine" } };
        const first = await client.patch(configMaps, "b", { type: "apply", value }, { ...place, fieldManager: "one" });
        expect(first.metadata.managedFields?.map(({ manager, operation }) => `${manager ?? ""} ${operation ?? ""}`)).toEqual(["one Apply"]);
        const theirs = { ...value, data: { k: "theirs" } };
        const lost = await failureOf(client.patch(configMaps, "b", { type: "apply", value: theirs }, { ...place, fieldManager: "two" }));
        expect(lost.code).toBe(409);
        expect((await client.patch(configMaps, "b", { type: "apply", value: theirs, force: true }, { ...place, fieldManager: "two" })).data).toEqual({ k: "theirs" });
      });

      it("only for the uid that is named", async () => {
        const error = await failureOf(client.patch(configMaps, "a", { type: "merge", value: { metadata: { uid: "other" } } }, place));
        expect([409, 422]).toContain(error.code);
        expect((await client.get(configMaps, "a", place)).metadata.resourceVersion).toBe(made.metadata.resourceVersion);
      });
    });

    describe("deletion", () => {
      it("answers a Status when the object is gone", async () => {
        await client.create(configMaps, configMap("a"));
        expect(await client.delete(configMaps, "a", place)).toMatchObject({ kind: "Status", status: "Success" });
        expect((await failureOf(client.get(configMaps, "a", place))).code).toBe(404);
      });

      it("answers the object while finalizers hold it", async () => {
        await client.create(configMaps, { ...configMap("a"), metadata: { name: "a", namespace: "default", finalizers: ["example.com/hold"] } });
        const held = await client.delete(configMaps, "a", place);
        expect(held.metadata.deletionTimestamp).toBeDefined();
        await client.patch(configMaps, "a", { type: "merge", value: { metadata: { finalizers: null } } }, place);
        expect((await failureOf(client.get(configMaps, "a", place))).code).toBe(404);
      });

      it("minds its preconditions", async () => {
        const made = await client.create(configMaps, configMap("a"));
        expect((await failureOf(client.delete(configMaps, "a", { ...place, preconditions: { uid: "other" } }))).code).toBe(409);
        await client.delete(configMaps, "a", { ...place, preconditions: { uid: made.metadata.uid ?? "" } });
      });

      it("of a collection takes what is selected", async () => {
        for (const [name, app] of [
          ["a", "x"],
          ["b", "x"],
          ["c", "y"],
        ] as const)
          await client.create(configMaps, configMap(name, {}, { app }));
        await client.deleteCollection(configMaps, { ...place, labelSelector: "app=x" });
        expect((await client.list(configMaps, place)).items.map(({ metadata }) => metadata.name)).toEqual(["c"]);
      });
    });

    describe("lists", () => {
      beforeEach(async () => {
        for (const [name, app] of [
          ["a", "x"],
          ["b", "y"],
          ["c", "x"],
        ] as const)
          await client.create(configMaps, configMap(name, {}, { app }));
      });

      it("hold frozen objects that say what they are", async () => {
        const list = await client.list(configMaps, place);
        expect(list.kind).toBe("ConfigMapList");
        expect(Number(list.metadata.resourceVersion)).toBeGreaterThan(0);
        expect(list.items.map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name ?? ""}`)).toEqual(["v1 ConfigMap a", "v1 ConfigMap b", "v1 ConfigMap c"]);
        for (const item of list.items) expect(Object.isFrozen(item) && Object.isFrozen(item.metadata)).toBe(true);
      });

      it("are an empty array when there is nothing", async () => {
        expect((await client.list(leases, place)).items).toEqual([]);
      });

      it("select by labels and fields", async () => {
        const names = async (selection: { readonly labelSelector?: string; readonly fieldSelector?: string }) =>
          (await client.list(configMaps, { ...place, ...selection })).items.map(({ metadata }) => metadata.name);
        expect(await names({ labelSelector: "app in (x),app" })).toEqual(["a", "c"]);
        expect(await names({ labelSelector: "app!=x" })).toEqual(["b"]);
        expect(await names({ fieldSelector: "metadata.name=b" })).toEqual(["b"]);
      });

      it("come in pages of one version", async () => {
        const first = await client.list(configMaps, { ...place, limit: 2 });
        expect(first.items).toHaveLength(2);
        expect(first.metadata.remainingItemCount).toBe(1);
        await client.create(configMaps, configMap("d"));
        const second = await client.list(configMaps, { ...place, limit: 2, continue: first.metadata.continue ?? "" });
        expect(second.items.map(({ metadata }) => metadata.name)).toEqual(["c"]);
        expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
        expect(second.metadata.continue ?? "").toBe("");
      });

      it("span namespaces when none is named", async () => {
        await client.create(namespaces, { metadata: { name: "other" } });
        await client.create(configMaps, { metadata: { name: "z", namespace: "other" } });
        const found = (await client.list(configMaps)).items.map(({ metadata }) => `${metadata.namespace ?? ""}/${metadata.name ?? ""}`);
        expect(found).toEqual(["default/a", "default/b", "default/c", "other/z"]);
      });
    });

    describe("watches", () => {
      it("tell every change after a version, in order, with frozen objects", async () => {
        const { metadata } = await client.list(configMaps, place);
        const made = await client.create(configMaps, configMap("a", { k: "1" }));
        await client.update(configMaps, { ...made, data: { k: "2" } });
        await client.delete(configMaps, "a", place);
        const events = await take(watchFrom(metadata.resourceVersion), 3);
        expect(events.map(({ type, object }) => `${type} ${object.data?.["k"] ?? ""}`)).toEqual(["ADDED 1", "MODIFIED 2", "DELETED 2"]);
        const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
        expect(versions).toEqual([...versions].sort((a, b) => a - b));
        for (const { object } of events) expect(Object.isFrozen(object) && Object.isFrozen(object.metadata)).toBe(true);
      });

      it("begin with what is there when no version is named", async () => {
        await client.create(configMaps, configMap("a"));
        const batches = watchFrom(undefined);
        expect((await take(batches, 1)).map(({ type, object }) => `${type} ${object.metadata.name ?? ""}`)).toEqual(["ADDED a"]);
        const next = take(batches, 1);
        await client.create(configMaps, configMap("b"));
        expect((await next).map(({ type, object }) => `${type} ${object.metadata.name ?? ""}`)).toEqual(["ADDED b"]);
      });

      it("carry characters of any length whole", async () => {
        const text = "κέλης ⛵ 帆 ".repeat(5_000);
        const { metadata } = await client.list(configMaps, place);
        await client.create(configMaps, configMap("a", { text }));
        const [event] = await take(watchFrom(metadata.resourceVersion), 1);
        expect(event?.object.data?.["text"]).toBe(text);
      });

      it("tell an object that leaves the selection as deleted", async () => {
        const { metadata } = await client.list(configMaps, place);
        const made = await client.create(configMaps, configMap("a", {}, { app: "x" }));
        await client.create(configMaps, configMap("b", {}, { app: "y" }));
        await client.update(configMaps, { ...made, metadata: { ...made.metadata, labels: { app: "y" } } });
        const events = await take(watchFrom(metadata.resourceVersion, { labelSelector: "app=x" }), 2);
        expect(events.map(({ type, object }) => `${type} ${object.metadata.name ?? ""}`)).toEqual(["ADDED a", "DELETED a"]);
      });

      it("end without an error when the signal aborts, waiting or not yet begun", async () => {
        const { metadata } = await client.list(configMaps, place);
        const batches = watchFrom(metadata.resourceVersion);
        const waiting = batches.next();
        await client.create(configMaps, configMap("a"));
        await waiting;
        const ended = batches.next();
        stop.current.abort();
        expect((await ended).done).toBe(true);
        expect((await watchFrom(metadata.resourceVersion).next()).done).toBe(true);
      });

      it("can be left early", async () => {
        const { metadata } = await client.list(configMaps, place);
        await client.create(configMaps, configMap("a"));
        for await (const batch of client.watch(configMaps, { ...place, resourceVersion: metadata.resourceVersion ?? "", signal: stop.current.signal })) {
          expect(batch).toHaveLength(1);
          break;
        }
        expect((await client.get(configMaps, "a", place)).metadata.name).toBe("a");
      });

      it("throw a StatusError for what cannot be watched", async () => {
        const error = await failureOf(watchFrom("not a version").next());
        expect([error.code, error.reason]).toEqual([422, "Invalid"]);
        const unknown = client.watch({ ...configMaps, resource: "nothings" }, { ...place, signal: stop.current.signal })[Symbol.asyncIterator]();
        expect((await failureOf(unknown.next())).code).toBe(404);
      });
    });

    describe("other paths", () => {
      it("answer JSON as values", async () => {
        expect(await client.raw("GET", "/api")).toMatchObject({ kind: "APIVersions", versions: ["v1"] });
        expect(await client.raw("GET", "/api/v1/namespaces/default/configmaps?limit=1")).toMatchObject({ kind: "ConfigMapList" });
      });

      it("answer text as text", async () => {
        expect(await client.raw("GET", "/livez")).toBe("ok");
      });
    });
  });
}
