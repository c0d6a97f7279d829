import { afterAll, beforeAll, expect, it } from "vitest";
import { customResourceDefinitions, validatingAdmissionPolicies } from "../../src/api/generated/resources.ts";
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicySpec } from "../../src/api/generated/types/admissionregistration-v1.ts";
import { controllersWorld, type World } from "./controllers-world.ts";

let world: World;
beforeAll(async () => {
  world = await controllersWorld();
  await world.client.create(customResourceDefinitions, {
    metadata: { name: "cogs.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "cogs", kind: "Cog" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties: { teeth: { type: "integer" } } } } } },
        },
      ],
    },
  });
  await world.settle();
});
afterAll(() => world.stop());

const rules = (apiGroups: readonly string[], resources: readonly string[]) => ({ resourceRules: [{ apiGroups, apiVersions: ["v1"], operations: ["*"], resources }] });
async function statusOf(name: string, spec: ValidatingAdmissionPolicySpec): Promise<ValidatingAdmissionPolicy["status"]> {
  await world.client.create(validatingAdmissionPolicies, { metadata: { name }, spec });
  await world.settle();
  return (await world.client.get(validatingAdmissionPolicies, name)).status;
}

it("says what expressions get wrong about each kind they match", async () => {
  const status = await statusOf("wrong", {
    matchConstraints: rules(["apps"], ["deployments", "replicasets", "deployments/scale"]),
    validations: [
      { expression: "object.replicas > 1", messageExpression: "object.metadata.name" },
      { expression: "object.spec.replicas > 1" },
      { expression: "true", messageExpression: "oldObject.nme" },
    ],
  });
  expect(status?.observedGeneration).toBe(1);
  expect(status?.typeChecking?.expressionWarnings).toEqual([
    {
      fieldRef: "spec.validations[0].expression",
      warning: [
        "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n",
        "apps/v1, Kind=ReplicaSet: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n",
      ].join("\n"),
    },
    {
      fieldRef: "spec.validations[2].messageExpression",
      warning: [
        "apps/v1, Kind=Deployment: ERROR: <input>:1:10: undefined field 'nme'\n | oldObject.nme\n | .........^\n",
        "apps/v1, Kind=ReplicaSet: ERROR: <input>:1:10: undefined field 'nme'\n | oldObject.nme\n | .........^\n",
      ].join("\n"),
    },
  ]);
});

it.each<readonly [string, ValidatingAdmissionPolicySpec, readonly string[]]>([
  [
    "sound",
    { matchConstraints: rules([""], ["pods"]), validations: [{ expression: "object.spec.containers.all(c, c.image.startsWith('x')) && object.metadata.labels['a'] == 'b'" }] },
    [],
  ],
  ["anything", { matchConstraints: rules(["*"], ["deployments"]), validations: [{ expression: "object.nothing" }] }, []],
  [
    "custom",
    {
      matchConstraints: rules(["example.com"], ["cogs"]),
      validations: [{ expression: "object.spec.teeth > 1 && object.metadata.uid != ''" }, { expression: "object.spec.tooth > 1" }],
    },
    ["spec.validations[1].expression"],
  ],
  [
    "params",
    {
      paramKind: { apiVersion: "v1", kind: "ConfigMap" },
      matchConstraints: rules(["apps"], ["deployments"]),
      variables: [
        { name: "most", expression: "int(params.data['most'])" },
        { name: "count", expression: "object.spec.replicas" },
      ],
      validations: [{ expression: "object.spec.replicas <= variables.most" }, { expression: "params.spec == null" }, { expression: "variables.count == 'x'" }],
    },
    ["spec.validations[1].expression", "spec.validations[2].expression"],
  ],
])("%s", async (name, spec, fields) => {
  const status = await statusOf(name, spec);
  expect(status?.observedGeneration).toBe(1);
  expect((status?.typeChecking?.expressionWarnings ?? []).map(({ fieldRef }) => fieldRef)).toEqual(fields);
});

it("looks again at what has changed", async () => {
  await statusOf("changing", { matchConstraints: rules([""], ["pods"]), validations: [{ expression: "object.spec != null" }] });
  const live = await world.client.get(validatingAdmissionPolicies, "changing");
  await world.client.update(validatingAdmissionPolicies, { ...live, spec: { ...live.spec, validations: [{ expression: "object.sepc != null" }] } });
  await world.settle();
  const { status } = await world.client.get(validatingAdmissionPolicies, "changing");
  expect([status?.observedGeneration, status?.typeChecking?.expressionWarnings?.length]).toEqual([2, 1]);
});
