import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { clusterRoleBindings, clusterRoles, clusterTrustBundles, namespaces, nodes, podCertificateRequests, pods, serviceAccounts } from "../../src/api/generated/resources.ts";
import { type KeyPair, makeAuthority } from "../../src/cluster/pki/certificates.ts";
import { readRuntimeConfig } from "../../src/cluster/settings/runtime-config.ts";
import { trustAnchors } from "../../src/kubelet/volumes/trust-anchors.ts";
import { controllersWorld, type World } from "./controllers-world.ts";
import { type Person, serveCluster, type ServedCluster } from "./served-cluster.ts";

const nowMs = Date.UTC(2026, 0, 1);
let one: KeyPair;
let two: KeyPair;
let request: string;
beforeAll(async () => {
  one = await makeAuthority("one", { days: 30, nowMs });
  two = await makeAuthority("two", { days: 30, nowMs });
  const keys = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  request = (await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: { name: "ECDSA", hash: "SHA-256" } })).toString("base64");
});

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
async function served(runtimeConfig = "certificates.k8s.io/v1beta1=true,certificates.k8s.io/v1alpha1=true,networking.k8s.io/v1beta1=true"): Promise<ServedCluster> {
  const cluster = await serveCluster({ isServed: readRuntimeConfig(runtimeConfig) });
  ends.push(() => cluster.stop());
  return cluster;
}
const bundlesPath = "/apis/certificates.k8s.io/v1beta1/clustertrustbundles";
const bundle = (name: string, trustBundle: string, signerName?: string) => ({
  apiVersion: "certificates.k8s.io/v1beta1",
  kind: "ClusterTrustBundle",
  metadata: { name },
  spec: { trustBundle, ...(signerName === undefined ? {} : { signerName }) },
});

describe("versions before stable", () => {
  it("are served when they are asked for, with the objects of the stable one", async () => {
    const root: Person = { name: "root", groups: ["system:masters"] };
    const { ask } = await served("");
    expect((await ask("GET", bundlesPath, { as: root })).status).toBe(404);
    const { ask: asked, admin } = await served();
    expect((await asked("GET", "/apis/certificates.k8s.io", { as: root })).body).toMatchObject({
      preferredVersion: { version: "v1" },
      versions: [{ version: "v1" }, { version: "v1beta1" }, { version: "v1alpha1" }],
    });
    await admin.create(clusterTrustBundles, bundle("plain", one.certificate));
    const early = await asked("GET", "/apis/certificates.k8s.io/v1alpha1/clustertrustbundles/plain", { as: root });
    expect(early.body).toMatchObject({ apiVersion: "certificates.k8s.io/v1alpha1", kind: "ClusterTrustBundle", metadata: { name: "plain" } });
    const range = await asked("GET", "/apis/networking.k8s.io/v1beta1/servicecidrs/kubernetes", { as: root });
    expect(range.body).toMatchObject({ apiVersion: "networking.k8s.io/v1beta1", spec: { cidrs: ["10.43.0.0/16"] } });
  });
});

describe("trust bundles", () => {
  it.each<[string, () => object, string]>([
    ["text that is no PEM", () => bundle("a", "hello"), "there is text outside of PEM blocks"],
    ["nothing", () => bundle("a", ""), "must have at least one certificate"],
    ["a key", () => bundle("a", one.privateKey), "entry 0 has bad block type: PRIVATE KEY"],
    ["a certificate twice", () => bundle("a", one.certificate + two.certificate + one.certificate), "entry 2 duplicates entry 0"],
    ["what only looks like a certificate", () => bundle("a", `-----BEGIN CERTIFICATE-----\n${btoa("0\u0003abc")}\n-----END CERTIFICATE-----\n`), "entry 0 does not parse as X.509"],
    ["a signer's name without the signer", () => bundle("example.com:foo:bar", one.certificate), 'must not have \\":\\" in its name'],
    ["a signer without its name", () => bundle("bar", one.certificate, "example.com/foo"), "must be named with prefix example.com:foo:"],
    ["no signer", () => bundle("a:b:c", one.certificate, "nothing"), "must be a fully qualified domain and path"],
  ])("are not %s", async (_name, object, message) => {
    const { ask } = await served();
    const { status, body } = await ask("POST", bundlesPath, { as: { name: "root", groups: ["system:masters"] }, body: object() });
    expect(status).toBe(422);
    expect(JSON.stringify(body)).toContain(message);
  });

  it("of a signer are made by who may attest for it", async () => {
    const { ask, admin } = await served();
    const jane: Person = { name: "jane" };
    const grant = async (name: string, rule: object): Promise<void> => {
      await admin.create(clusterRoles, { metadata: { name }, rules: [rule as never] });
      await admin.create(clusterRoleBindings, {
        metadata: { name },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
        subjects: [{ kind: "User", name: "jane" }],
      });
    };
    await grant("bundles", { apiGroups: ["certificates.k8s.io"], resources: ["clustertrustbundles"], verbs: ["create", "update"] });
    const object = bundle("example.com:foo:bar", one.certificate, "example.com/foo");
    const refused = await ask("POST", bundlesPath, { as: jane, body: object });
    expect([refused.status, refused.body.message]).toEqual([403, expect.stringContaining('user not permitted to attest for signerName "example.com/foo"')]);
    expect((await ask("POST", bundlesPath, { as: jane, body: bundle("plain", one.certificate) })).status).toBe(201);
    await grant("attest", { apiGroups: ["certificates.k8s.io"], resources: ["signers"], resourceNames: ["example.com/*"], verbs: ["attest"] });
    expect((await ask("POST", bundlesPath, { as: jane, body: object })).status).toBe(201);
  });

  it("are what pods are given: by name, or all of a signer that labels choose", async () => {
    const { admin } = await served();
    const signed = (name: string, pem: string, labels: Readonly<Record<string, string>>) => ({
      ...bundle(`example.com:foo:${name}`, pem, "example.com/foo"),
      metadata: { name: `example.com:foo:${name}`, labels },
    });
    await admin.create(clusterTrustBundles, signed("a", one.certificate, { live: "yes" }));
    await admin.create(clusterTrustBundles, signed("b", one.certificate + two.certificate, { live: "yes" }));
    await admin.create(clusterTrustBundles, signed("c", two.certificate, { live: "no" }));
    const anchors = (source: Partial<Parameters<typeof trustAnchors>[0]>): Promise<string> => trustAnchors({ path: "p", ...source }, { client: admin });
    const count = async (source: Parameters<typeof anchors>[0]): Promise<number> => (await anchors(source)).split("BEGIN CERTIFICATE").length - 1;
    expect(await count({ name: "example.com:foo:c" })).toBe(1);
    expect(await count({ signerName: "example.com/foo", labelSelector: {} })).toBe(2);
    expect(await count({ signerName: "example.com/foo", labelSelector: { matchLabels: { live: "no" } } })).toBe(1);
    await expect(anchors({ signerName: "example.com/foo" })).rejects.toThrow("matched zero ClusterTrustBundles");
    await expect(anchors({ name: "gone" })).rejects.toThrow('clustertrustbundle "gone" not found');
    expect(await anchors({ name: "gone", optional: true })).toBe("");
    expect(await anchors({ signerName: "example.com/foo", optional: true })).toBe("");
  });
});

describe("controllers", () => {
  let world: World | undefined;
  afterEach(async () => {
    await world?.stop();
    world = undefined;
  });

  it("publish the server's authority, and take old requests away", async () => {
    world = await controllersWorld({ rootCa: one.certificate, trustBundles: { hash: () => "abc" }, podCertificates: true }, { isServed: readRuntimeConfig("api/beta") });
    const { client, settle, advance } = world;
    const signerName = "kubernetes.io/kube-apiserver-serving";
    await client.create(clusterTrustBundles, bundle("kubernetes.io:kube-apiserver-serving:old", two.certificate, signerName));
    await settle();
    const { items } = await client.list(clusterTrustBundles, { fieldSelector: `spec.signerName=${signerName}` });
    expect(items).toMatchObject([{ metadata: { name: "kubernetes.io:kube-apiserver-serving:abc" }, spec: { trustBundle: one.certificate } }]);
    const spec = {
      signerName: "example.com/foo",
      podName: "p",
      podUID: "u",
      serviceAccountName: "s",
      serviceAccountUID: "su",
      nodeName: "n",
      nodeUID: "nu",
      stubPKCS10Request: request,
    };
    await client.create(podCertificateRequests, { metadata: { name: "r" }, spec }, { namespace: "default" });
    await advance(600);
    await client.get(podCertificateRequests, "r", { namespace: "default" });
    await advance(600);
    await expect(client.get(podCertificateRequests, "r", { namespace: "default" })).rejects.toThrow("not found");
    expect(world.complaints).toEqual([]);
  });

  it("see what is only served in a version before stable: requests go with their pod and their namespace", async () => {
    world = await controllersWorld({}, { isServed: readRuntimeConfig("certificates.k8s.io/v1beta1=true") });
    const { client, settle, advance } = world;
    await client.create(namespaces, { metadata: { name: "short" } });
    // A pod needs its namespace's account.
    await settle();
    const pod = await client.create(pods, { metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "i" }] } }, { namespace: "default" });
    const { uid = "" } = pod.metadata;
    const spec = {
      signerName: "example.com/foo",
      podName: "p",
      podUID: uid,
      serviceAccountName: "s",
      serviceAccountUID: "su",
      nodeName: "n",
      nodeUID: "nu",
      stubPKCS10Request: request,
    };
    const ownerReferences = [{ apiVersion: "v1", kind: "Pod", name: "p", uid }];
    await client.create(podCertificateRequests, { metadata: { name: "owned", ownerReferences }, spec }, { namespace: "default" });
    await client.create(podCertificateRequests, { metadata: { name: "free" }, spec }, { namespace: "default" });
    await client.create(podCertificateRequests, { metadata: { name: "inside" }, spec }, { namespace: "short" });
    const left = async (): Promise<readonly (string | undefined)[]> => (await client.list(podCertificateRequests)).items.map(({ metadata }) => metadata.name);
    // By then the collector has asked what is served.
    await advance(60);
    expect(await left()).toEqual(["free", "owned", "inside"]);
    await client.delete(pods, "p", { namespace: "default", gracePeriodSeconds: 0 });
    await client.delete(namespaces, "short");
    await advance(60);
    await settle();
    expect(await left()).toEqual(["free"]);
  });
});

describe("certificates of pods", () => {
  async function prepared() {
    const { ask, admin } = await served();
    const node = await admin.create(nodes, { metadata: { name: "n1" } });
    const account = await admin.create(serviceAccounts, { metadata: { name: "robot" } }, { namespace: "default" });
    await admin.create(serviceAccounts, { metadata: { name: "default" } }, { namespace: "default" }).catch(() => {});
    const pod = await admin.create(
      pods,
      { metadata: { name: "p" }, spec: { nodeName: "n1", serviceAccountName: "robot", containers: [{ name: "c", image: "i" }] } },
      { namespace: "default" },
    );
    const spec = {
      signerName: "example.com/foo",
      podName: "p",
      podUID: pod.metadata.uid,
      serviceAccountName: "robot",
      serviceAccountUID: account.metadata.uid,
      nodeName: "n1",
      nodeUID: node.metadata.uid,
      stubPKCS10Request: request,
    };
    const kubelet: Person = { name: "system:node:n1", groups: ["system:nodes"] };
    const post = (changes: object, as: Person = { name: "root", groups: ["system:masters"] }) =>
      ask("POST", "/apis/certificates.k8s.io/v1beta1/namespaces/default/podcertificaterequests", {
        as,
        body: { apiVersion: "certificates.k8s.io/v1beta1", kind: "PodCertificateRequest", metadata: { generateName: "r-" }, spec: { ...spec, ...changes } },
      });
    return { ask, post, kubelet };
  }

  it("are asked for by the kubelet that runs the pod, for what it is", async () => {
    const { ask, post, kubelet } = await prepared();
    const { status: created, body: made } = await post({}, kubelet);
    expect(created).toBe(201);
    const own = `/apis/certificates.k8s.io/v1beta1/namespaces/default/podcertificaterequests/${made.metadata.name}`;
    expect((await ask("GET", own, { as: kubelet })).status).toBe(200);
    const { status: hidden, body: why } = await ask("GET", own, { as: { ...kubelet, name: "system:node:n2" } });
    expect([hidden, why.message]).toEqual([403, expect.stringContaining("no relationship found between node 'n2' and this object")]);
    expect((await ask("PATCH", `${own}/status`, { as: kubelet, headers: { "content-type": "application/merge-patch+json" }, body: { status: {} } })).status).toBe(403);
    const requests = "/apis/certificates.k8s.io/v1beta1/podcertificaterequests";
    expect((await ask("GET", requests, { as: kubelet })).status).toBe(403);
    expect((await ask("GET", `${requests}?fieldSelector=spec.nodeName%3Dn1`, { as: kubelet })).body.items).toHaveLength(1);
    for (const [changes, message] of [
      [{ nodeName: "n2" }, "which is not the requesting node"],
      [{ podUID: "other" }, "does not exist"],
      [{ serviceAccountName: "default" }, "does not run as service account"],
      [{ serviceAccountUID: "other" }, "UID does not match"],
      [{ nodeUID: "other" }, "UID does not match"],
    ] as const) {
      const { status, body } = await post(changes, kubelet);
      expect([status, body.message]).toEqual([403, expect.stringContaining(message)]);
    }
  });

  it.each([
    [{ maxExpirationSeconds: 60 }, "must be in the range [3600, 7862400]"],
    [{ signerName: "kubernetes.io/own", maxExpirationSeconds: 90_000 }, "must be in the range [3600, 86400]"],
    [{ stubPKCS10Request: btoa("nothing") }, "must be a PKCS#10 certificate signing request in DER"],
    [{ stubPKCS10Request: btoa("0\u0003abc") }, "signed by the key in it"],
    [{ podName: "" }, "spec.podName: Required value"],
  ])("are not asked for with %j", async (changes, message) => {
    const { post } = await prepared();
    const { status, body } = await post(changes);
    expect([status, body.message]).toEqual([422, expect.stringContaining(message)]);
  });

  it("come once, with their times, from who may sign", async () => {
    const { ask, post } = await prepared();
    const { body: made } = await post({});
    const path = `/apis/certificates.k8s.io/v1beta1/namespaces/default/podcertificaterequests/${made.metadata.name}/status`;
    const root: Person = { name: "root", groups: ["system:masters"] };
    const issued = { type: "Issued", status: "True", reason: "Done", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" };
    const times = { notBefore: "2026-01-01T00:00:00Z", beginRefreshAt: "2026-01-01T12:00:00Z", notAfter: "2026-01-02T00:00:00Z" };
    const put = (status: object) => ask("PUT", path, { as: root, body: { ...made, status } });
    expect((await put({ conditions: [issued], ...times })).body.message).toContain("status.certificateChain: Required value");
    expect((await put({ conditions: [{ ...issued, type: "Denied" }], certificateChain: one.certificate })).body.message).toContain("only for requests that are issued");
    expect((await put({ conditions: [issued], ...times, beginRefreshAt: "2026-02-01T00:00:00Z", certificateChain: one.certificate })).body.message).toContain(
      "must be between notBefore and notAfter",
    );
    const { status, body } = await put({ conditions: [issued], ...times, certificateChain: one.certificate });
    expect(status).toBe(200);
    expect((await ask("PUT", path, { as: root, body: { ...body, status: { ...body.status, certificateChain: two.certificate } } })).body.message).toContain(
      "immutable after PodCertificateRequest is issued",
    );
  });
});
