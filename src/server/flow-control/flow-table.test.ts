import { expect, it } from "vitest";
import type { FlowSchema } from "../../api/generated/types/flowcontrol-v1.ts";
import type { UserInfo } from "../../meta/wire.ts";
import { requestInfo } from "../request-info.ts";
import { FlowCounts } from "./flow-counts.ts";
import { FlowTable } from "./flow-table.ts";
import { PriorityLevel } from "./priority-level.ts";

const clock = { now: () => 0, after: () => () => {} };
const queuing = { queues: 16, handSize: 4, queueLengthLimit: 5 };
const level = new PriorityLevel(
  { name: "one", uid: "level-uid", spec: { type: "Limited", limited: { limitResponse: { type: "Queue", queuing } } } },
  { nominal: 10, lower: 10, upper: 10 },
  { clock },
);
const schema = (name: string, namespaces: readonly string[], method: string): FlowSchema => ({
  apiVersion: "flowcontrol.apiserver.k8s.io/v1",
  kind: "FlowSchema",
  metadata: { name, uid: `${name}-uid` },
  spec: {
    priorityLevelConfiguration: { name: "one" },
    distinguisherMethod: { type: method },
    rules: [{ subjects: [{ kind: "User", user: { name: "*" } }], resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces }] }],
  },
});

/** A table that tells how often it looked at its schemas. */
function tableOf(...schemas: readonly FlowSchema[]) {
  let looks = 0;
  const counted = schemas.map((one) => ({
    ...one,
    get spec() {
      looks += 1;
      return one.spec;
    },
  }));
  const table = new FlowTable(counted, { levelOf: () => level, countsOf: (of, name) => new FlowCounts(of.name, name) });
  return { table, looks: () => looks };
}

const ask = (table: FlowTable, user: UserInfo, path: string) => {
  const info = requestInfo("GET", path, new URLSearchParams());
  if (info === undefined) throw new Error("no request");
  return table.flowOf(user, info);
};
const jane: UserInfo = { name: "jane", groups: [] };

it("looks once for each user and thing, whatever the object is called", () => {
  const { table, looks } = tableOf(schema("a", ["a"], "ByUser"));
  const first = ask(table, jane, "/api/v1/namespaces/a/pods/x");
  const after = looks();
  expect(ask(table, jane, "/api/v1/namespaces/a/pods/y")).toBe(first);
  expect(ask(table, { ...jane }, "/api/v1/namespaces/a/pods/z")).toBe(first);
  ask(table, jane, "/api/v1/namespaces/a/secrets/x");
  expect(ask(table, jane, "/api/v1/namespaces/a/pods/y")).toBe(first);
  expect(looks()).toBe(2 * after);
  expect(ask(table, { name: "jane", groups: ["devs"] }, "/api/v1/namespaces/a/pods/y")).not.toBe(first);
});

it("tells users, namespaces and the parts of a path apart", () => {
  const { table } = tableOf(schema("a", ["a"], "ByUser"), schema("others", ["*"], "ByNamespace"));
  expect(ask(table, jane, "/api/v1/namespaces/a/pods/x")).toMatchObject({ schema: "a", distinguisher: "jane" });
  expect(ask(table, { ...jane, name: "joe" }, "/api/v1/namespaces/a/pods/x")).toMatchObject({ schema: "a", distinguisher: "joe" });
  expect(ask(table, jane, "/api/v1/namespaces/b/pods/x")).toMatchObject({ schema: "others", distinguisher: "b" });
  expect(ask(table, jane, "/api/v1/namespaces/a%22,%22/pods/x")).toMatchObject({ schema: "others", distinguisher: 'a","' });
});

it("deals a flow its hand, and tells the uids of what it is", () => {
  const { table } = tableOf(schema("a", ["a"], "ByUser"));
  const { hand, headers } = ask(table, jane, "/api/v1/namespaces/a/pods/x");
  expect(new Set(hand).size).toBe(4);
  expect(ask(table, { ...jane, name: "joe" }, "/api/v1/namespaces/a/pods/x").hand).not.toEqual(hand);
  expect(headers).toEqual({ "x-kubernetes-pf-flowschema-uid": "a-uid", "x-kubernetes-pf-prioritylevel-uid": "level-uid" });
});

it("forgets rather than grows, and stays right", () => {
  const { table } = tableOf(schema("a", ["a"], "ByUser"), schema("others", ["*"], "ByNamespace"));
  const first = ask(table, jane, "/api/v1/namespaces/a/pods/x");
  for (let count = 0; count < 10_500; count += 1) ask(table, jane, `/api/v1/namespaces/n${count}/pods/x`);
  const again = ask(table, jane, "/api/v1/namespaces/a/pods/x");
  expect(again).not.toBe(first);
  expect({ ...again, counts: undefined }).toEqual({ ...first, counts: undefined });
});
