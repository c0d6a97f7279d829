import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  configMaps,
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  mutatingWebhookConfigurations,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  validatingWebhookConfigurations,
} from "../../src/api/generated/resources.ts";
import type { ConfigMap } from "../../src/api/generated/types/core-v1.ts";
import type { Client } from "../../src/client/client.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { StatusError } from "../../src/meta/status-error.ts";
import type { WebhookRequest } from "../../src/platform/webhook-client.ts";
import { admin, serveMemory } from "./served-memory.ts";

const namespace = "default";
const matchConstraints = { resourceRules: [{ operations: ["CREATE", "UPDATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"] }] };
type Answer = (review: { readonly request: { readonly uid: string; readonly object: ConfigMap } }) => object;

describe("admission that objects configure", () => {
  let client: Client;
  let served: Awaited<ReturnType<typeof serveMemory>>;
  const answers = new Map<string, Answer>();
  const calls: WebhookRequest[] = [];

  beforeAll(async () => {
    served = await serveMemory({
      webhooks: {
        post(request) {
          calls.push(request);
          const answer = answers.get(request.host);
          if (answer === undefined) return Promise.reject(new Error(`dial tcp ${request.host}:443: connect: connection refused`));
          const review = JSON.parse(request.body) as Parameters<Answer>[0];
          const response = { uid: review.request.uid, ...answer(review) };
          return Promise.resolve({ status: 200, body: JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response }) });
        },
      },
    });
    client = inProcessClient(served.api.handle, admin);
  });
  afterAll(() => served.stop());

  const make = (name: string, data: Record<string, string>): Promise<ConfigMap> => client.create(configMaps, { metadata: { name }, data }, { namespace });

  it("a validating policy denies, with variables, parameters and a message of its own", async () => {
    await make("limits", { max: "3" });
    await client.create(validatingAdmissionPolicies, {
      metadata: { name: "short" },
      spec: {
        matchConstraints,
        paramKind: { apiVersion: "v1", kind: "ConfigMap" },
        matchConditions: [{ name: "asked", expression: "has(object.data) && 'value' in object.data" }],
        variables: [
          { name: "value", expression: "object.data.value" },
          { name: "length", expression: "size(variables.value)" },
        ],
        validations: [
          { expression: "variables.length <= int(params.data.max)", messageExpression: "'is ' + string(variables.length) + ' long in ' + namespaceObject.metadata.name" },
          { expression: "variables.value != 'no' && authorizer.requestResource.check('create').allowed()", reason: "Forbidden" },
        ],
      },
    });
    await client.create(validatingAdmissionPolicyBindings, {
      metadata: { name: "short-here" },
      spec: { policyName: "short", validationActions: ["Deny"], paramRef: { name: "limits", namespace, parameterNotFoundAction: "Deny" } },
    });
    await expect(make("ok", { value: "abc" })).resolves.toBeDefined();
    await expect(make("unasked", { other: "abcdefg" })).resolves.toBeDefined();
    const refused = make("bad", { value: "abcd" });
    await expect(refused).rejects.toThrow("configmaps \"bad\" is forbidden: ValidatingAdmissionPolicy 'short' with binding 'short-here' denied request: is 4 long in default");
    await expect(refused).rejects.toMatchObject({ reason: "Invalid", code: 422 });
    await expect(make("bad", { value: "no" })).rejects.toMatchObject({
      reason: "Forbidden",
      message: expect.stringContaining("denied request: failed expression: variables.value != 'no'") as string,
    });
    await client.delete(configMaps, "limits", { namespace });
    await expect(make("bad", { value: "a" })).rejects.toThrow("failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction");
    await client.delete(validatingAdmissionPolicyBindings, "short-here");
  });

  it("expressions that do not compile are refused", async () => {
    const policy = { metadata: { name: "broken" }, spec: { matchConstraints, validations: [{ expression: "request.nope == ''" }] } };
    await expect(client.create(validatingAdmissionPolicies, policy)).rejects.toThrow(
      "spec.validations[0].expression: Invalid value: \"request.nope == ''\": compilation failed: ERROR: <input>:1:8: undefined field 'nope'",
    );
  });

  it("mutating policies apply configurations and patches", async () => {
    await client.create(mutatingAdmissionPolicies, {
      metadata: { name: "labels" },
      spec: {
        matchConstraints: { ...matchConstraints, objectSelector: { matchLabels: { mutate: "yes" } } },
        mutations: [
          { patchType: "ApplyConfiguration", applyConfiguration: { expression: 'Object{metadata: Object.metadata{labels: {"team": object.data.team}}}' } },
          { patchType: "JSONPatch", jsonPatch: { expression: '[JSONPatch{op: "add", path: "/data/" + jsonpatch.escapeKey("a/b"), value: "x"}]' } },
        ],
      },
    });
    await client.create(mutatingAdmissionPolicyBindings, { metadata: { name: "labels" }, spec: { policyName: "labels" } });
    const made = await client.create(configMaps, { metadata: { name: "m", labels: { mutate: "yes" } }, data: { team: "red" } }, { namespace }).catch((error: unknown) => error);
    // The key has a slash, which a ConfigMap may not have: the patch came before validation.
    expect(made).toBeInstanceOf(StatusError);
    expect((made as StatusError).message).toContain("data[a/b]: Invalid value");
    const { metadata } = await client.get(mutatingAdmissionPolicies, "labels");
    const policy = await client.get(mutatingAdmissionPolicies, "labels");
    await client.update(mutatingAdmissionPolicies, { ...policy, metadata, spec: { ...policy.spec, mutations: policy.spec?.mutations?.slice(0, 1) } });
    const fine = await client.create(configMaps, { metadata: { name: "m", labels: { mutate: "yes" } }, data: { team: "red" } }, { namespace });
    expect(fine.metadata.labels).toEqual({ mutate: "yes", team: "red" });
  });

  const webhook = (name: string, host: string, more: object = {}) => ({
    name,
    clientConfig: { url: `https://${host}/hook` },
    rules: matchConstraints.resourceRules,
    admissionReviewVersions: ["v1"],
    sideEffects: "None",
    ...more,
  });

  it("webhooks mutate, deny and fail as their configurations say", async () => {
    const patch = (operations: object[]): object => ({ allowed: true, patchType: "JSONPatch", patch: btoa(JSON.stringify(operations)) });
    answers.set("first", ({ request: { object } }) => patch([{ op: "add", path: "/data/seen", value: String(Number(object.data?.["seen"] ?? "0") + 1) }]));
    answers.set("second", ({ request: { object } }) => (object.data?.["second"] === undefined ? patch([{ op: "add", path: "/data/second", value: "x" }]) : { allowed: true }));
    answers.set("judge", ({ request: { object } }) =>
      object.data?.["evil"] === undefined ? { allowed: true } : { allowed: false, status: { message: "evil is not allowed", code: 403 } },
    );
    await client.create(mutatingWebhookConfigurations, {
      metadata: { name: "a" },
      webhooks: [
        webhook("first.x.io", "first", { reinvocationPolicy: "IfNeeded", matchConditions: [{ name: "hooked", expression: "'hook' in object.data" }] }),
        webhook("second.x.io", "second"),
      ],
    });
    await client.create(validatingWebhookConfigurations, { metadata: { name: "j" }, webhooks: [webhook("judge.x.io", "judge")] });
    const made = await make("hooked", { hook: "yes" });
    expect(made.data).toEqual({ hook: "yes", seen: "2", second: "x" });
    expect(calls[0]).toMatchObject({ host: "first", port: 443, path: "/hook?timeout=10s", serverName: "first" });
    await expect(make("evil", { evil: "yes" })).rejects.toThrow('admission webhook "judge.x.io" denied the request: evil is not allowed');
    answers.delete("judge");
    await expect(make("down", { a: "b" })).rejects.toThrow(
      'Internal error occurred: failed calling webhook "judge.x.io": failed to call webhook: Post "https://judge/hook?timeout=10s": dial tcp judge:443: connect: connection refused',
    );
    const configuration = await client.get(validatingWebhookConfigurations, "j");
    await client.update(validatingWebhookConfigurations, { ...configuration, webhooks: [webhook("judge.x.io", "judge", { failurePolicy: "Ignore" })] });
    await expect(make("down", { a: "b" })).resolves.toBeDefined();
  });
});
