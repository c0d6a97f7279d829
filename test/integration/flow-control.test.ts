import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { otherKinds } from "../../src/api/other-kinds.ts";
import { workloadKinds } from "../../src/api/workload-kinds.ts";
import { configMaps, flowSchemas, namespaces, priorityLevelConfigurations } from "../../src/api/generated/resources.ts";
import { silentLogger } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { Client } from "../../src/client/client.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import type { ApiRequest, ApiResponse } from "../../src/meta/wire.ts";
import { promMetrics } from "../../src/platform/node/metrics.ts";
import { dumpPaths } from "../../src/server/flow-control/dump.ts";
import { ObjectKeeper } from "../../src/server/flow-control/object-keeper.ts";
import { standardFlowSchemas, standardPriorityLevels } from "../../src/server/flow-control/standard-objects.ts";
import { healthPaths, metricsPath, shutdownCheck } from "../../src/server/health.ts";
import { ApiServer } from "../../src/server/server.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";

const masters = { name: "admin", groups: ["system:masters", "system:authenticated"] };
const AUTO = "apf.kubernetes.io/autoupdate-spec";

/** One request that is being served, until it is let go. */
interface Served {
  readonly by: string;
  release(): void;
}

/** An API server of 49 seats, two of which are `global-default`'s own, whose path /wait answers when told. */
async function serve() {
  const stop = new AbortController();
  const store = new MemoryStore();
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const metrics = promMetrics();
  const serving: Served[] = [];
  const started: string[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  const api: ApiServer = new ApiServer(
    { kinds: [...workloadKinds, ...otherKinds], conversions: [], inFlight: { readOnly: 40, mutating: 9 } },
    { store, clock, random: seededRandom(7), log: silentLogger, metrics },
    () => ({
      authenticators: [
        {
          authenticate: ({ headers }) => {
            const name = headers["user"] ?? "nobody";
            return { name, groups: name === "admin" ? ["system:masters"] : [] };
          },
        },
      ],
      authorizer: { authorize: ({ path }) => ({ verdict: path === "/forbidden" ? "deny" : "allow", reason: "" }) },
      plugins: [
        {
          name: "Slow",
          mutate: ({ name, work }) =>
            name === "slow"
              ? new Promise((resolve) => {
                  signals.push(work?.signal);
                  serving.push({ by: "plugin", release: resolve });
                })
              : undefined,
        },
      ],
      special: new Map(),
      paths: [
        (_request, { path }, _query, user): Promise<ApiResponse> | undefined => {
          if (path !== "/wait") return undefined;
          started.push(user.name);
          return new Promise((resolve) => serving.push({ by: user.name, release: () => resolve({ status: 200, headers: {}, body: { type: "empty" } }) }));
        },
        (_request, { path }) => {
          if (path === "/broken") throw new Error("the password is swordfish");
          return undefined;
        },
        healthPaths([{ name: "ping", on: ["healthz"], check: () => undefined }, shutdownCheck(() => api)]),
        metricsPath(() => metrics.render()),
        dumpPaths(() => api.flowControl.levels),
      ],
    }),
  );
  await api.load();
  const running = api.run(stop.signal);
  const admin = inProcessClient(api.handle, masters);
  const keeper = new ObjectKeeper({ ...api.parts, client: admin });
  await keeper.settle();
  const keeping = keeper.run(stop.signal);
  const ask = (
    as: string,
    url: string,
    { method = "GET", body, signal = new AbortController().signal }: { readonly method?: ApiRequest["method"]; readonly body?: string; readonly signal?: AbortSignal } = {},
  ) => {
    const [path = "", query = ""] = url.split("?");
    return api.handle(
      {
        method,
        path,
        query,
        headers: { user: as, "content-type": "application/json" },
        body: body === undefined ? { type: "none" } : { type: "bytes", read: () => Promise.resolve(new TextEncoder().encode(body)) },
        caller: { type: "network", address: "192.0.2.1", upgradable: false },
      },
      { signal },
    );
  };
  return {
    api,
    admin,
    clock,
    serving,
    started,
    signals,
    ask,
    async stop() {
      stop.abort();
      for (const { release } of serving) release();
      await Promise.all([running, keeping]);
      await store.close();
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const textOf = ({ body }: ApiResponse): string => (body.type === "bytes" ? body.chunks.map((chunk) => new TextDecoder().decode(chunk)).join("") : "");

let world: Awaited<ReturnType<typeof serve>>;
let admin: Client;
beforeEach(async () => {
  world = await serve();
  admin = world.admin;
});
afterEach(() => world.stop());

const levelOf = (name: string) => world.api.flowControl.levels.find((level) => level.name === name) ?? expect.fail(name);
const uidsOf = async (schema: string, level: string): Promise<Record<string, string | undefined>> => ({
  "x-kubernetes-pf-flowschema-uid": (await admin.get(flowSchemas, schema)).metadata.uid,
  "x-kubernetes-pf-prioritylevel-uid": (await admin.get(priorityLevelConfigurations, level)).metadata.uid,
});

describe("a flood of one user", () => {
  it("keeps nobody else waiting for more than a turn of each of its queues, and is refused what does not fit in its queues", async () => {
    const { set } = levelOf("global-default");
    const flood = Array.from({ length: 400 }, () => world.ask("flood", "/wait"));
    await turn();
    expect(world.serving.map(({ by }) => by)).toEqual(Array.from({ length: set.limit }, () => "flood"));
    expect(set.waiting).toBe(300);
    const outcomes: number[] = [];
    for (const answer of flood) void answer.then(({ status }) => outcomes.push(status));
    await turn();
    expect(outcomes).toEqual(Array.from({ length: 400 - 300 - set.limit }, () => 429));
    const others = ["jane", "joe"].map((name) => world.ask(name, "/wait"));
    await turn();
    // Every seat is taken. The flood has six queues, and each queue one turn before any has a second.
    for (let turns = 0; turns < 8; turns += 1) {
      world.serving.shift()?.release();
      await turn();
    }
    expect(
      world.started
        .slice(set.limit)
        .filter((by) => by !== "flood")
        .toSorted(),
    ).toEqual(["jane", "joe"]);
    for (; world.serving.length > 0; await turn()) world.serving.shift()?.release();
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await Promise.all(flood)).filter(({ status }) => status === 200)).toHaveLength(300 + set.limit);
    expect([set.isIdle, set.seatsInUse]).toEqual([true, 0]);
  });

  it("leaves other levels alone, probes first of all", async () => {
    for (let count = 0; count < 100; count += 1) void world.ask("flood", "/wait");
    await turn();
    expect((await world.ask("nobody", "/healthz")).status).toBe(200);
    expect((await world.ask("admin", "/api/v1/namespaces")).status).toBe(200);
    expect((await world.ask("system:kube-scheduler", "/api/v1/namespaces")).status).toBe(200);
    expect(await inProcessClient(world.api.handle, { name: "flood", groups: ["system:authenticated"] }).list(namespaces)).toMatchObject({ items: [] });
  });

  it("gets seats that others do not want", async () => {
    const { set } = levelOf("global-default");
    const before = set.limit;
    for (let count = 0; count < 200; count += 1) void world.ask("flood", "/wait");
    await world.clock.advance(10_000);
    expect(set.limit).toBeGreaterThan(before);
    expect(world.serving).toHaveLength(set.limit);
    expect(world.api.flowControl.levels.reduce((sum, level) => sum + level.set.limit, 0)).toBeLessThan(49 + 8);
  });
});

describe("who waits", () => {
  const fill = async (): Promise<void> => {
    for (let count = 0; count < levelOf("global-default").set.limit; count += 1) void world.ask("flood", "/wait");
    await turn();
  };

  it("is refused after a quarter of its time", async () => {
    await fill();
    const answers = [world.ask("flood", "/wait?timeout=8s"), world.ask("flood", "/wait")];
    const outcomes: number[] = [];
    for (const answer of answers) void answer.then(({ status }) => outcomes.push(status));
    await world.clock.advance(1_999);
    expect(outcomes).toEqual([]);
    await world.clock.advance(1);
    expect(outcomes).toEqual([429]);
    const [response] = await Promise.all(answers.slice(0, 1));
    expect(response?.headers).toMatchObject({ "retry-after": "1", ...(await uidsOf("global-default", "global-default")) });
    expect(JSON.parse(response === undefined ? "" : textOf(response))).toMatchObject({
      reason: "TooManyRequests",
      message: "Too many requests, please try again later.",
      details: { retryAfterSeconds: 1 },
    });
  });

  it("is forgotten when it leaves", async () => {
    await fill();
    const caller = new AbortController();
    const gone = world.ask("flood", "/wait", { signal: caller.signal });
    await turn();
    const { set } = levelOf("global-default");
    expect(set.waiting).toBe(1);
    caller.abort();
    expect((await gone).status).toBe(429);
    expect([set.waiting, set.totals.cancelled]).toEqual([0, 1]);
  });
});

it("an answer in time or not, a seat is taken until the work is done", async () => {
  const late = world.ask("jane", "/wait?timeout=5s");
  await turn();
  await world.clock.advance(5_000);
  expect((await late).status).toBe(504);
  const { set } = levelOf("global-default");
  expect(set.running).toBe(1);
  world.serving[0]?.release();
  await turn();
  expect(set.running).toBe(0);
});

it("what takes too long is told so, and writes nothing", async () => {
  const body = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "slow" } });
  const answer = world.ask("jane", "/api/v1/namespaces/default/configmaps?timeout=5s", { method: "POST", body });
  await turn();
  expect(world.signals.map((signal) => signal?.aborted)).toEqual([false]);
  await world.clock.advance(5_000);
  expect((await answer).status).toBe(504);
  expect(world.signals.map((signal) => signal?.aborted)).toEqual([true]);
  world.serving[0]?.release();
  await world.clock.settle();
  expect((await admin.list(configMaps)).items).toEqual([]);
  expect(levelOf("global-default").set.isIdle).toBe(true);
});

it("a server that goes says so first, and serves on", async () => {
  const ready = async (): Promise<number> => (await world.ask("jane", "/readyz")).status;
  expect(await ready()).toBe(200);
  world.api.beginStop();
  expect(await ready()).toBe(500);
  expect((await world.ask("jane", "/api/v1/namespaces")).status).toBe(200);
  expect((await world.ask("jane", "/healthz")).status).toBe(200);
});

describe("answers", () => {
  it.each([
    ["jane", "/api/v1/namespaces", "global-default", "global-default", 200],
    ["jane", "/api/v1/namespaces/none", "global-default", "global-default", 404],
    ["jane", "/forbidden", "global-default", "global-default", 403],
    ["jane", "/broken", "global-default", "global-default", 500],
    ["jane", "/healthz", "probes", "exempt", 200],
    ["admin", "/api/v1/namespaces", "exempt", "exempt", 200],
    ["system:kube-scheduler", "/api/v1/pods", "kube-scheduler", "workload-high", 200],
  ])("%s hears of %s what it was classified as", async (who, url, schema, level, status) => {
    const response = await world.ask(who, url);
    expect(response.status).toBe(status);
    expect(response.headers).toMatchObject(await uidsOf(schema, level));
  });

  it("say nothing of the inside of a bug", async () => {
    const text = textOf(await world.ask("jane", "/broken"));
    expect(text).not.toContain("swordfish");
    expect(JSON.parse(text)).toMatchObject({ message: "This request caused apiserver to panic. Look in the logs for details.", reason: "InternalError", code: 500 });
  });

  it("of callers in the same process go without", async () => {
    const response = await world.api.handle(
      { method: "GET", path: "/healthz", query: "", headers: {}, body: { type: "none" }, caller: { type: "local", user: masters } },
      new AbortController(),
    );
    expect(Object.keys(response.headers).filter((name) => name.startsWith("x-kubernetes"))).toEqual([]);
  });
});

describe("a watch", () => {
  const reader = ({ body }: ApiResponse): AsyncIterator<Uint8Array> => (body.type === "stream" ? body.chunks[Symbol.asyncIterator]() : expect.fail("no stream"));

  it("has a seat only while it begins", async () => {
    const { set } = levelOf("global-default");
    const caller = new AbortController();
    const response = await world.ask("jane", "/api/v1/configmaps?watch=1", { signal: caller.signal });
    expect(response.headers).toMatchObject(await uidsOf("global-default", "global-default"));
    expect([set.running, set.totals.dispatched]).toEqual([0, 1]);
    const chunks = reader(response);
    const next = chunks.next();
    await admin.create(configMaps, { metadata: { name: "a", namespace: "default" } });
    expect(new TextDecoder().decode((await next).value)).toContain('"ADDED"');
    caller.abort();
    expect((await chunks.next()).done).toBe(true);
  });

  it.each(["reads", "leaves", "does nothing"])("that tells the state first has its seats until its caller %s", async (what) => {
    await Promise.all(Array.from({ length: 250 }, (_, index) => admin.create(configMaps, { metadata: { name: `c${index}`, namespace: "default" } })));
    const { set, maxSeats } = levelOf("global-default");
    const caller = new AbortController();
    const response = await world.ask("jane", "/api/v1/configmaps?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true", {
      signal: caller.signal,
    });
    expect([set.running, set.seatsInUse]).toEqual([1, Math.min(3, maxSeats)]);
    if (what === "reads") expect((await reader(response).next()).done).toBe(false);
    else if (what === "leaves") caller.abort();
    else await world.clock.advance(60_000);
    expect([set.running, set.seatsInUse]).toEqual([0, 0]);
    caller.abort();
  });
});

describe("the objects", () => {
  it("are there, with upstream's specs", async () => {
    const levels = await admin.list(priorityLevelConfigurations);
    const schemas = await admin.list(flowSchemas);
    expect(levels.items.map(({ metadata }) => metadata.name)).toEqual(standardPriorityLevels.map(({ name }) => name).toSorted());
    expect(schemas.items.map(({ metadata }) => metadata.name)).toEqual(standardFlowSchemas.map(({ name }) => name).toSorted());
    for (const { metadata } of [...levels.items, ...schemas.items]) expect(metadata.annotations).toEqual({ [AUTO]: "true" });
    for (const { status } of schemas.items) expect(status?.conditions).toMatchObject([{ type: "Dangling", status: "False", reason: "Found" }]);
    for (const { name, spec } of standardPriorityLevels) expect(levels.items.find(({ metadata }) => metadata.name === name)?.spec).toEqual(spec);
    for (const { name, spec } of standardFlowSchemas) expect(schemas.items.find(({ metadata }) => metadata.name === name)?.spec).toEqual(spec);
  });

  it.each(["exempt", "catch-all", "probes"])("come back when they are deleted: %s", async (name) => {
    const before = await admin.get(flowSchemas, name);
    await admin.delete(flowSchemas, name);
    await world.clock.settle();
    const after = await admin.get(flowSchemas, name);
    expect([after.metadata.uid === before.metadata.uid, after.spec]).toEqual([false, before.spec]);
    expect((await world.ask("admin", "/healthz")).headers).toMatchObject(await uidsOf("exempt", "exempt"));
  });

  it("are put right while nobody has taken them over", async () => {
    const change = async (annotation: string): Promise<number | undefined> => {
      const known = await admin.get(priorityLevelConfigurations, "workload-low");
      await admin.update(priorityLevelConfigurations, {
        ...known,
        metadata: { ...known.metadata, annotations: { [AUTO]: annotation } },
        spec: { type: "Limited", limited: { ...known.spec.limited, nominalConcurrencyShares: 7 } },
      });
      await world.clock.settle();
      return (await admin.get(priorityLevelConfigurations, "workload-low")).spec.limited?.nominalConcurrencyShares;
    };
    expect(await change("true")).toBe(100);
    expect(await change("false")).toBe(7);
    expect(levelOf("workload-low").bounds.nominal).toBe(Math.ceil((49 * 7) / 152));
  });

  it("cannot be changed where they are mandatory, but for what the exempt level lends", async () => {
    const all = await admin.get(flowSchemas, "catch-all");
    await expect(admin.update(flowSchemas, { ...all, spec: { ...all.spec, rules: [] } })).rejects.toThrow("spec of 'catch-all' must equal the fixed value");
    const exempt = await admin.get(priorityLevelConfigurations, "exempt");
    await admin.update(priorityLevelConfigurations, {
      ...exempt,
      metadata: { ...exempt.metadata, annotations: { [AUTO]: "false" } },
      spec: { type: "Exempt", exempt: { nominalConcurrencyShares: 20, lendablePercent: 50 } },
    });
    await world.clock.settle();
    expect((await admin.get(priorityLevelConfigurations, "exempt")).spec.exempt).toEqual({ nominalConcurrencyShares: 20, lendablePercent: 50 });
    expect(levelOf("exempt").bounds.nominal).toBeGreaterThan(0);
  });

  it("that are somebody's own say whether their level is there, and count when it is", async () => {
    const rules = [{ subjects: [{ kind: "User", user: { name: "jane" } }], nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }] }];
    await admin.create(flowSchemas, { metadata: { name: "janes" }, spec: { priorityLevelConfiguration: { name: "janes" }, matchingPrecedence: 500, rules } });
    await world.clock.settle();
    const dangling = async (): Promise<unknown> => (await admin.get(flowSchemas, "janes")).status?.conditions?.[0];
    expect(await dangling()).toMatchObject({
      type: "Dangling",
      status: "True",
      reason: "NotFound",
      message: 'This FlowSchema references the PriorityLevelConfiguration object named "janes" but there is no such object',
    });
    expect((await world.ask("jane", "/version")).headers).toMatchObject(await uidsOf("global-default", "global-default"));
    await admin.create(priorityLevelConfigurations, {
      metadata: { name: "janes" },
      spec: { type: "Limited", limited: { nominalConcurrencyShares: 10, limitResponse: { type: "Reject" } } },
    });
    await world.clock.settle();
    expect(await dangling()).toMatchObject({
      status: "False",
      reason: "Found",
      message: 'This FlowSchema references the PriorityLevelConfiguration object named "janes" and it exists',
    });
    expect((await world.ask("jane", "/version")).headers).toMatchObject(await uidsOf("janes", "janes"));
    const first = world.ask("jane", "/wait");
    await turn();
    await admin.delete(priorityLevelConfigurations, "janes");
    await world.clock.settle();
    expect(await dangling()).toMatchObject({ status: "True" });
    // The level stays until the last request in it is done.
    expect(levelOf("janes").quiescing).toBe(true);
    world.serving[0]?.release();
    expect((await first).status).toBe(200);
    await world.clock.advance(10_000);
    expect(world.api.flowControl.levels.map(({ name }) => name)).not.toContain("janes");
  });
});

describe("what people see", () => {
  it("are upstream's metrics", async () => {
    void world.ask("jane", "/wait");
    for (let count = 0; count < 400; count += 1) void world.ask("flood", "/wait");
    await turn();
    const text = textOf(await world.ask("admin", "/metrics"));
    const { limit, waiting } = levelOf("global-default").set;
    const lines = [
      `apiserver_flowcontrol_dispatched_requests_total{priority_level="global-default",flow_schema="global-default"} ${limit}`,
      `apiserver_flowcontrol_rejected_requests_total{priority_level="global-default",flow_schema="global-default",reason="queue-full"} ${401 - limit - waiting}`,
      `apiserver_flowcontrol_current_inqueue_requests{priority_level="global-default",flow_schema="global-default"} ${waiting}`,
      `apiserver_flowcontrol_current_executing_requests{priority_level="global-default",flow_schema="global-default"} ${limit}`,
      `apiserver_flowcontrol_current_executing_seats{priority_level="global-default",flow_schema="global-default"} ${limit}`,
      'apiserver_flowcontrol_nominal_limit_seats{priority_level="global-default"} 4',
      `apiserver_flowcontrol_current_limit_seats{priority_level="global-default"} ${limit}`,
      `apiserver_flowcontrol_request_wait_duration_seconds_bucket{priority_level="global-default",flow_schema="global-default",execute="true",le="0"} ${limit}`,
      `apiserver_flowcontrol_request_wait_duration_seconds_count{priority_level="global-default",flow_schema="global-default",execute="true"} ${limit}`,
      `apiserver_current_inflight_requests{request_kind="readOnly"} ${limit + 1}`,
      "# TYPE apiserver_flowcontrol_request_execution_seconds histogram",
    ];
    for (const line of lines) expect(text.split("\n")).toContain(line);
  });

  it("are upstream's dumps", async () => {
    void world.ask("jane", "/wait");
    for (let count = 0; count < 10; count += 1) void world.ask("flood", "/wait");
    await turn();
    const dump = async (name: string): Promise<readonly (readonly string[])[]> =>
      textOf(await world.ask("admin", `/debug/api_priority_and_fairness/${name}`))
        .trimEnd()
        .split("\n")
        .map((line) => line.split(",").map((cell) => cell.trim()));
    const [head, ...levels] = await dump("dump_priority_levels");
    expect(head?.slice(0, 6)).toEqual(["PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests"]);
    const { limit, waiting } = levelOf("global-default").set;
    expect(levels.find(([name]) => name === "global-default")?.slice(2, 6)).toEqual(["false", "false", String(waiting), String(limit)]);
    expect(levels.find(([name]) => name === "system")?.slice(1, 6)).toEqual(["0", "true", "false", "0", "0"]);
    expect((await dump("dump_queues")).filter(([name]) => name === "global-default")).toHaveLength(128);
    const requests = (await dump("dump_requests?includeRequestDetails=1")).filter(([name]) => name === "global-default");
    expect(requests).toHaveLength(limit + waiting);
    const jane = requests.find((row) => row[10] === "jane");
    expect(jane?.slice(0, 2)).toEqual(["global-default", "global-default"]);
    expect(jane?.slice(4)).toEqual(["jane", "2026-01-01T00:00:00.000Z", "1", "0", "0ms", "2026-01-01T00:00:00.000Z", "jane", "get", "/wait", "", "", "", "", ""]);
    expect((await world.ask("admin", "/debug/api_priority_and_fairness/dump_thoughts")).status).toBe(404);
  });
});
