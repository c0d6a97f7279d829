import { generateKeyPairSync } from "node:crypto";
import { setMaxListeners } from "node:events";
import { namespaces, nodes, pods } from "../../src/api/generated/resources.ts";
import type { Node, Pod } from "../../src/api/generated/types/core-v1.ts";
import { rfc3339 } from "../../src/base/clock.ts";
import type { Logger } from "../../src/base/log.ts";
import { type Metrics, noMetrics } from "../../src/base/metrics.ts";
import { seededRandom } from "../../src/base/random.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { Client } from "../../src/client/client.ts";
import { createEventRecorder } from "../../src/client/event-recorder-writer.ts";
import { createInformerFactory } from "../../src/client/informer-factory.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { serveApi, type ServeOptions } from "../../src/cluster/serve-api.ts";
import { allControllers, type AllControllersOptions } from "../../src/controllers/all-controllers.ts";
import { nodeOf } from "../../src/controllers/daemonset/eligible.ts";
import { parseCidr } from "../../src/meta/ip.ts";
import { hasReason } from "../../src/meta/status-error.ts";
import { nodeSigner } from "../../src/platform/node/signer.ts";
import { signJwt } from "../../src/platform/sign-jwt.ts";
import { runControllers } from "../../src/reconcile/run-controllers.ts";
import { versionInfo } from "../../src/cluster/version.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";

const admin = { name: "admin", groups: ["system:masters", "system:authenticated"] };
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const signer = nodeSigner(privateKey.export({ type: "pkcs8", format: "pem" }).toString());

export interface World {
  readonly clock: VirtualClock;
  readonly client: Client;
  /** What controllers complained of. */
  readonly complaints: string[];
  /** Kubelets that report to the API and end pods. A pod whose image is `exit-N` ends with that code. */
  readonly kubelet: { silent: Set<string>; ready: (pod: Pod) => boolean };
  addNode(name: string, labels?: Readonly<Record<string, string>>): Promise<Node>;
  settle(): Promise<void>;
  advance(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

/** The real server on the memory store, all controllers, a virtual clock, and the least of a scheduler and kubelet. */
export async function controllersWorld(
  options: AllControllersOptions = {},
  { isServed, metrics = noMetrics }: Pick<ServeOptions, "isServed"> & { readonly metrics?: Metrics } = {},
): Promise<World> {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const random = seededRandom(11);
  const complaints: string[] = [];
  const log = collect(complaints);
  const store = new MemoryStore();
  const stop = new AbortController();
  const { signal } = stop;
  setMaxListeners(0, signal);
  const serviceCidr = parseCidr("10.96.0.0/16");
  if (serviceCidr === undefined) throw new Error("a range");
  const api = serveApi(
    { serviceCidr, nodePorts: { first: 30_000, last: 32_767 }, clusterCa: "", issuer: "https://x", version: versionInfo, isServed, metricsText: () => Promise.resolve("") },
    { store, signer, clock, random, log, metrics: noMetrics },
  );
  await api.load();
  const client = inProcessClient(api.handle, admin);
  const informers = createInformerFactory({}, { client, clock, random, log });
  const recorder = createEventRecorder({ client, clock, random, component: "controllermanager", log });
  const controllers = allControllers({ client, informers, recorder, clock, random, log, metrics }, { rootCa: "PEM", signToken: (claims) => signJwt(signer, claims), ...options });
  const kubelet = { silent: new Set<string>(), ready: (_pod: Pod) => true };
  const podInformer = informers.informer(pods);
  const busy = new Set<Promise<void>>();
  const act = (pod: Pod): void => {
    const work = run(client, clock, pod, kubelet, nodeInformer.lister.list()).catch((error: unknown) => {
      if (!signal.aborted && !hasReason(error, "NotFound") && !hasReason(error, "Conflict")) complaints.push(`kubelet: ${String(error)}`);
    });
    busy.add(work);
    void work.finally(() => busy.delete(work));
  };
  const nodeInformer = informers.informer(nodes);
  podInformer.subscribe({ added: act, updated: (_previous, pod) => act(pod) });
  const serving = api.run(signal);
  for (const name of ["default", "kube-system", "kube-node-lease"]) await client.create(namespaces, { metadata: { name } });
  const running = [serving, informers.run(signal), runControllers(controllers, { informers, clock, log, metrics: noMetrics }, signal)];
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 3; round += 1) await clock.settle();
  };
  const nameless = new Set<string>();
  return {
    clock,
    client,
    complaints,
    kubelet,
    settle,
    async addNode(name, labels = {}) {
      nameless.add(name);
      await client.create(nodes, { metadata: { name, labels } });
      await beat(client, clock, name);
      const live = await client.get(nodes, name);
      for (const pod of podInformer.lister.list()) act(pod);
      return live;
    },
    async advance(seconds) {
      for (let left = seconds; left > 0; left -= 10) {
        await clock.advance(Math.min(10, left) * 1000);
        for (const name of nameless) if (!kubelet.silent.has(name)) await beat(client, clock, name);
      }
      await settle();
    },
    async stop() {
      stop.abort();
      await clock.settle();
      await Promise.allSettled([...running, ...busy]);
      await store.close();
    },
  };
}

/** A kubelet's report. */
async function beat(client: Client, clock: VirtualClock, name: string): Promise<void> {
  const now = rfc3339(clock.now());
  const live = await client.get(nodes, name);
  const old = live.status?.conditions?.find(({ type }) => type === "Ready");
  const lastTransitionTime = old?.status === "True" ? old.lastTransitionTime : now;
  const ready = { type: "Ready", status: "True", reason: "KubeletReady", lastHeartbeatTime: now, lastTransitionTime };
  const others = (live.status?.conditions ?? []).filter(({ type, status }) => type !== "Ready" && status !== "Unknown");
  const addresses = [{ type: "InternalIP", address: `192.168.0.${name.length}` }];
  const next = { ...live, status: { ...live.status, addresses, conditions: [...others, ready] } };
  await client.update(nodes, next, { subresource: "status" }).catch((error: unknown) => {
    if (hasReason(error, "Conflict")) return beat(client, clock, name);
    throw error;
  });
}

async function run(client: Client, clock: VirtualClock, pod: Pod, kubelet: World["kubelet"], all: readonly Node[]): Promise<void> {
  const { name = "", namespace, deletionTimestamp } = pod.metadata;
  const node = pod.spec.nodeName ?? "";
  if (node === "") {
    const free = all.filter(({ spec }) => !(spec.taints ?? []).some(({ effect }) => effect !== "PreferNoSchedule"));
    const pinned = nodeOf(pod);
    const target = pinned === "" ? free[name.length % Math.max(1, free.length)] : all.find(({ metadata }) => metadata.name === pinned);
    if (target === undefined || deletionTimestamp !== undefined) return;
    await client.createSubresource(
      pods,
      name,
      "binding",
      { apiVersion: "v1", kind: "Binding", metadata: { name, namespace }, target: { kind: "Node", name: target.metadata.name } },
      { namespace },
    );
    return;
  }
  if (kubelet.silent.has(node)) return;
  if (deletionTimestamp !== undefined) {
    await client.delete(pods, name, { namespace, gracePeriodSeconds: 0 });
    return;
  }
  const now = rfc3339(clock.now());
  const exit = /^exit-([0-9]+)$/.exec(pod.spec.containers[0]?.image ?? "")?.[1];
  const wanted = exit === undefined ? (kubelet.ready(pod) ? "True" : "False") : "False";
  const phase = exit === undefined ? "Running" : exit === "0" ? "Succeeded" : "Failed";
  const current = pod.status?.conditions?.find(({ type }) => type === "Ready")?.status;
  if (pod.status?.phase === phase && current === wanted) return;
  const ip = `10.42.0.${(Number.parseInt(pod.metadata.uid?.slice(0, 6) ?? "0", 16) % 250) + 1}`;
  const terminated =
    exit === undefined
      ? {}
      : { containerStatuses: [{ name: "main", image: "i", imageID: "i", ready: false, restartCount: 0, state: { terminated: { exitCode: Number(exit), finishedAt: now } } }] };
  const conditions = [{ type: "Ready", status: wanted, lastTransitionTime: now }];
  await client.update(
    pods,
    { ...pod, status: { ...pod.status, phase, conditions, podIP: ip, podIPs: [{ ip }], startTime: now, ...terminated } },
    { namespace, subresource: "status" },
  );
}

function collect(lines: string[]): Logger {
  const note = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
    lines.push(`${message} ${JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? value.message : value))}`);
  };
  const log: Logger = { debug() {}, info() {}, warn: note, error: note, with: () => log };
  return log;
}
