import { expect, it } from "vitest";
import { rowOf, tryCreate } from "../kind-trial.ts";
import { apiServiceKind } from "./api-service.ts";

const head = (name: string): string => `apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: { name: ${name} }\n`;
const sound = "group: e.com, version: v1, groupPriorityMinimum: 100, versionPriority: 10";

it.each([
  ["v1.e.com", `{ ${sound}, service: { name: s, namespace: ns } }`, []],
  ["v1.", "{ version: v1, groupPriorityMinimum: 18000, versionPriority: 1 }", []],
  ["other", `{ ${sound} }`, ['metadata.name: Invalid value: "other": must be `spec.version+"."+spec.group`']],
  [
    "v2.",
    "{ version: v2, groupPriorityMinimum: 20001, versionPriority: 0 }",
    [
      "spec.group: Required value: only v1 may have an empty group and it better be legacy kube",
      "spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000",
      "spec.versionPriority: Invalid value: 0: must be positive and less than 1000",
    ],
  ],
  ["v1.e.com", `{ ${sound}, insecureSkipTLSVerify: true }`, ["spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify"]],
  [
    "v1.e.com",
    `{ ${sound}, insecureSkipTLSVerify: true, caBundle: eA==, service: { name: s } }`,
    ["spec.service.namespace: Required value", "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present"],
  ],
])("%s: %s", (name, spec, expected) => {
  expect(tryCreate(apiServiceKind, `${head(name)}spec: ${spec}`).errors).toEqual(expected);
});

it("shows where it is served and whether", () => {
  const { object } = tryCreate(apiServiceKind, `${head("v1.e.com")}spec: { ${sound}, service: { name: s, namespace: ns } }`);
  expect(object.spec.service?.port).toBe(443);
  expect(rowOf(apiServiceKind, object, 0)).toEqual({ Name: "v1.e.com", Service: "ns/s", Available: "Unknown", Age: "<unknown>" });
  const status = { conditions: [{ type: "Available", status: "False", reason: "MissingEndpoints" }] };
  expect(rowOf(apiServiceKind, { ...object, status }, 0)).toMatchObject({ Available: "False (MissingEndpoints)" });
  expect(
    rowOf(apiServiceKind, { ...object, spec: { ...object.spec, service: undefined }, status: { conditions: [{ type: "Available", status: "True", reason: "Local" }] } }, 0),
  ).toMatchObject({ Service: "Local", Available: "True" });
});
