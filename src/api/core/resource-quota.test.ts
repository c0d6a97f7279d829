import { expect, it } from "vitest";
import { rowOf, tryCreate, tryUpdate } from "../kind-trial.ts";
import { resourceQuotaKind } from "./resource-quota.ts";

const head = "apiVersion: v1\nkind: ResourceQuota\nmetadata: { name: q, namespace: default }\n";

it.each([
  ["{ hard: { pods: 10, requests.cpu: 500m, count/widgets.example.com: 3, requests.nvidia.com/gpu: 4, services.nodeports: 0 } }", []],
  ["{ hard: { pods: -1 } }", ['spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0']],
  ["{ hard: { pods: 1500m } }", ['spec.hard[pods]: Invalid value: "1500m": must be an integer']],
  ["{ hard: { storage: 1Gi } }", ['spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota']],
  [
    "{ hard: { widgets: 1 } }",
    [
      'spec.hard[widgets]: Invalid value: "widgets": must be a standard resource type or fully qualified',
      'spec.hard[widgets]: Invalid value: "widgets": must be a standard resource for quota',
    ],
  ],
  ["{ scopes: [Odd] }", ['spec.scopes: Invalid value: ["Odd"]: unsupported scope']],
  ["{ hard: { cpu: 1 }, scopes: [BestEffort] }", ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource']],
  ["{ scopes: [BestEffort, NotBestEffort] }", ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes']],
  [
    "{ scopeSelector: { matchExpressions: [{ scopeName: PriorityClass, operator: In }] } }",
    ["spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"],
  ],
  [
    "{ scopeSelector: { matchExpressions: [{ scopeName: PriorityClass, operator: Exists, values: [a] }, { scopeName: PriorityClass, operator: Like }] } }",
    [
      "spec.scopeSelector.matchExpressions.values: Invalid value: [\"a\"]: must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
      'spec.scopeSelector.matchExpressions.operator: Invalid value: "Like": not a valid selector operator',
    ],
  ],
])("%s", (spec, expected) => {
  expect(tryCreate(resourceQuotaKind, `${head}spec: ${spec}`).errors).toEqual(expected);
});

it("keeps its scopes", () => {
  const { object } = tryCreate(resourceQuotaKind, `${head}spec: { scopes: [BestEffort, Terminating] }`);
  const turned = tryUpdate(resourceQuotaKind, object, ({ spec }) => {
    spec.scopes = ["Terminating", "BestEffort"];
  });
  expect(turned.errors).toEqual([]);
  const fewer = tryUpdate(resourceQuotaKind, object, ({ spec }) => {
    spec.scopes = ["BestEffort"];
  });
  expect(fewer.errors).toEqual(['spec.scopes: Invalid value: ["BestEffort"]: field is immutable']);
});

it("shows use and limit by whether they are limits", () => {
  const { object } = tryCreate(resourceQuotaKind, `${head}spec: {}`);
  const status = { hard: { pods: "10", "limits.cpu": "4", "requests.cpu": "2" }, used: { pods: "1", "requests.cpu": "500m" } };
  expect(rowOf(resourceQuotaKind, { ...object, status }, 0)).toEqual({ Name: "q", Request: "pods: 1/10, requests.cpu: 500m/2", Limit: "limits.cpu: 0/4", Age: "<unknown>" });
});
