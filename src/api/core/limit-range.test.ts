import { expect, it } from "vitest";
import { tryCreate } from "../kind-trial.ts";
import { limitRangeKind } from "./limit-range.ts";

const head = "apiVersion: v1\nkind: LimitRange\nmetadata: { name: l, namespace: default }\n";
const at = "spec.limits[0]";

it("fills in what a container's limits leave open", () => {
  const { object, errors } = tryCreate(
    limitRangeKind,
    `${head}spec: { limits: [{ type: Container, max: { cpu: 2 }, min: { cpu: 100m, memory: 1Mi }, default: { memory: 1Gi } }] }`,
  );
  expect(errors).toEqual([]);
  expect(object.spec?.limits[0]).toMatchObject({ default: { cpu: "2", memory: "1Gi" }, defaultRequest: { cpu: "2", memory: "1Gi" } });
});

it.each([
  ["{ type: Node }", [`${at}.type: Invalid value: "Node": must be a standard limit type or fully qualified`]],
  ["{ type: Pod, default: { cpu: 1 } }", [`${at}.default: Forbidden: may not be specified when \`type\` is 'Pod'`]],
  ["{ type: Pod, max: { storage: 1 } }", [`${at}.max[storage]: Invalid value: "storage": must be a standard resource for containers`]],
  ["{ type: PersistentVolumeClaim }", [`${at}.limits: Required value: either minimum or maximum storage value is required, but neither was provided`]],
  ["{ type: Pod, min: { cpu: 2 }, max: { cpu: 1 } }", [`${at}.min[cpu]: Invalid value: "2": min value 2 is greater than max value 1`]],
  [
    "{ type: Container, max: { cpu: 1 }, default: { cpu: 2 }, defaultRequest: { cpu: 3 } }",
    [
      `${at}.defaultRequest[cpu]: Invalid value: "3": default request value 3 is greater than max value 1`,
      `${at}.defaultRequest[cpu]: Invalid value: "3": default request value 3 is greater than default limit value 2`,
      `${at}.default[cpu]: Invalid value: "1": default value 2 is greater than max value 1`,
    ],
  ],
  [
    "{ type: Pod, min: { cpu: 100m }, max: { cpu: 200m }, maxLimitRequestRatio: { cpu: 3, memory: 500m } }",
    [
      `${at}.maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000`,
      `${at}.maxLimitRequestRatio[memory]: Invalid value: "500m": ratio 500m is less than 1`,
    ],
  ],
])("%s is refused", (item, expected) => {
  expect(tryCreate(limitRangeKind, `${head}spec: { limits: [${item}] }`).errors).toEqual(expected);
});

it("has each type once", () => {
  expect(tryCreate(limitRangeKind, `${head}spec: { limits: [{ type: Pod }, { type: Pod }] }`).errors).toEqual(['spec.limits[1].type: Duplicate value: "Pod"']);
});
