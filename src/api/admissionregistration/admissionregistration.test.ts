import { describe, expect, it } from "vitest";
import { rowOf, tryCreate } from "../kind-trial.ts";
import { mutatingAdmissionPolicyKind } from "./mutating-admission-policy.ts";
import { mutatingWebhookConfigurationKind } from "./mutating-webhook-configuration.ts";
import { validatingAdmissionPolicyBindingKind } from "./validating-admission-policy-binding.ts";
import { validatingAdmissionPolicyKind } from "./validating-admission-policy.ts";
import { validatingWebhookConfigurationKind } from "./validating-webhook-configuration.ts";

const head = (kind: string): string => `apiVersion: admissionregistration.k8s.io/v1\nkind: ${kind}\nmetadata: { name: x }\n`;
const rule = "{ operations: [CREATE], apiGroups: [''], apiVersions: [v1], resources: [pods] }";

describe("webhooks", () => {
  const sound = "name: a.b.c, sideEffects: None, admissionReviewVersions: [v1]";
  const service = "clientConfig: { service: { name: s, namespace: ns } }";
  const create = (webhook: string): readonly string[] => tryCreate(validatingWebhookConfigurationKind, `${head("ValidatingWebhookConfiguration")}webhooks: [${webhook}]`).errors;

  it("get upstream's defaults", () => {
    const { object, errors } = tryCreate(mutatingWebhookConfigurationKind, `${head("MutatingWebhookConfiguration")}webhooks: [{ ${sound}, ${service}, rules: [${rule}] }]`);
    expect(errors).toEqual([]);
    expect(object.webhooks?.[0]).toMatchObject({
      failurePolicy: "Fail",
      matchPolicy: "Equivalent",
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      reinvocationPolicy: "Never",
      clientConfig: { service: { port: 443 } },
      rules: [{ scope: "*" }],
    });
    expect(rowOf(mutatingWebhookConfigurationKind, object, 0)).toEqual({ Name: "x", Webhooks: 1, Age: "<unknown>" });
  });

  const at = "webhooks[0]";
  it.each([
    [`{ ${sound}, clientConfig: {} }`, [`${at}.clientConfig: Required value: exactly one of url or service is required`]],
    [
      `{ ${sound}, clientConfig: { url: 'http://u@h/?q#f' } }`,
      [
        `${at}.clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
        `${at}.clientConfig.url: Invalid value: "u": user information is not permitted in the URL`,
        `${at}.clientConfig.url: Invalid value: "f": fragments are not permitted in the URL`,
        `${at}.clientConfig.url: Invalid value: "q": query parameters are not permitted in the URL`,
      ],
    ],
    [
      `{ ${sound}, clientConfig: { service: { name: '', namespace: ns, path: a//b } } }`,
      [
        `${at}.clientConfig.service.name: Required value: service name is required`,
        `${at}.clientConfig.service.path: Invalid value: "a//b": must start with a '/'`,
        `${at}.clientConfig.service.path: Invalid value: "a//b": segment[0] may not be empty`,
        `${at}.clientConfig.service.path: Invalid value: "a//b": segment[1] may not be empty`,
      ],
    ],
    [
      `{ name: a.b, sideEffects: Some, admissionReviewVersions: [], timeoutSeconds: 31, ${service} }`,
      [
        `${at}.name: Invalid value: "a.b": should be a domain with at least three segments separated by dots`,
        `${at}.sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"`,
        `${at}.timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds`,
        `${at}.admissionReviewVersions: Required value: must specify one of v1, v1beta1`,
      ],
    ],
    [
      `{ name: a.b.c, sideEffects: None, admissionReviewVersions: [v9], ${service}, failurePolicy: Cry, matchPolicy: Loose }`,
      [
        `${at}.failurePolicy: Unsupported value: "Cry": supported values: "Fail", "Ignore"`,
        `${at}.matchPolicy: Unsupported value: "Loose": supported values: "Equivalent", "Exact"`,
        `${at}.admissionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1`,
      ],
    ],
    [`{ ${sound}, ${service} }, { ${sound}, ${service} }`, ['webhooks[1].name: Duplicate value: "a.b.c"']],
    [
      `{ ${sound}, ${service}, matchConditions: [{ name: a, expression: '' }, { name: a, expression: 'true' }] }`,
      [`${at}.matchConditions[0].expression: Required value`, `${at}.matchConditions[1].name: Duplicate value: "a"`],
    ],
    [
      `{ ${sound}, ${service}, rules: [{ operations: ['*', CREATE], apiGroups: ['*', a], apiVersions: [''], resources: ['pods/*', pods/log, '*/*', '*', pods] }] }`,
      [
        `${at}.rules[0].operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations`,
        `${at}.rules[0].apiGroups: Invalid value: ["*","a"]: if '*' is present, must not specify other API groups`,
        `${at}.rules[0].apiVersions[0]: Required value`,
        `${at}.rules[0].resources[1]: Invalid value: "pods/log": if 'pods/*' is present, must not specify pods/log`,
        expect.stringContaining("if '*/*' is present, must not specify other resources"),
        expect.stringContaining("if '*' is present, must not specify other resources without subresources"),
      ],
    ],
  ])("%s", (webhook, expected) => {
    const errors = create(webhook);
    expect(errors.filter((error) => !/resources\[2\]/.test(error))).toEqual(expected);
  });
});

describe("ValidatingAdmissionPolicy", () => {
  const match = `matchConstraints: { resourceRules: [${rule}] }`;
  it("gets upstream's defaults", () => {
    const { object, errors } = tryCreate(
      validatingAdmissionPolicyKind,
      `${head("ValidatingAdmissionPolicy")}spec: { ${match}, validations: [{ expression: 'true' }], paramKind: { apiVersion: v1, kind: ConfigMap } }`,
    );
    expect(errors).toEqual([]);
    expect(object.spec).toMatchObject({
      failurePolicy: "Fail",
      matchConstraints: { matchPolicy: "Equivalent", namespaceSelector: {}, objectSelector: {}, resourceRules: [{ scope: "*" }] },
    });
    expect(rowOf(validatingAdmissionPolicyKind, object, 0)).toEqual({ Name: "x", Validations: 1, ParamKind: "v1/ConfigMap", Age: "<unknown>" });
  });

  it.each([
    [
      "{}",
      [
        "spec.matchConstraints: Required value",
        "spec.validations: Required value: validations or auditAnnotations must contain at least one item",
        "spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
      ],
    ],
    [
      `{ ${match}, validations: [{ expression: ' ', message: ' ', reason: Odd }], variables: [{ name: 1a, expression: x }, { name: in, expression: '' }] }`,
      [
        'spec.variables[0].name: Invalid value: "1a": name is not a valid CEL identifier',
        'spec.variables[1].name: Invalid value: "in": name is not a valid CEL identifier',
        "spec.variables[1].expression: Required value: expression is not specified",
        "spec.validations[0].expression: Required value: expression is not specified",
        'spec.validations[0].message: Invalid value: " ": message must be non-empty if specified',
        'spec.validations[0].reason: Unsupported value: "Odd": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"',
      ],
    ],
    [
      "{ matchConstraints: { resourceRules: [] }, validations: [{ expression: x }], paramKind: { apiVersion: a/b/c } }",
      [
        'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
        "spec.paramKind.kind: Required value",
        "spec.matchConstraints.resourceRules: Required value",
      ],
    ],
    [
      `{ ${match}, auditAnnotations: [{ key: k, valueExpression: '' }, { key: k, valueExpression: v }] }`,
      ["spec.auditAnnotations[0].valueExpression: Required value: valueExpression is not specified", 'spec.auditAnnotations[1].key: Duplicate value: "k"'],
    ],
  ])("%s", (spec, expected) => {
    expect(tryCreate(validatingAdmissionPolicyKind, `${head("ValidatingAdmissionPolicy")}spec: ${spec}`).errors).toEqual(expected);
  });
});

describe("MutatingAdmissionPolicy", () => {
  const match = `matchConstraints: { resourceRules: [${rule}] }`;
  it.each([
    [`{ ${match}, mutations: [{ patchType: JSONPatch, jsonPatch: { expression: '[]' } }] }`, []],
    [`{ ${match} }`, ["spec.mutations: Required value: mutations must contain at least one item"]],
    [
      `{ ${match}, reinvocationPolicy: Often, mutations: [{ patchType: Odd }, { patchType: JSONPatch, applyConfiguration: {} }] }`,
      [
        'spec.mutations[0].patchType: Unsupported value: "Odd": supported values: "ApplyConfiguration", "JSONPatch"',
        "spec.mutations[1].jsonPatch: Required value: must be specified when patchType is JSONPatch",
        "spec.mutations[1].applyConfiguration: Forbidden: must not be specified when patchType is JSONPatch",
        'spec.reinvocationPolicy: Unsupported value: "Often": supported values: "IfNeeded", "Never"',
      ],
    ],
  ])("%s", (spec, expected) => {
    expect(tryCreate(mutatingAdmissionPolicyKind, `${head("MutatingAdmissionPolicy")}spec: ${spec}`).errors).toEqual(expected);
  });
});

describe("ValidatingAdmissionPolicyBinding", () => {
  it.each([
    ["{ policyName: p, validationActions: [Deny, Audit], paramRef: { name: c, parameterNotFoundAction: Deny } }", []],
    ["{}", ["spec.policyName: Required value", "spec.validationActions: Required value: at least one validation action is required"]],
    [
      "{ policyName: p, validationActions: [Deny, Warn, Warn, Cry] }",
      [
        'spec.validationActions[2]: Duplicate value: "Warn"',
        'spec.validationActions[3]: Unsupported value: "Cry": supported values: "Audit", "Deny", "Warn"',
        expect.stringContaining("must not contain both Deny and Warn"),
      ],
    ],
    [
      "{ policyName: p, validationActions: [Deny], paramRef: { name: c, selector: {} } }",
      [
        "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
        "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
        "spec.paramRef.parameterNotFoundAction: Required value",
      ],
    ],
  ])("%s", (spec, expected) => {
    expect(tryCreate(validatingAdmissionPolicyBindingKind, `${head("ValidatingAdmissionPolicyBinding")}spec: ${spec}`).errors).toEqual(expected);
  });

  it.each([
    ["", "<unset>"],
    [", paramRef: { name: c }", "*/c"],
    [", paramRef: { name: c, namespace: ns }", "ns/c"],
    [", paramRef: { selector: { matchLabels: { a: b } } }", "&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}"],
  ])("with %s shows %s", (reference, text) => {
    const { object } = tryCreate(validatingAdmissionPolicyBindingKind, `${head("ValidatingAdmissionPolicyBinding")}spec: { policyName: p, validationActions: [Deny]${reference} }`);
    expect(rowOf(validatingAdmissionPolicyBindingKind, object, 0)).toEqual({ Name: "x", PolicyName: "p", ParamRef: text, Age: "<unknown>" });
  });
});
