import { expect, it } from "vitest";
import { rowOf, tryCreate, tryStatusUpdate } from "../kind-trial.ts";
import { podDisruptionBudgetKind } from "./pod-disruption-budget.ts";

const head = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: p, namespace: default }\n";

it.each([
  ["{ minAvailable: 50%, selector: { matchLabels: { a: b } } }", []],
  ["{ minAvailable: 1, maxUnavailable: 1 }", ['spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set']],
  ["{ minAvailable: -1 }", ["spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"]],
  ["{ maxUnavailable: 101% }", ['spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%']],
  ["{ maxUnavailable: many }", [expect.stringMatching(/^spec\.maxUnavailable: Invalid value: "many": a valid percent string must be/)]],
  ["{ minAvailable: 1, unhealthyPodEvictionPolicy: Never }", ['spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"']],
])("%s", (spec, expected) => {
  expect(tryCreate(podDisruptionBudgetKind, `${head}spec: ${spec}`).errors).toEqual(expected);
});

it("shows what is allowed, and counts nothing below zero", () => {
  const { object } = tryCreate(podDisruptionBudgetKind, `${head}spec: { minAvailable: 50% }`);
  expect(object.status).toEqual({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 });
  expect(rowOf(podDisruptionBudgetKind, { ...object, status: { disruptionsAllowed: 2 } }, 0)).toEqual({
    Name: "p",
    "Min Available": "50%",
    "Max Unavailable": "N/A",
    "Allowed Disruptions": 2,
    Age: "<unknown>",
  });
  const { errors } = tryStatusUpdate(podDisruptionBudgetKind, object, (draft) => {
    draft.status = { expectedPods: -1 };
  });
  expect(errors).toEqual(["status.expectedPods: Invalid value: -1: must be greater than or equal to 0"]);
});
