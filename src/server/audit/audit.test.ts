import { describe, expect, it } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { failure } from "../../meta/status-error.ts";
import type { ApiRequest, ApiResponse, UserInfo } from "../../meta/wire.ts";
import { type RequestInfo, requestInfo } from "../request-info.ts";
import { errorResponse, jsonResponse } from "../respond/response.ts";
import { Auditor } from "./auditor.ts";
import type { AuditEvent } from "./event.ts";
import { legacyLine } from "./legacy-line.ts";
import { type Policy, type PolicyRule, readPolicy, verdictOn } from "./policy.ts";
import { batchesOf, truncatedJson } from "./truncate.ts";

const alice: UserInfo = { name: "alice", groups: ["devs", "system:authenticated"] };
function infoOf(method: string, url: string): RequestInfo {
  const [path = "", query = ""] = url.split("?");
  const info = requestInfo(method, path, new URLSearchParams(query));
  if (info === undefined) throw new Error("bad path");
  return info;
}

describe("the policy", () => {
  const pod = infoOf("PUT", "/api/v1/namespaces/team/pods/a");
  const log = infoOf("GET", "/api/v1/namespaces/team/pods/a/log");
  const deployment = infoOf("GET", "/apis/apps/v1/namespaces/team/deployments/a");
  const health = infoOf("GET", "/healthz/ping");
  const node = infoOf("GET", "/api/v1/nodes/n");
  it.each<[string, Omit<PolicyRule, "level">, RequestInfo, boolean]>([
    ["everything", {}, pod, true],
    ["a user", { users: ["bob"] }, pod, false],
    ["a group", { userGroups: ["x", "devs"] }, pod, true],
    ["a verb", { verbs: ["update"] }, pod, true],
    ["another verb", { verbs: ["get"] }, pod, false],
    ["a group of kinds", { resources: [{ group: "" }] }, pod, true],
    ["another group of kinds", { resources: [{ group: "" }] }, deployment, false],
    ["a kind", { resources: [{ group: "", resources: ["pods"] }] }, pod, true],
    ["a kind, not its logs", { resources: [{ group: "", resources: ["pods"] }] }, log, false],
    ["its logs", { resources: [{ group: "", resources: ["pods/log"] }] }, log, true],
    ["all below a kind", { resources: [{ group: "", resources: ["pods/*"] }] }, log, true],
    ["not the kind itself", { resources: [{ group: "", resources: ["pods/*"] }] }, pod, false],
    ["logs of any kind", { resources: [{ group: "", resources: ["*/log"] }] }, log, true],
    ["a name", { resources: [{ group: "", resources: ["pods"], resourceNames: ["b"] }] }, pod, false],
    ["a namespace", { namespaces: ["team"] }, pod, true],
    ["no namespace", { namespaces: [""] }, node, true],
    ["paths", { nonResourceURLs: ["/healthz*"] }, health, true],
    ["paths are no resources", { nonResourceURLs: ["*"] }, pod, false],
    ["resources are no paths", { resources: [{ group: "" }] }, health, false],
  ])("%s", (_name, rule, info, matched) => {
    expect(verdictOn({ rules: [{ level: "Request", ...rule }] }, alice, info).level).toBe(matched ? "Request" : "None");
  });

  it.each([
    [{ kind: "Policy" }, "it must be a Policy of audit.k8s.io/v1"],
    [{ rules: [] }, "rules: at least one is needed"],
    [{ rules: [{ level: "All" }] }, "rules[0].level must be one of None, Metadata, Request, RequestResponse"],
    [{ rules: [{ level: "None", user: "a" }] }, "rules[0]: unknown key user"],
    [{ rules: [{ level: "None", namespaces: ["a"], nonResourceURLs: ["*"] }] }, "rules[0]: a rule cannot apply to both resources and paths"],
    [{ rules: [{ level: "None" }], omitStages: ["End"] }, "omitStages: must be among RequestReceived, ResponseStarted, ResponseComplete, Panic"],
  ])("refuses %j", (part, message) => {
    const head = "kind" in part ? {} : { apiVersion: "audit.k8s.io/v1", kind: "Policy" };
    expect(() => readPolicy({ ...head, ...part })).toThrow(message);
  });
});

type Event = Readonly<Record<string, unknown>>;
const body = { kind: "ConfigMap", apiVersion: "v1", metadata: { name: "a", managedFields: [{ manager: "m" }] }, data: { k: "v" } };
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

async function recorded(
  policy: Omit<Policy, "rules">,
  level: PolicyRule["level"],
  url: string,
  answer: ApiResponse,
  panicked = false,
): Promise<{ events: Event[]; response: ApiResponse | undefined }> {
  const events: Event[] = [];
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const auditor = new Auditor(
    { rules: [{ level }], ...policy },
    { sink: { write: (event) => void events.push(JSON.parse(JSON.stringify(event)) as Event) }, clock, random: seededRandom(1) },
  );
  const [path = "", query = ""] = url.split("?");
  const request: ApiRequest = {
    method: "POST",
    path,
    query,
    headers: { "user-agent": "test", "content-type": "application/json" },
    body: { type: "bytes", read: () => Promise.resolve(bytes(body)) },
    caller: { type: "network", address: "192.0.2.7", upgradable: false },
  };
  const record = auditor.begin({ request, info: infoOf(query.includes("watch") ? "GET" : "POST", url), user: alice, receivedMs: clock.now() });
  const observed = record?.observe(request);
  if (observed?.body.type === "bytes") await observed.body.read();
  record?.annotate("authorization.k8s.io/decision", "allow");
  return { events, response: record?.finish(answer, panicked) };
}

const maps = "/api/v1/namespaces/team/configmaps";

describe("events", () => {
  it("say who did what, and what came of it", async () => {
    const { events, response } = await recorded({}, "Metadata", `${maps}?dryRun=All`, jsonResponse(201, bytes(body)));
    expect(events.map(({ stage }) => stage)).toEqual(["RequestReceived", "ResponseComplete"]);
    expect(events[1]).toEqual({
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      auditID: response?.headers["audit-id"],
      stage: "ResponseComplete",
      requestURI: `${maps}?dryRun=All`,
      verb: "create",
      user: { username: "alice", groups: ["devs", "system:authenticated"] },
      sourceIPs: ["192.0.2.7"],
      userAgent: "test",
      objectRef: { resource: "configmaps", namespace: "team", apiVersion: "v1" },
      responseStatus: { metadata: {}, code: 201 },
      requestReceivedTimestamp: expect.stringMatching(/^\d{4}-.*\.\d{6}Z$/),
      stageTimestamp: expect.any(String),
      annotations: { "authorization.k8s.io/decision": "allow" },
    });
  });

  it("carry bodies when asked, without managed fields when asked", async () => {
    const { events } = await recorded({ omitManagedFields: true, omitStages: ["RequestReceived"] }, "RequestResponse", maps, jsonResponse(201, bytes(body)));
    const shown = { ...body, metadata: { name: "a" } };
    expect(events).toMatchObject([{ stage: "ResponseComplete", requestObject: shown, responseObject: shown }]);
    expect(JSON.stringify(events)).not.toContain("managedFields");
  });

  it("carry only the request's body at that level", async () => {
    const { events } = await recorded({}, "Request", maps, jsonResponse(201, bytes(body)));
    expect(events[0]).not.toHaveProperty("requestObject");
    expect(events[1]).toMatchObject({ requestObject: body });
    expect(events[1]).not.toHaveProperty("responseObject");
  });

  it("tell failures, in protobuf too, and panics", async () => {
    const error = errorResponse(failure("NotFound", "no such"), { media: "protobuf", as: "object", pretty: false });
    const { events } = await recorded({}, "Metadata", maps, error, true);
    expect(events.map(({ stage }) => stage)).toEqual(["RequestReceived", "Panic"]);
    expect(events[1]).toMatchObject({ responseStatus: { status: "Failure", reason: "NotFound", message: "no such", code: 404 } });
  });

  it("tell when a watch begins and when it ends", async () => {
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield bytes("one");
    }
    const answer: ApiResponse = { status: 200, headers: {}, body: { type: "stream", contentType: "application/json", chunks: chunks() } };
    const { events, response } = await recorded({}, "RequestResponse", `${maps}?watch=1`, answer);
    expect(events.map(({ stage }) => stage)).toEqual(["RequestReceived", "ResponseStarted"]);
    if (response?.body.type === "stream") for await (const chunk of response.body.chunks) expect(chunk).toEqual(bytes("one"));
    expect(events.map(({ stage }) => stage)).toEqual(["RequestReceived", "ResponseStarted", "ResponseComplete"]);
  });

  it("are none at level None", async () => {
    expect((await recorded({}, "None", maps, jsonResponse(201, bytes(body)))).events).toEqual([]);
  });
});

describe("what nobody was let in with", () => {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  it.each<[string, Partial<ApiRequest>, string]>([
    ["a token", { headers: { authorization: "Bearer wrong" } }, "Authentication failed, attempted: bearer"],
    ["a password", { headers: { authorization: "Basic eDp5" } }, "Authentication failed, attempted: basic"],
    ["nothing", {}, "Authentication failed, no credentials provided"],
  ])("is written down with what was tried: %s", (_name, part, message) => {
    const events: AuditEvent[] = [];
    const auditor = new Auditor({ rules: [{ level: "RequestResponse" }] }, { sink: { write: (event) => void events.push(event) }, clock, random: seededRandom(1) });
    const request: ApiRequest = {
      method: "GET",
      path: "/api/v1/secrets",
      query: "",
      headers: {},
      body: { type: "none" },
      caller: { type: "network", address: "192.0.2.7", upgradable: false },
      ...part,
    };
    auditor.refused(
      { request, info: infoOf("GET", "/api/v1/secrets"), receivedMs: clock.now() },
      errorResponse(failure("Unauthorized", "Unauthorized"), { media: "json", as: "object", pretty: false }),
    );
    expect(events).toMatchObject([{ stage: "ResponseStarted", user: {}, verb: "list", responseStatus: { code: 401, message }, sourceIPs: ["192.0.2.7"] }]);
  });
});

describe("the legacy format", () => {
  it("is one line of names and quoted values", async () => {
    const { events } = await recorded({ omitStages: ["RequestReceived"] }, "Metadata", maps, jsonResponse(201, bytes(body)));
    const [event] = events as unknown as AuditEvent[];
    if (event === undefined) throw new Error("no event");
    expect(legacyLine(event)).toBe(
      `${event.requestReceivedTimestamp} AUDIT: id="${event.auditID}" stage="ResponseComplete" ip="192.0.2.7" method="create" user="alice" ` +
        `groups="\\"devs\\",\\"system:authenticated\\"" as="<self>" asgroups="<lookup>" user-agent="test" namespace="team" uri="${maps}" response="201"`,
    );
  });
});

describe("what is too large", () => {
  const event = { kind: "Event", level: "RequestResponse", requestObject: "x".repeat(500), responseObject: "y".repeat(500), verb: "create" } as unknown as AuditEvent;
  it("goes without its bodies, and says so", () => {
    expect(truncatedJson(event, 5000)).toBe(JSON.stringify(event));
    expect(JSON.parse(truncatedJson(event, 800) ?? "")).toEqual({ kind: "Event", level: "RequestResponse", verb: "create", annotations: { "audit.k8s.io/truncated": "true" } });
    expect(truncatedJson(event, 20)).toBeUndefined();
  });

  it("is sent in several parts", () => {
    expect(batchesOf(["aaa", "bbb", "cc", "d"], 6)).toEqual([
      ["aaa", "bbb"],
      ["cc", "d"],
    ]);
    expect(batchesOf([], 6)).toEqual([]);
    expect(batchesOf(["éé", "é"], 5)).toEqual([["éé"], ["é"]]);
  });
});
