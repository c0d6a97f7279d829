import { describe, expect, it } from "vitest";
import { fieldErrorBody } from "../../../meta/status-error.ts";
import { readAuthorizationConfiguration } from "./authorization-configuration.ts";
import { authorizationErrors } from "./validate-authorization.ts";

const head = { apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthorizationConfiguration" };
const webhook = {
  timeout: "3s",
  subjectAccessReviewVersion: "v1",
  matchConditionSubjectAccessReviewVersion: "v1",
  failurePolicy: "Deny",
  connectionInfo: { type: "KubeConfigFile", kubeConfigFile: "/etc/webhook" },
  matchConditions: [{ expression: "request.user != 'x'" }],
};
const faults = (authorizers: unknown): readonly string[] =>
  [
    ...authorizationErrors(readAuthorizationConfiguration({ ...head, authorizers }), {
      kubeconfigProblem: (path) => (path === "/etc/webhook" ? undefined : "cannot be read"),
    }),
  ].map((error) => `${error.field}: ${fieldErrorBody(error)}`);
const hook = (change: object): readonly string[] => faults([{ type: "Webhook", name: "w", webhook: { ...webhook, ...change } }]);

describe("a configuration of authorization", () => {
  it("without faults has none, and what it leaves out is filled in", () => {
    expect(
      faults([
        { type: "Node", name: "node" },
        { type: "Webhook", name: "a", webhook },
        { type: "Webhook", name: "b", webhook },
      ]),
    ).toEqual([]);
    expect(readAuthorizationConfiguration({ ...head, authorizers: [{ type: "Webhook", name: "a", webhook }] }).authorizers[0]?.webhook).toMatchObject({
      authorizedTTL: "5m",
      unauthorizedTTL: "30s",
      cacheAuthorizedRequests: true,
    });
  });

  it.each<[() => readonly string[], string]>([
    [() => faults([]), "authorizers: Required value: at least one authorization mode must be defined"],
    [() => faults([{ name: "a" }]), "authorizers[0].type: Required value"],
    [
      () => faults([{ type: "Magic", name: "a" }]),
      'authorizers[0].type: Unsupported value: "Magic": supported values: "ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"',
    ],
    [
      () =>
        faults([
          { type: "RBAC", name: "a" },
          { type: "RBAC", name: "b" },
        ]),
      'authorizers[1].type: Duplicate value: "RBAC"',
    ],
    [() => faults([{ type: "RBAC" }]), "authorizers[0].name: Required value"],
    [
      () =>
        faults([
          { type: "RBAC", name: "a" },
          { type: "Node", name: "a" },
        ]),
      'authorizers[1].name: Duplicate value: "a"',
    ],
    [() => faults([{ type: "Webhook", name: "a" }]), "authorizers[0].webhook: Required value: required when type=Webhook"],
    [() => faults([{ type: "RBAC", name: "a", webhook }]), 'authorizers[0].webhook: Invalid value: "non-null": may only be specified when type=Webhook'],
    [() => hook({ timeout: "31s" }), 'authorizers[0].timeout: Invalid value: "31s": must be > 0s and <= 30s'],
    [() => hook({ timeout: "0s" }), "authorizers[0].timeout: Required value"],
    [() => hook({ authorizedTTL: "-1s" }), 'authorizers[0].authorizedTTL: Invalid value: "-1s": must be > 0s'],
    [() => hook({ subjectAccessReviewVersion: "v2" }), 'authorizers[0].subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1"'],
    [
      () => hook({ matchConditionSubjectAccessReviewVersion: "" }),
      "authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified",
    ],
    [() => hook({ failurePolicy: "Maybe" }), 'authorizers[0].failurePolicy: Unsupported value: "Maybe": supported values: "Deny", "NoOpinion"'],
    [() => hook({ connectionInfo: {} }), "authorizers[0].connectionInfo.type: Required value"],
    [
      () => hook({ connectionInfo: { type: "InClusterConfig" } }),
      'authorizers[0].connectionInfo.type: Invalid value: "InClusterConfig": an API server cannot ask itself: use KubeConfigFile',
    ],
    [() => hook({ connectionInfo: { type: "KubeConfigFile", kubeConfigFile: "a" } }), 'authorizers[0].connectionInfo.kubeConfigFile: Invalid value: "a": must be an absolute path'],
    [() => hook({ connectionInfo: { type: "KubeConfigFile", kubeConfigFile: "/a" } }), 'authorizers[0].connectionInfo.kubeConfigFile: Invalid value: "/a": cannot be read'],
    [
      () => hook({ matchConditions: [{ expression: "request.user" }] }),
      'authorizers[0].matchConditions[0].expression: Invalid value: "request.user": must evaluate to bool but got string',
    ],
    [() => hook({ matchConditions: [{ expression: " " }] }), "authorizers[0].matchConditions[0].expression: Required value"],
    [() => hook({ matchConditions: [{ expression: "true" }, { expression: "true" }] }), 'authorizers[0].matchConditions[1].expression: Duplicate value: "true"'],
  ])("says where: %#", (found, expected) => {
    expect(found()).toContain(expected);
  });

  it("is read strictly", () => {
    expect(() => readAuthorizationConfiguration({ ...head, authorizers: [{ type: "RBAC", name: "a", webhok: {} }] })).toThrow('unknown field "authorizers[0].webhok"');
    expect(() => readAuthorizationConfiguration({ ...head, kind: "Other" })).toThrow("it must be an AuthorizationConfiguration");
  });
});
