import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { certificateSigningRequests, clusterRoleBindings, nodes } from "../../src/api/generated/resources.ts";
import type { CertificateSigningRequest } from "../../src/api/generated/types/certificates-v1.ts";
import type { Node } from "../../src/api/generated/types/core-v1.ts";
import { silentLogger } from "../../src/base/log.ts";
import { noMetrics } from "../../src/base/metrics.ts";
import { seededRandom } from "../../src/base/random.ts";
import { createInformerFactory } from "../../src/client/informer-factory.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { certificateAuthority } from "../../src/cluster/pki/certificate-authority.ts";
import { type KeyPair, makeAuthority } from "../../src/cluster/pki/certificates.ts";
import { csrApprover, csrSigner } from "../../src/controllers/csr/reconcile.ts";
import { CertificateStore } from "../../src/kubelet/certificates/certificate-store.ts";
import { clientRotation, servingRotation } from "../../src/kubelet/certificates/node-rotations.ts";
import { type CertificatePair, retryMs } from "../../src/kubelet/certificates/rotation-plan.ts";
import { nodeCertificates } from "../../src/platform/node/certificates.ts";
import { MemoryFiles } from "../../src/platform/sim/memory-files.ts";
import { runControllers } from "../../src/reconcile/run-controllers.ts";
import { serveCluster } from "./served-cluster.ts";

const hours = 3_600_000;
const minutes = 60_000;
let authority: KeyPair;
beforeAll(async () => {
  authority = await makeAuthority("kubernetes", { days: 3650, nowMs: Date.UTC(2025, 0, 1) });
});
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** What comes one after the other, for whoever waits. */
function arrivals<T>() {
  const come: T[] = [];
  const takers: ((one: T) => void)[] = [];
  return {
    add(one: T): void {
      const taker = takers.shift();
      if (taker === undefined) come.push(one);
      else taker(one);
    },
    next: (): Promise<T> => {
      const first = come.shift();
      return first === undefined ? new Promise((resolve) => takers.push(resolve)) : Promise.resolve(first);
    },
  };
}

/** The whole server, with the controllers that approve and sign; certificates last for ten hours. */
async function begun({ mayRenew = true } = {}) {
  const cluster = await serveCluster();
  const { admin, clock } = cluster;
  const stop = new AbortController();
  const shared = { clock, random: seededRandom(5), log: silentLogger, metrics: noMetrics };
  const informers = createInformerFactory({}, { ...shared, client: admin });
  const controllerDeps = { ...shared, client: admin, informers, recorder: { event() {} } };
  const signing = certificateAuthority(authority);
  const controllers = [csrApprover(controllerDeps, { authority: signing }), csrSigner(controllerDeps, { authority: signing, durationMs: 10 * hours })];
  if (mayRenew) {
    await admin.create(clusterRoleBindings, {
      metadata: { name: "renew" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient" },
      subjects: [{ kind: "Group", apiGroup: "rbac.authorization.k8s.io", name: "system:nodes" }],
    });
  }
  const requests = arrivals<CertificateSigningRequest>();
  const watched = (async () => {
    for await (const batch of admin.watch(certificateSigningRequests, { signal: stop.signal })) for (const { type, object } of batch) if (type === "ADDED") requests.add(object);
  })().catch(() => {});
  const running: Promise<unknown>[] = [watched, informers.run(stop.signal), runControllers(controllers, { ...shared, informers }, stop.signal)];
  ends.push(async () => {
    stop.abort(new Error("stopped"));
    await clock.settle();
    await Promise.allSettled(running);
    await cluster.stop();
  });
  const files = new MemoryFiles({}, { clock });
  const client = inProcessClient(cluster.api.handle, { name: "system:node:n1", groups: ["system:nodes", "system:authenticated"] });
  const storeOf = (name: string) => new CertificateStore({ directory: "/pki", name }, { files, clock });
  /** What a rotation needs, and what comes of it. */
  const using = (name: string) => {
    const taken = arrivals<CertificatePair>();
    const told = { errors: 0, lives: [] as number[], expired: 0 };
    const deps = {
      ...shared,
      client,
      certificates: nodeCertificates,
      store: storeOf(name),
      metrics: { renewErrors: { inc: () => void (told.errors += 1) }, lifeSeconds: { observe: (seconds: number) => void told.lives.push(seconds) }, ends: new Map() },
      take: (pair: CertificatePair) => taken.add(pair),
      expired: () => void (told.expired += 1),
    };
    return { deps, taken, told };
  };
  const run = (rotation: { run(signal: AbortSignal): Promise<void> }, signal = stop.signal): Promise<void> => {
    const done = rotation.run(signal);
    running.push(done);
    return done;
  };
  const decide = async (name: string, type: "Approved" | "Denied"): Promise<void> => {
    const live = await admin.get(certificateSigningRequests, name);
    const status = { ...live.status, conditions: [{ type, status: "True", reason: "Admin", message: "said so" }] };
    await admin.update(certificateSigningRequests, { ...live, status }, { subresource: "approval" });
  };
  const count = async (): Promise<number> => (await admin.list(certificateSigningRequests)).items.length;
  return { ...cluster, files, requests, storeOf, using, run, decide, count };
}

describe("a node's client certificate", () => {
  it("is asked for by the node, approved and signed by the cluster, kept, and changed in time", async () => {
    const { clock, using, run, count, storeOf, files, requests } = await begun();
    const { deps, taken, told } = using("kubelet-client");
    void run(clientRotation({ nodeName: "n1" }, deps));
    const first = await taken.next();
    expect((await requests.next()).spec).toMatchObject({
      signerName: "kubernetes.io/kube-apiserver-client-kubelet",
      usages: ["digital signature", "client auth"],
      username: "system:node:n1",
    });
    expect(nodeCertificates.read(first.certificate)).toMatchObject({ commonName: "system:node:n1", notAfterMs: clock.now() + 10 * hours });
    expect(nodeCertificates.isFor(first.certificate, first.privateKey)).toBe(true);
    expect(await storeOf("kubelet-client").load()).toEqual(first);

    await clock.advance(6.9 * hours);
    expect(await count()).toBe(1);
    await clock.advance(2.2 * hours);
    const second = await taken.next();
    expect(second.privateKey).not.toBe(first.privateKey);
    expect(await storeOf("kubelet-client").load()).toEqual(second);
    expect(told.expired).toBe(0);
    expect(told.lives).toHaveLength(1);
    expect((await files.list("/pki")).filter((name) => /\d/.test(name))).toHaveLength(2);
  });

  it("is taken up where it is kept, also after a restart; what is no pair or has ended is not", async () => {
    const { clock, using, run, count, storeOf } = await begun();
    const before = using("kubelet-client");
    const stop = new AbortController();
    const running = run(clientRotation({ nodeName: "n1" }, before.deps), stop.signal);
    const first = await before.taken.next();
    stop.abort(new Error("stopped"));
    await clock.settle();
    await running;
    const again = using("kubelet-client");
    void run(clientRotation({ nodeName: "n1" }, again.deps));
    expect(await again.taken.next()).toEqual(first);
    await clock.settle();
    expect(await count()).toBe(1);

    await storeOf("mixed").save({ ...first, privateKey: (await nodeCertificates.makeKey("ECDSAP256")).privateKey });
    const mixed = using("mixed");
    void run(clientRotation({ nodeName: "n1" }, mixed.deps));
    expect((await mixed.taken.next()).certificate).not.toBe(first.certificate);

    await storeOf("foreign").save(first);
    const foreign = using("foreign");
    const elsewhere = await makeAuthority("elsewhere", { days: 1, nowMs: clock.now() });
    void run(clientRotation({ nodeName: "n1", authority: elsewhere.certificate }, foreign.deps));
    expect((await foreign.taken.next()).certificate).not.toBe(first.certificate);
  });

  it("is waited for until somebody approves it where nodes have no right to renew", async () => {
    const { using, run, requests, decide, clock } = await begun({ mayRenew: false });
    const { deps, taken, told } = using("kubelet-client");
    void run(clientRotation({ nodeName: "n1" }, deps));
    const { metadata } = await requests.next();
    await clock.advance(14 * minutes);
    await decide(metadata.name ?? "", "Approved");
    expect(nodeCertificates.read((await taken.next()).certificate)?.commonName).toBe("system:node:n1");
    expect(told.errors).toBe(0);
  });

  it("that is denied is asked for again after a quarter of an hour, and one that nobody answers too", async () => {
    const { using, run, requests, decide, clock, count } = await begun({ mayRenew: false });
    const { deps, told } = using("kubelet-client");
    void run(clientRotation({ nodeName: "n1" }, deps));
    const { metadata } = await requests.next();
    await decide(metadata.name ?? "", "Denied");
    await clock.settle();
    expect(told.errors).toBe(1);
    await clock.advance(14 * minutes);
    expect(await count()).toBe(1);
    await clock.advance(2 * minutes);
    await requests.next();
    await clock.settle();
    await clock.advance(15 * minutes);
    expect(told.errors).toBe(2);
    await clock.advance(2 * retryMs(1, 1));
    await requests.next();
  });

  it("that has ended is said, so that another can be used", async () => {
    const { using, run, requests, clock } = await begun();
    const { deps, taken, told } = using("kubelet-client");
    const down = { ...deps.client, create: () => Promise.reject(new Error("the server is down")) };
    let client: typeof deps.client = deps.client;
    const reached = {
      get: deps.client.get.bind(deps.client),
      watch: deps.client.watch.bind(deps.client),
      create: ((...args: Parameters<typeof client.create>) => client.create(...args)) as typeof client.create,
    };
    void run(clientRotation({ nodeName: "n1" }, { ...deps, client: reached }));
    await taken.next();
    await requests.next();
    client = down;
    await clock.advance(9.5 * hours);
    expect(told.expired).toBe(0);
    expect(told.errors).toBeGreaterThan(10);
    await clock.advance(1 * hours);
    expect(told.expired).toBe(1);
    client = deps.client;
    await clock.advance(1 * minutes);
    expect(nodeCertificates.read((await taken.next()).certificate)?.notAfterMs).toBeGreaterThan(clock.now());
  });
});

describe("a node's serving certificate", () => {
  it("is asked for once the node has an address, approved by a human, and again for other addresses", async () => {
    const { using, run, requests, decide, clock, count, admin } = await begun();
    const { deps, taken } = using("kubelet-server");
    let node: Node = await admin.create(nodes, { metadata: { name: "n1" } });
    const rotation = servingRotation({ nodeName: "n1" }, { ...deps, node: () => node });
    void run(rotation);
    await clock.advance(5 * minutes);
    expect(await count()).toBe(0);

    const addresses = (...ips: readonly string[]) => [{ type: "Hostname", address: "n1" }, ...ips.map((address) => ({ type: "InternalIP", address }))];
    node = { ...node, status: { addresses: addresses("10.0.0.1") } };
    rotation.changed();
    const { metadata, spec } = await requests.next();
    expect(spec).toMatchObject({ signerName: "kubernetes.io/kubelet-serving", usages: ["digital signature", "server auth"], username: "system:node:n1" });
    await clock.advance(5 * minutes);
    expect((await admin.get(certificateSigningRequests, metadata.name ?? "")).status?.conditions ?? []).toEqual([]);
    await decide(metadata.name ?? "", "Approved");
    expect(nodeCertificates.read((await taken.next()).certificate)).toMatchObject({ commonName: "system:node:n1", dnsNames: ["n1"], ips: ["10.0.0.1"] });

    // Nothing new is no reason to ask.
    rotation.changed();
    await clock.settle();
    expect(await count()).toBe(1);
    for (const ips of [["10.0.0.1", "10.0.0.2"], ["10.0.0.3"]]) {
      node = { ...node, status: { addresses: addresses(...ips) } };
      rotation.changed();
      // The request for addresses that are gone already is not waited for any more.
      const next = await requests.next();
      await clock.settle();
      if (ips.length > 1) continue;
      await decide(next.metadata.name ?? "", "Approved");
      expect(nodeCertificates.read((await taken.next()).certificate)?.ips).toEqual(["10.0.0.3"]);
    }
  });
});
