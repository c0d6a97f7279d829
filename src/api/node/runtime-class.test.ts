import { expect, it } from "vitest";
import { rowOf, tryCreate, tryUpdate } from "../kind-trial.ts";
import { runtimeClassKind } from "./runtime-class.ts";

const head = "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: { name: r }\n";

it.each([
  ["handler: runc", []],
  ["handler: a_b", [expect.stringMatching(/^handler: Invalid value: "a_b": a lowercase RFC 1123 label/)]],
  [
    "handler: runc\noverhead: { podFixed: { widgets: 1 } }",
    [
      expect.stringMatching(/^overhead\.limits\[widgets\]: Invalid value: "widgets": must be a standard resource/),
      expect.stringMatching(/must be a standard resource for containers$/),
    ],
  ],
  ["handler: runc\nscheduling: { nodeSelector: { 'a b': c } }", [expect.stringMatching(/^scheduling\.nodeSelector: Invalid value: "a b"/)]],
])("%s", (text, expected) => {
  expect(tryCreate(runtimeClassKind, head + text).errors).toEqual(expected);
});

it("keeps its handler", () => {
  const { object } = tryCreate(runtimeClassKind, `${head}handler: runc`);
  expect(rowOf(runtimeClassKind, object, 0)).toEqual({ Name: "r", Handler: "runc", Age: "<unknown>" });
  const { errors } = tryUpdate(runtimeClassKind, object, (draft) => {
    draft.handler = "crun";
  });
  expect(errors).toEqual(['handler: Invalid value: "crun": field is immutable']);
});
