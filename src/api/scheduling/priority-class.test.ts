import { expect, it } from "vitest";
import { rowOf, tryCreate, tryUpdate } from "../kind-trial.ts";
import { priorityClassKind } from "./priority-class.ts";

const head = (name: string): string => `apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: { name: ${name} }\n`;
const reserved = "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error:";

it.each([
  ["high", "value: 1000000000", []],
  ["high", "value: 1000000001", ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"]],
  ["high", "value: 1\npreemptionPolicy: Always", ['preemptionPolicy: Unsupported value: "Always": supported values: "Never", "PreemptLowerPriority"']],
  ["system-node-critical", "value: 2000001000", []],
  ["system-node-critical", "value: 1", [`${reserved} value of system-node-critical PriorityClass must be 2000001000`]],
  ["system-node-critical", "value: 2000001000\nglobalDefault: true", [`${reserved} globalDefault of system-node-critical PriorityClass must be false`]],
  ["system-x", "value: 1", [`${reserved} system-x is not a known system priority class`]],
])("%s with %j", (name, text, expected) => {
  expect(tryCreate(priorityClassKind, head(name) + text).errors).toEqual(expected);
});

it("keeps its value and policy", () => {
  const { object } = tryCreate(priorityClassKind, `${head("low")}value: -5`);
  expect(rowOf(priorityClassKind, object, 0)).toEqual({ Name: "low", Value: -5, "Global-Default": false, Age: "<unknown>", PreemptionPolicy: "PreemptLowerPriority" });
  const { errors } = tryUpdate(priorityClassKind, object, (draft) => {
    draft.value = 5;
    draft.preemptionPolicy = "Never";
    draft.description = "new";
  });
  expect(errors).toEqual(["value: Forbidden: may not be changed in an update.", 'preemptionPolicy: Invalid value: "Never": field is immutable']);
});
