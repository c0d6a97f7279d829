import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { makeAuthority, makeLeaf } from "../../src/cluster/pki/certificates.ts";
import { Cluster } from "./cluster.ts";
import { until } from "./until.ts";

const noContainers = inject("noContainers");
const program = readFileSync(new URL("programs/hook.mjs", import.meta.url), "utf8");
const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe.skipIf(noContainers !== "")(`webhooks that run in pods${noContainers === "" ? "" : ` (skipped: ${noContainers})`}`, () => {
  let cluster: Cluster;
  /** What trusts the hook's certificate. */
  let caBundle = "";
  const apply = (...items: readonly unknown[]): Promise<string> => cluster.kubectl("apply -f -", { stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items }) });
  const called = (path: string) => ({ service: { namespace: "hooks", name: "hook", path }, caBundle });
  const configMap = (name: string, labels: Readonly<Record<string, string>>) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default", labels } });

  beforeAll(async () => {
    cluster = await Cluster.start({ runtime: "containerd" });
    const nowMs = Date.now();
    const authority = await makeAuthority("hooks", { days: 1, nowMs });
    const { certificate, privateKey } = await makeLeaf(authority, { commonName: "hook", dnsNames: ["hook.hooks.svc"], usage: "server", days: 1, nowMs });
    caBundle = base64(authority.certificate);
    const labels = { app: "hook" };
    const container = {
      name: "hook",
      image: "keles.dev/demo:v1",
      command: ["/usr/local/bin/node", "/program/hook.mjs"],
      readinessProbe: { httpGet: { path: "/healthz", port: 8443, scheme: "HTTPS" }, periodSeconds: 1 },
      volumeMounts: [
        { name: "program", mountPath: "/program" },
        { name: "certificate", mountPath: "/certificate" },
      ],
    };
    const volumes = [
      { name: "program", configMap: { name: "program" } },
      { name: "certificate", secret: { secretName: "certificate" } },
    ];
    await apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "hooks" } },
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "program", namespace: "hooks" }, data: { "hook.mjs": program } },
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "certificate", namespace: "hooks" },
        type: "kubernetes.io/tls",
        data: { "tls.crt": base64(certificate), "tls.key": base64(privateKey) },
      },
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "hook", namespace: "hooks" },
        spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container], volumes } } },
      },
      { apiVersion: "v1", kind: "Service", metadata: { name: "hook", namespace: "hooks" }, spec: { selector: labels, ports: [{ port: 443, targetPort: 8443 }] } },
    );
    await cluster.kubectl("rollout status deployment/hook -n hooks --timeout=100s");
  });
  afterAll(() => cluster.dispose());

  it("change and refuse what is written, and are missed when they are gone", async () => {
    const rules = [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["configmaps"] }];
    const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": "default" } };
    const hook = { name: "hook.example.com", admissionReviewVersions: ["v1"], sideEffects: "None", rules, namespaceSelector, clientConfig: called("/review") };
    await apply({ apiVersion: "admissionregistration.k8s.io/v1", kind: "MutatingWebhookConfiguration", metadata: { name: "hook" }, webhooks: [hook] });
    // A configuration counts as soon as the server has seen it.
    await until("the hook is asked", async () => {
      await apply(configMap("first", { colour: "red" }));
      return (await cluster.field("configmap first", ".metadata.labels.seen")) === "yes";
    });
    const made = await cluster.tryKubectl("create configmap second");
    expect([made.code, made.stderr]).toEqual([0, expect.stringContaining("Warning: somebody looked")]);
    expect(await cluster.field("configmap second", ".metadata.labels")).toBe('{"seen":"yes"}');
    const grey = await cluster.tryKubectl("apply -f -", { stdin: JSON.stringify(configMap("third", { colour: "grey" })) });
    expect([grey.code, grey.stderr]).toEqual([1, expect.stringContaining('admission webhook "hook.example.com" denied the request: grey is no colour')]);

    await cluster.kubectl("scale deployment/hook -n hooks --replicas=0");
    await cluster.kubectl("wait pods -n hooks -l app=hook --for=delete --timeout=60s");
    const missed = await cluster.tryKubectl("create configmap fourth");
    expect([missed.code, missed.stderr]).toEqual([
      1,
      expect.stringContaining('failed calling webhook "hook.example.com": failed to call webhook: Post "https://hook.hooks.svc:443/review?timeout=10s"'),
    ]);
    await cluster.kubectl("delete mutatingwebhookconfiguration hook");
    await until("nobody is asked any more", async () => (await cluster.tryKubectl("create configmap fifth")).code === 0);
    await cluster.kubectl("scale deployment/hook -n hooks --replicas=1");
    await cluster.kubectl("rollout status deployment/hook -n hooks --timeout=60s");
  });

  it("convert custom objects between versions", async () => {
    const version = (name: string, field: string, storage: boolean) => ({
      name,
      served: true,
      storage,
      schema: { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties: { [field]: { type: "string" } } } } } },
    });
    await apply({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "books.shop.example.com" },
      spec: {
        group: "shop.example.com",
        scope: "Namespaced",
        names: { plural: "books", singular: "book", kind: "Book" },
        versions: [version("v1", "name", true), version("v2", "title", false)],
        conversion: { strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"], clientConfig: called("/convert") } },
      },
    });
    await cluster.kubectl("wait crd/books.shop.example.com --for=condition=Established --timeout=30s");
    await until("a book can be written in its newer version", async () => {
      await apply({ apiVersion: "shop.example.com/v2", kind: "Book", metadata: { name: "b", namespace: "default" }, spec: { title: "Ships" } });
      return true;
    });
    expect(await cluster.field("books.v1.shop.example.com b", ".spec")).toBe('{"name":"Ships"}');
    expect(await cluster.field("books.v2.shop.example.com b", ".spec")).toBe('{"title":"Ships"}');
  });

  it("are not needed for a policy that changes objects", async () => {
    const match = { resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }] };
    const expression =
      'Object{spec: Object.spec{containers: object.spec.containers.map(c, Object.spec.containers.item{name: c.name, env: [Object.spec.containers.item.env.item{name: "PLACE", value: object.metadata.namespace}]})}}';
    await apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "policy" } },
      {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: "MutatingAdmissionPolicy",
        metadata: { name: "place" },
        spec: { reinvocationPolicy: "Never", failurePolicy: "Fail", matchConstraints: match, mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression } }] },
      },
      {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: "MutatingAdmissionPolicyBinding",
        metadata: { name: "place" },
        spec: { policyName: "place", matchResources: { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "policy" } } } },
      },
    );
    const pod = (name: string) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "policy" },
      spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 0, containers: [{ name: "c", image: "keles.dev/demo:v1", args: ["-p", "process.env.PLACE"] }] },
    });
    let serial = 0;
    const name = await until("a pod gets its place", async () => {
      serial += 1;
      await apply(pod(`p${serial}`));
      return (await cluster.field(`pod p${serial} -n policy`, ".spec.containers[0].env[0].value")) === "policy" && `p${serial}`;
    });
    await cluster.kubectl(`wait pod/${name} -n policy --for=jsonpath={.status.phase}=Succeeded --timeout=60s`);
    expect((await cluster.kubectl(`logs ${name} -n policy`)).trim()).toBe("policy");
  });
});
