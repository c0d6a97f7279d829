import { expect, it } from "vitest";
import type { Namespace } from "../../api/generated/types/core-v1.ts";
import { planRootCa } from "./plan.ts";

const namespace: Namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "ns" }, spec: {} };

it("makes the map once and mends it when somebody changes it", () => {
  const made = planRootCa(namespace, undefined, "PEM");
  expect(made).toMatchObject({ metadata: { name: "kube-root-ca.crt", namespace: "ns" }, data: { "ca.crt": "PEM" } });
  expect(made?.metadata.annotations).toHaveProperty(["kubernetes.io/description"]);
  expect(planRootCa(namespace, made, "PEM")).toBeUndefined();
  expect(planRootCa(namespace, made, "NEW")?.data).toEqual({ "ca.crt": "NEW" });
  expect(made && planRootCa(namespace, { ...made, data: { "ca.crt": "PEM", extra: "x" } }, "PEM")?.data).toEqual({ "ca.crt": "PEM" });
});

it("leaves a namespace alone that is going away", () => {
  expect(planRootCa({ ...namespace, status: { phase: "Terminating" } }, undefined, "PEM")).toBeUndefined();
  expect(planRootCa(undefined, undefined, "PEM")).toBeUndefined();
});
