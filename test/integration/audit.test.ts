import { afterEach, expect, it } from "vitest";
import { otherKinds } from "../../src/api/other-kinds.ts";
import { workloadKinds } from "../../src/api/workload-kinds.ts";
import { silentLogger } from "../../src/base/log.ts";
import { noMetrics } from "../../src/base/metrics.ts";
import { seededRandom } from "../../src/base/random.ts";
import { unauthorized } from "../../src/meta/status-error.ts";
import type { ApiRequest, ApiResponse } from "../../src/meta/wire.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import type { WebhookClient } from "../../src/platform/webhook-client.ts";
import { configuredAdmission } from "../../src/server/admission/configured-admission.ts";
import { podSecurity } from "../../src/server/admission/pod-security/pod-security.ts";
import { Auditor } from "../../src/server/audit/auditor.ts";
import type { AuditEvent } from "../../src/server/audit/event.ts";
import type { Level } from "../../src/server/audit/policy.ts";
import { ApiServer } from "../../src/server/server.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import { ServiceResolver } from "../../src/server/aggregation/resolve-service.ts";
import { admin } from "./served-memory.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A server that lets in who sends no wrong token, writes down what is through, and answers webhooks by `answer`. */
async function served(level: Level, answer: (review: { readonly request: { readonly uid: string } }) => object = () => ({})) {
  const stop = new AbortController();
  const store = new MemoryStore();
  const deps = { store, clock: systemClock, random: seededRandom(7), log: silentLogger, metrics: noMetrics };
  const events: AuditEvent[] = [];
  const webhooks: WebhookClient = {
    post: async ({ body }) => {
      const review = JSON.parse(body) as { readonly request: { readonly uid: string } };
      return {
        status: 200,
        body: JSON.stringify({ kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", response: { uid: review.request.uid, allowed: true, ...answer(review) } }),
      };
    },
  };
  const authorizer = { authorize: () => ({ verdict: "allow", reason: "" }) as const };
  const api = new ApiServer({ kinds: [...workloadKinds, ...otherKinds], conversions: [] }, deps, (parts) => ({
    authenticators: [
      {
        authenticate({ headers }) {
          if (headers["authorization"] === "Bearer wrong") throw unauthorized();
          return admin;
        },
      },
    ],
    authorizer,
    plugins: [podSecurity(parts.cache), ...configuredAdmission({ ...parts, authorizer, services: new ServiceResolver(parts), webhooks })],
    special: new Map(),
    paths: [],
    audit: new Auditor(
      { rules: [{ level }], omitStages: ["RequestReceived"] },
      { sink: { write: (event) => void events.push(event) }, clock: systemClock, random: seededRandom(3) },
    ),
  }));
  await api.load();
  const running = api.run(stop.signal);
  stops.push(async () => {
    stop.abort();
    await running;
    await store.close();
  });
  const send = (method: ApiRequest["method"], path: string, value?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<ApiResponse> =>
    api.handle(
      {
        method,
        path,
        query: "",
        headers: { "content-type": "application/json", ...headers },
        body: value === undefined ? { type: "none" } : { type: "bytes", read: () => Promise.resolve(new TextEncoder().encode(JSON.stringify(value))) },
        caller: { type: "network", address: "192.0.2.9", upgradable: false },
      },
      stop,
    );
  const make = async (path: string, value: unknown): Promise<void> => {
    expect((await send("POST", path, value)).status).toBe(201);
  };
  return { send, make, last: () => events.at(-1) };
}

const pod = (name: string): unknown => ({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { containers: [{ name: "c", image: "i" }] } });

it("writes down who was not let in, and paths that mean nothing", async () => {
  const { send, last } = await served("Metadata");
  expect((await send("GET", "/api/v1/pods", undefined, { authorization: "Bearer wrong" })).status).toBe(401);
  expect(last()).toMatchObject({
    stage: "ResponseStarted",
    requestURI: "/api/v1/pods",
    user: {},
    responseStatus: { code: 401, message: "Authentication failed, attempted: bearer" },
  });
  expect((await send("GET", "/api/v1/%zz")).status).toBe(400);
  expect(last()).toMatchObject({ requestURI: "/api/v1/%zz", verb: "get", responseStatus: { code: 400 } });
});

it("says what the Pod Security levels of a namespace make of a pod", async () => {
  const { send, make, last } = await served("Metadata");
  const level = "pod-security.kubernetes.io";
  await make("/api/v1/namespaces", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "team", labels: { [`${level}/enforce`]: "baseline", [`${level}/audit`]: "restricted" } },
  });
  await make("/api/v1/namespaces/team/pods", pod("a"));
  expect(last()).toMatchObject({ objectRef: { resource: "pods", namespace: "team", name: "a" } });
  expect(last()?.annotations?.[`${level}/enforce-policy`]).toBe("baseline:latest");
  expect(last()?.annotations?.[`${level}/audit-violations`]).toMatch(/^would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false/);
  const privileged = { apiVersion: "v1", kind: "Pod", metadata: { name: "b" }, spec: { hostNetwork: true, containers: [{ name: "c", image: "i" }] } };
  expect((await send("POST", "/api/v1/namespaces/team/pods", privileged)).status).toBe(403);
  expect(last()).toMatchObject({ responseStatus: { code: 403 }, annotations: { [`${level}/enforce-policy`]: "baseline:latest" } });
});

it.each<[Level, boolean]>([
  ["Metadata", false],
  ["Request", true],
])("says what a mutating webhook did, at level %s", async (auditLevel, showsPatch) => {
  const patch = [{ op: "add", path: "/data", value: { a: "b" } }];
  const { make, last } = await served(auditLevel, () => ({ patchType: "JSONPatch", patch: btoa(JSON.stringify(patch)), auditAnnotations: { why: "because" } }));
  await make("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: "cfg" },
    webhooks: [
      {
        name: "hook.example.com",
        clientConfig: { url: "https://hook.example.com/" },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE"] }],
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
      },
    ],
  });
  await make("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } });
  await make("/api/v1/namespaces/team/configmaps", { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" } });
  const said = { configuration: "cfg", webhook: "hook.example.com" };
  const { annotations = {} } = last() ?? {};
  expect(annotations["hook.example.com/why"]).toBe("because");
  expect(JSON.parse(annotations["mutation.webhook.admission.k8s.io/round_0_index_0"] ?? "")).toEqual({ ...said, mutated: true });
  const shown = annotations["patch.webhook.admission.k8s.io/round_0_index_0"];
  expect(shown === undefined ? undefined : JSON.parse(shown)).toEqual(showsPatch ? { ...said, patch, patchType: "JSONPatch" } : undefined);
});

it("says what a validating policy found and has to say", async () => {
  const { make, last } = await served("Metadata");
  const group = "/apis/admissionregistration.k8s.io/v1";
  await make(`${group}/validatingadmissionpolicies`, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: "named.example.com" },
    spec: {
      matchConstraints: { resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE"] }] },
      validations: [{ expression: "true" }, { expression: "object.metadata.name.startsWith('x')", message: "names begin with x" }],
      auditAnnotations: [
        { key: "name", valueExpression: "'its name is ' + object.metadata.name" },
        { key: "none", valueExpression: "null" },
      ],
    },
  });
  await make(`${group}/validatingadmissionpolicybindings`, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name: "all" },
    spec: { policyName: "named.example.com", validationActions: ["Audit"] },
  });
  await make("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } });
  await make("/api/v1/namespaces/team/configmaps", { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" } });
  const { annotations = {} } = last() ?? {};
  expect(annotations["named.example.com/name"]).toBe("its name is m");
  expect(annotations).not.toHaveProperty("named.example.com/none");
  expect(JSON.parse(annotations["validation.policy.admission.k8s.io/validation_failure"] ?? "")).toEqual([
    { message: "names begin with x", policy: "named.example.com", binding: "all", expressionIndex: 1, validationActions: ["Audit"] },
  ]);
});
