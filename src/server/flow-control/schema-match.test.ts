import { describe, expect, it } from "vitest";
import type { FlowSchema } from "../../api/generated/types/flowcontrol-v1.ts";
import type { UserInfo } from "../../meta/wire.ts";
import { requestInfo } from "../request-info.ts";
import { configurationOf } from "./configuration.ts";
import { matchesSchema } from "./schema-match.ts";
import { standardFlowSchemas, standardPriorityLevels } from "./standard-objects.ts";

const schemaOf = (name: string, spec: FlowSchema["spec"]): FlowSchema => ({ apiVersion: "flowcontrol.apiserver.k8s.io/v1", kind: "FlowSchema", metadata: { name }, spec });
const levels = standardPriorityLevels.map(({ name, spec }) => ({
  apiVersion: "flowcontrol.apiserver.k8s.io/v1",
  kind: "PriorityLevelConfiguration" as const,
  metadata: { name, uid: `level-${name}` },
  spec,
}));
const standard = standardFlowSchemas.map(({ name, spec }) => schemaOf(name, spec));

function classify(schemas: readonly FlowSchema[], user: UserInfo, request: string): string | undefined {
  const [method = "", url = ""] = request.split(" ");
  const [path = "", query = ""] = url.split("?");
  const info = requestInfo(method, path, new URLSearchParams(query));
  if (info === undefined) throw new Error(`no request: ${request}`);
  return configurationOf(schemas, levels).schemas.find((schema) => matchesSchema(schema, user, info))?.metadata.name;
}

const person = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, "system:authenticated"] });
const account = (namespace: string, name: string): UserInfo =>
  person(`system:serviceaccount:${namespace}:${name}`, "system:serviceaccounts", `system:serviceaccounts:${namespace}`);
const anonymous: UserInfo = { name: "system:anonymous", groups: ["system:unauthenticated"] };
const node = person("system:node:a", "system:nodes");
const manager = person("system:kube-controller-manager");
const scheduler = person("system:kube-scheduler");
const lease = "PUT /apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x";

describe("what every cluster has", () => {
  it.each([
    ["exempt", person("admin", "system:masters"), "GET /api/v1/pods"],
    ["exempt", person("admin", "system:masters"), "GET /healthz"],
    ["probes", anonymous, "GET /readyz"],
    ["global-default", anonymous, "POST /readyz"],
    ["global-default", anonymous, "GET /readyz/ping"],
    ["global-default", person("jane"), "GET /api/v1/namespaces/a/pods"],
    ["global-default", person("jane"), "GET /version"],
    ["system-node-high", node, "PATCH /api/v1/nodes/a/status"],
    ["system-node-high", node, "GET /api/v1/nodes"],
    ["system-node-high", node, lease],
    ["system-nodes", node, "GET /api/v1/nodes/a/proxy"],
    ["system-nodes", node, "GET /api/v1/pods"],
    ["system-nodes", node, "GET /version"],
    ["system-leader-election", manager, lease],
    ["system-leader-election", account("kube-system", "x"), lease],
    ["kube-controller-manager", manager, "DELETE /apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x"],
    ["endpoint-controller", manager, "PUT /api/v1/namespaces/a/endpoints/x"],
    ["endpoint-controller", account("kube-system", "endpointslicemirroring-controller"), "POST /api/v1/namespaces/a/endpoints"],
    ["workload-leader-election", account("kube-system", "x"), "PUT /api/v1/namespaces/a/endpoints/x"],
    ["workload-leader-election", account("kube-system", "x"), "GET /api/v1/namespaces/a/configmaps/x"],
    ["kube-controller-manager", manager, "GET /api/v1/namespaces/a/configmaps/x"],
    ["kube-scheduler", scheduler, "POST /api/v1/namespaces/a/pods/x/binding"],
    ["kube-system-service-accounts", account("kube-system", "x"), "GET /api/v1/namespaces/a/secrets/x"],
    ["service-accounts", account("default", "x"), "GET /api/v1/namespaces/a/secrets/x"],
    ["service-accounts", account("default", "x"), lease],
    ["exempt", { name: "admin", groups: ["system:masters"] }, "GET /metrics"],
    [undefined, { name: "nobody", groups: [] }, "GET /api/v1/pods"],
  ])("%s takes what %o asks: %s", (name, user, request) => {
    expect(classify(standard, user, request)).toBe(name);
  });

  it("is all there, by name and precedence", () => {
    expect(configurationOf(standard, levels).schemas.map(({ metadata, spec }) => [metadata.name, spec.matchingPrecedence, spec.priorityLevelConfiguration.name])).toEqual([
      ["exempt", 1, "exempt"],
      ["probes", 2, "exempt"],
      ["system-leader-election", 100, "leader-election"],
      ["endpoint-controller", 150, "workload-high"],
      ["workload-leader-election", 200, "leader-election"],
      ["system-node-high", 400, "node-high"],
      ["system-nodes", 500, "system"],
      ["kube-controller-manager", 800, "workload-high"],
      ["kube-scheduler", 800, "workload-high"],
      ["kube-system-service-accounts", 900, "workload-high"],
      ["service-accounts", 9000, "workload-low"],
      ["global-default", 9900, "global-default"],
      ["catch-all", 10_000, "catch-all"],
    ]);
  });

  it("is imagined as far as it is mandatory, and what names no level is left out", () => {
    const lost = schemaOf("lost", { priorityLevelConfiguration: { name: "gone" }, matchingPrecedence: 5, rules: [] });
    const { schemas, levels: known } = configurationOf([lost], []);
    expect(schemas.map(({ metadata }) => metadata.name)).toEqual(["exempt", "catch-all"]);
    expect(known.map(({ name, uid }) => [name, uid])).toEqual([
      ["exempt", ""],
      ["catch-all", ""],
    ]);
  });
});

describe("a rule", () => {
  const pods = { verbs: ["get", "list"], apiGroups: [""], resources: ["pods"], namespaces: ["a"] };
  const everyone = [{ kind: "Group", group: { name: "*" } }];
  const of = (spec: Partial<FlowSchema["spec"]>): readonly FlowSchema[] => [schemaOf("mine", { priorityLevelConfiguration: { name: "system" }, matchingPrecedence: 50, ...spec })];
  const rule = (resourceRule: object): readonly FlowSchema[] => of({ rules: [{ subjects: everyone, resourceRules: [{ ...pods, ...resourceRule }] }] });
  const path = (...nonResourceURLs: string[]): readonly FlowSchema[] => of({ rules: [{ subjects: everyone, nonResourceRules: [{ verbs: ["*"], nonResourceURLs }] }] });
  const subject = (given: object): readonly FlowSchema[] => of({ rules: [{ subjects: [{ kind: "User", ...given }], resourceRules: [pods] }] });
  const get = "GET /api/v1/namespaces/a/pods/x";

  it.each([
    [rule({}), get, true],
    [rule({}), "GET /api/v1/namespaces/b/pods/x", false],
    [rule({}), "GET /api/v1/pods", false],
    [rule({ clusterScope: true }), "GET /api/v1/pods", true],
    [rule({ clusterScope: true }), "GET /api/v1/namespaces/b/pods", false],
    [rule({ namespaces: ["*"] }), "GET /api/v1/namespaces/b/pods", true],
    [rule({ namespaces: ["*"] }), "GET /api/v1/pods", false],
    [rule({}), "DELETE /api/v1/namespaces/a/pods/x", false],
    [rule({}), "GET /api/v1/namespaces/a/pods/x/status", false],
    [rule({ resources: ["pods/status"] }), "GET /api/v1/namespaces/a/pods/x/status", true],
    [rule({ resources: ["*"] }), "GET /api/v1/namespaces/a/pods/x/status", true],
    [rule({}), "GET /apis/apps/v1/namespaces/a/pods/x", false],
    [rule({ apiGroups: ["*"] }), "GET /apis/apps/v1/namespaces/a/pods/x", true],
    [rule({}), "GET /api/v1/namespaces/a/pods?watch=1", false],
    [path("/logs"), "GET /logs", true],
    [path("/logs"), "GET /logs/x", false],
    [path("/logs/*"), "GET /logs/x/y", true],
    [path("/logs/*"), "GET /logsx", false],
    [path("*"), "GET /", true],
    [path("*"), get, false],
    [rule({}), "GET /version", false],
    [subject({ user: { name: "jane" } }), get, true],
    [subject({ user: { name: "*" } }), get, true],
    [subject({ user: { name: "joe" } }), get, false],
    [subject({ kind: "Group", group: { name: "devs" } }), get, true],
    [subject({ kind: "Group", group: { name: "jane" } }), get, false],
    [subject({ kind: "ServiceAccount", serviceAccount: { namespace: "a", name: "*" } }), get, false],
  ])("%j is for %s: %s", (schemas, request, expected) => {
    expect(classify(schemas, person("jane", "devs"), request) === "mine").toBe(expected);
  });

  it.each([
    [{ namespace: "a", name: "*" }, true],
    [{ namespace: "a", name: "x" }, true],
    [{ namespace: "a", name: "y" }, false],
    [{ namespace: "b", name: "*" }, false],
  ])("of the accounts %j has a's x: %s", (serviceAccount, expected) => {
    expect(classify(subject({ kind: "ServiceAccount", serviceAccount }), account("a", "x"), get) === "mine").toBe(expected);
  });

  it("gives way to one of lower precedence, then to one of an earlier name", () => {
    const all = { rules: [{ subjects: everyone, resourceRules: [pods] }], priorityLevelConfiguration: { name: "system" } };
    const three = [schemaOf("c", { ...all, matchingPrecedence: 10 }), schemaOf("b", { ...all, matchingPrecedence: 10 }), schemaOf("a", { ...all, matchingPrecedence: 11 })];
    expect(classify(three, person("jane"), get)).toBe("b");
  });
});
