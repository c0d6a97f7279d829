import { expect, it } from "vitest";
import { rowOf, tryCreate } from "../kind-trial.ts";
import { leaseKind } from "./lease.ts";

const head = "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: { name: l, namespace: default }\n";

it.each([
  ["{ holderIdentity: a, leaseDurationSeconds: 40, leaseTransitions: 0 }", []],
  ["{ leaseDurationSeconds: 0 }", ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"]],
  ["{ leaseTransitions: -1 }", ["spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0"]],
  ["{ preferredHolder: b }", ["spec.preferredHolder: Forbidden: may only be specified when `strategy` is defined"]],
])("%s", (spec, expected) => {
  expect(tryCreate(leaseKind, `${head}spec: ${spec}`).errors).toEqual(expected);
});

it("shows its holder, and may be made by PUT", () => {
  const { object } = tryCreate(leaseKind, `${head}spec: { holderIdentity: a }`);
  expect(rowOf(leaseKind, object, 0)).toEqual({ Name: "l", Holder: "a", Age: "<unknown>" });
  expect(leaseKind).toMatchObject({ allowCreateOnUpdate: true });
  expect(leaseKind.allowUnconditionalUpdate).toBeUndefined();
});
