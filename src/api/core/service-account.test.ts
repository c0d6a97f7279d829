import { expect, it } from "vitest";
import { rowOf, tryCreate } from "../kind-trial.ts";
import { componentStatusKind } from "./component-status.ts";
import { serviceAccountKind } from "./service-account.ts";

it("keeps of a secret's reference the name alone, and warns of what is deprecated", () => {
  const { object, errors } = tryCreate(
    serviceAccountKind,
    "apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: a, namespace: default, annotations: { kubernetes.io/enforce-mountable-secrets: 'true' } }\nsecrets: [{ name: t, namespace: x, uid: u }]",
  );
  expect(errors).toEqual([]);
  expect(object.secrets).toEqual([{ name: "t" }]);
  expect(rowOf(serviceAccountKind, object, 0)).toEqual({ Name: "a", Secrets: 1, Age: "<unknown>" });
  expect([...(serviceAccountKind.warnings?.(object, undefined) ?? [])]).toEqual([
    "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets",
  ]);
  expect([...(serviceAccountKind.warnings?.(object, object) ?? [])]).toEqual([]);
});

it.each([
  ["True", "Healthy"],
  ["False", "Unhealthy"],
])("a component whose health is %s shows %s", (status, text) => {
  const { object } = tryCreate(
    componentStatusKind,
    `apiVersion: v1\nkind: ComponentStatus\nmetadata: { name: etcd-0 }\nconditions: [{ type: Healthy, status: '${status}', message: ok, error: e }]`,
  );
  expect(rowOf(componentStatusKind, object, 0)).toEqual({ Name: "etcd-0", Status: text, Message: "ok", Error: "e" });
});
