import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { nodes, podCertificateRequests, pods, serviceAccounts } from "../../src/api/generated/resources.ts";
import type { Pod, PodCertificateProjection } from "../../src/api/generated/types/core-v1.ts";
import { silentLogger } from "../../src/base/log.ts";
import { noMetrics } from "../../src/base/metrics.ts";
import { seededRandom } from "../../src/base/random.ts";
import { createInformerFactory } from "../../src/client/informer-factory.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { type KeyPair, makeAuthority } from "../../src/cluster/pki/certificates.ts";
import { readRuntimeConfig } from "../../src/cluster/settings/runtime-config.ts";
import { PodCertificates } from "../../src/kubelet/pod-certificates/pod-certificates.ts";
import { nodeCertificates } from "../../src/platform/node/certificates.ts";
import { KubeletWorld } from "../support/kubelet-world.ts";
import { PodCertificateSigner } from "../support/pod-certificate-signer.ts";
import { serveCluster } from "./served-cluster.ts";

const isServed = readRuntimeConfig("certificates.k8s.io/v1beta1=true");
const source: PodCertificateProjection = {
  signerName: "example.com/pods",
  keyType: "ECDSAP256",
  maxExpirationSeconds: 3600,
  credentialBundlePath: "all.pem",
  keyPath: "key.pem",
  certificateChainPath: "chain.pem",
  userAnnotations: { "example.com/as": "web" },
};
const withCertificate = (more: Partial<PodCertificateProjection> = {}) => ({ volumes: [{ name: "v", projected: { sources: [{ podCertificate: { ...source, ...more } }] } }] });
const certificates = /^(-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n){2}$/;
const minutes = 60_000;

let authority: KeyPair;
beforeAll(async () => {
  authority = await makeAuthority("pods", { days: 3650, nowMs: Date.UTC(2025, 0, 1) });
});
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A node's certificates alone, as that node, under the whole server: nothing else needs the time that passes. */
async function alone({ serves = true } = {}) {
  const cluster = await serveCluster(serves ? { isServed } : {});
  const { admin, clock } = cluster;
  const stop = new AbortController();
  const { signal } = stop;
  const place = { namespace: "default" };
  await admin.create(serviceAccounts, { metadata: { name: "default", ...place } });
  const node = await admin.create(nodes, { metadata: { name: "n1" } });
  const run = (name: string, more: Partial<PodCertificateProjection> = {}): Promise<Pod> =>
    admin.create(pods, { metadata: { name, ...place }, spec: { nodeName: "n1", containers: [{ name: "a", image: "a" }], ...withCertificate(more) } });
  const client = inProcessClient(cluster.api.handle, { name: "system:node:n1", groups: ["system:nodes", "system:authenticated"] });
  const shared = { client, clock, random: seededRandom(3), log: silentLogger };
  const informers = createInformerFactory({}, shared);
  const events: string[] = [];
  const changes: string[] = [];
  let heard = (): void => {};
  const ended = new Set<string>();
  const counts = new Map<string, number>();
  const kept = new PodCertificates(
    { nodeName: "n1" },
    {
      ...shared,
      informers,
      certificates: nodeCertificates,
      recorder: { event: (_about, type, reason, message) => void events.push(`${type} ${reason} ${message}`) },
      metrics: {
        ...noMetrics,
        gauge: (metric) => ({
          set() {},
          add: (by, labels = []) => void (metric.includes("podcertificate") && counts.set(labels.join(" "), (counts.get(labels.join(" ")) ?? 0) + by)),
        }),
      },
      node: () => node,
      isActive: (uid) => !ended.has(uid),
      changed(uids) {
        changes.push(...uids);
        heard();
      },
    },
  );
  const signer = new PodCertificateSigner({ client: admin, clock, authority });
  const running = [informers.run(signal), kept.run(signal), ...(serves ? [signer.run(signal)] : [])];
  ends.push(async () => {
    stop.abort(new Error("stopped"));
    await clock.settle();
    await Promise.all(running);
    await cluster.stop();
  });
  return {
    ...cluster,
    kept,
    signer,
    events,
    changes,
    ended,
    counts: () => Object.fromEntries([...counts].filter(([, count]) => count !== 0)),
    run,
    /** Resolves when pods next have to hear of something. */
    change: () => new Promise<void>((resolve) => (heard = resolve)),
    given: (pod: Pod) => kept.get(pod.metadata.uid ?? "", { volume: "v", index: 0 }),
    /** The next request, answered, and what follows of it. */
    async answered() {
      const request = await signer.next();
      await clock.settle();
      return request;
    },
  };
}

describe("a pod's certificate", () => {
  it.each(["ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"])("is asked for by its node with a key of type %s, which does not leave the node", async (keyType) => {
    const { run, kept, given, answered, counts, changes } = await alone();
    const pod = await run("web", { keyType });
    kept.use(pod);
    expect(() => given(pod)).toThrow("credential bundle is not issued yet");
    expect(counts()).toEqual({ "example.com/pods not_yet_issued": 1 });
    const { metadata, spec } = await answered();
    expect(metadata).toMatchObject({ namespace: "default", generateName: "req-", ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "web", uid: pod.metadata.uid }] });
    expect(spec).toMatchObject({
      signerName: "example.com/pods",
      podName: "web",
      podUID: pod.metadata.uid,
      serviceAccountName: "default",
      nodeName: "n1",
      maxExpirationSeconds: 3600,
      unverifiedUserAnnotations: { "example.com/as": "web" },
    });
    expect([spec.pkixPublicKey, spec.proofOfPossession]).toEqual([undefined, undefined]);
    const { privateKey, chain } = given(pod);
    expect(chain).toMatch(certificates);
    expect(nodeCertificates.isFor(chain, privateKey)).toBe(true);
    expect(changes).toEqual([pod.metadata.uid]);
    expect(counts()).toEqual({ "example.com/pods fresh": 1 });
    kept.forget(pod.metadata.uid ?? "");
    expect(() => given(pod)).toThrow("credential bundle is not issued yet");
    expect(counts()).toEqual({});
  });

  it("is made anew with another key when its signer says so, and the old one is used until then", async () => {
    const { run, kept, given, answered, clock, signer, admin } = await alone();
    const pod = await run("web");
    signer.answer = { seconds: 3600, refreshAfterSeconds: 600 };
    kept.use(pod);
    await answered();
    const first = given(pod);
    await clock.advance(10 * minutes - 1);
    expect((await admin.list(podCertificateRequests)).items).toHaveLength(1);
    await clock.advance(8 * minutes);
    await answered();
    const second = given(pod);
    expect(second.privateKey).not.toBe(first.privateKey);
    expect(nodeCertificates.isFor(second.chain, second.privateKey)).toBe(true);
  });

  it.each([
    ["Denied", "was permanently denied", "was denied"],
    ["Failed", "was permanently failed", "failed"],
  ] as const)("that is %s is not asked for again", async (verdict, error, happened) => {
    const { run, kept, given, answered, clock, signer, events, counts, admin } = await alone();
    signer.answer = { verdict, reason: "NotYours", message: "ask somebody else" };
    const pod = await run("web");
    kept.use(pod);
    const { metadata } = await answered();
    expect(() => given(pod)).toThrow(`PodCertificateRequest ${error}: reason="NotYours" message="ask somebody else"`);
    expect(events).toEqual([`Warning ${verdict} PodCertificateRequest default/${metadata.name} ${happened}, reason="NotYours", message="ask somebody else"`]);
    expect(counts()).toEqual({ [`example.com/pods ${verdict.toLowerCase()}`]: 1 });
    await clock.advance(30 * minutes);
    expect((await admin.list(podCertificateRequests)).items).toHaveLength(1);
  });

  it("is asked for again when the request is deleted", async () => {
    const { run, kept, given, answered, signer, admin, clock } = await alone();
    signer.answer = "silence";
    const pod = await run("web");
    kept.use(pod);
    const { metadata } = await answered();
    signer.answer = { seconds: 3600, refreshAfterSeconds: 600 };
    await admin.delete(podCertificateRequests, metadata.name ?? "", { namespace: "default" });
    await clock.advance(2 * minutes);
    await answered();
    expect(given(pod).chain).toMatch(certificates);
  });

  it("that nobody renews is complained of, once each, and stays", async () => {
    const { run, kept, given, answered, signer, clock, events, counts } = await alone();
    signer.answer = { seconds: 3600, refreshAfterSeconds: 600 };
    const pod = await run("web");
    kept.use(pod);
    await answered();
    signer.answer = "silence";
    await clock.advance(18 * minutes);
    await answered();
    expect(events).toEqual([]);
    await clock.advance(15 * minutes);
    expect(events).toEqual(["Warning CertificateOverdueForRefresh PodCertificate refresh overdue"]);
    expect(counts()).toEqual({ "example.com/pods overdue_for_refresh": 1 });
    await clock.advance(40 * minutes);
    expect(events.slice(1)).toEqual(["Warning CertificateExpired PodCertificate expired"]);
    expect(counts()).toEqual({ "example.com/pods expired": 1 });
    expect(given(pod).chain).toMatch(certificates);
  });

  it("is not kept for a pod that has ended", async () => {
    const { run, kept, answered, clock, ended, counts, admin } = await alone();
    const pod = await run("web");
    kept.use(pod);
    await answered();
    ended.add(pod.metadata.uid ?? "");
    await clock.advance(60 * minutes);
    expect(counts()).toEqual({});
    expect((await admin.list(podCertificateRequests)).items).toHaveLength(1);
  });

  it("cannot be had where requests are not served, which is said", async () => {
    const { run, kept, given, change, clock } = await alone({ serves: false });
    const pod = await run("web");
    const changed = change();
    kept.use(pod);
    await clock.settle();
    await changed;
    expect(() => given(pod)).toThrow("credential bundle is not issued yet: PodCertificateRequests are not served by this cluster");
  });
});

it("the kubelet gives pods their certificates as files, and changes these while containers run", async () => {
  const world = await KubeletWorld.start({ isServed, deps: { certificates: nodeCertificates } });
  const stop = new AbortController();
  const signer = new PodCertificateSigner({ client: world.client, clock: world.clock, authority });
  const signing = signer.run(stop.signal);
  ends.push(async () => {
    stop.abort(new Error("stopped"));
    await signing;
    await world.stop();
  });
  signer.answer = { seconds: 3600, refreshAfterSeconds: 60 };
  const pod = await world.createPod("web", { ...withCertificate(), securityContext: { runAsUser: 5, fsGroup: 6 } });
  expect(await world.eventTexts("web")).toContainEqual('Warning FailedMount MountVolume.SetUp failed for volume "v" : credential bundle is not issued yet');
  await signer.next();
  await world.clock.advance(5000);
  const status = async () => (await world.existingPod("web")).status;
  expect((await status())?.phase).toBe("Running");
  const folder = `/var/lib/kubelet/pods/${pod.metadata.uid}/volumes/kubernetes.io~projected/v`;
  const read = async (name: string): Promise<string> => new TextDecoder().decode(await world.files.read(`${folder}/${name}`));
  const first = { key: await read("key.pem"), chain: await read("chain.pem") };
  expect(await read("all.pem")).toBe(first.key + first.chain);
  expect(first.chain).toMatch(certificates);
  expect(await world.files.stat(`${folder}/${await world.files.readlink(`${folder}/..data`)}/key.pem`)).toMatchObject({ mode: 0o640, uid: 5, gid: 6 });

  await world.clock.advance(9 * minutes);
  await signer.next();
  await world.clock.settle();
  const second = { key: await read("key.pem"), chain: await read("chain.pem") };
  expect(second.key).not.toBe(first.key);
  expect(nodeCertificates.isFor(second.chain, second.key)).toBe(true);
  expect((await status())?.containerStatuses).toMatchObject([{ restartCount: 0, state: { running: {} } }]);
});
