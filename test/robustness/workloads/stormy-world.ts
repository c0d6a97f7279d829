import { createHash, generateKeyPairSync } from "node:crypto";
import { namespaces, nodes, pods, serviceAccounts } from "../../../src/api/generated/resources.ts";
import type { Node, Pod } from "../../../src/api/generated/types/core-v1.ts";
import { rfc3339 } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { noMetrics } from "../../../src/base/metrics.ts";
import { seededRandom, type Random } from "../../../src/base/random.ts";
import { VirtualClock } from "../../../src/base/virtual-clock.ts";
import type { Client } from "../../../src/client/client.ts";
import { createEventRecorder } from "../../../src/client/event-recorder-writer.ts";
import { createInformerFactory } from "../../../src/client/informer-factory.ts";
import { inProcessClient } from "../../../src/client/in-process-client.ts";
import { serveApi } from "../../../src/cluster/serve-api.ts";
import { versionInfo } from "../../../src/cluster/version.ts";
import { allControllers } from "../../../src/controllers/all-controllers.ts";
import { parseCidr } from "../../../src/meta/ip.ts";
import { hasReason } from "../../../src/meta/status-error.ts";
import type { Handle } from "../../../src/meta/wire.ts";
import { nodeSigner } from "../../../src/platform/node/signer.ts";
import { runControllers } from "../../../src/reconcile/run-controllers.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { MemoryStore } from "../../../src/store/memory/memory-store.ts";
import { type FaultRates, faultyHandle, noFaults } from "./faulty-handle.ts";

const admin = { name: "admin", groups: ["system:masters", "system:authenticated"] };
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256", privateKeyEncoding: { type: "pkcs8", format: "pem" }, publicKeyEncoding: { type: "spki", format: "pem" } });

/** Controllers and a scheduler that a bad network keeps from the server, and that are killed and started again; honest nodes. */
export interface StormyWorld {
  readonly client: Client;
  readonly clock: VirtualClock;
  /** How bad it is; may be changed any time. */
  readonly rates: FaultRates;
  /** How often the controllers were killed. */
  readonly crashes: number;
  /** Names of nodes that run pods and report. */
  readonly live: Set<string>;
  addNode(name: string, cpu: string): Promise<void>;
  /** Time passes; kubelets do their work every ten seconds of it. */
  pass(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

export async function stormyWorld(seed: number): Promise<StormyWorld> {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const random = seededRandom(seed);
  const store = new MemoryStore();
  const serving = new AbortController();
  const serviceCidr = parseCidr("10.96.0.0/16");
  if (serviceCidr === undefined) throw new Error("a range");
  const api = serveApi(
    { serviceCidr, nodePorts: { first: 30_000, last: 32_767 }, clusterCa: "", issuer: "https://x", version: versionInfo, metricsText: () => Promise.resolve("") },
    { store, signer: nodeSigner(privateKey), clock, random: seededRandom(seed + 1), log: silentLogger, metrics: noMetrics },
  );
  await api.load();
  const server = api.run(serving.signal);
  const client = inProcessClient(api.handle, admin);
  for (const name of ["default", "kube-system", "kube-node-lease"]) await client.create(namespaces, { metadata: { name } });
  await client.create(serviceAccounts, { metadata: { name: "default" } }, { namespace: "default" });

  const rates: FaultRates = { ...noFaults };
  let crashes = 0;
  let process = startProcess();
  /** One life of controllers and scheduler. */
  function startProcess(): { readonly end: AbortController; readonly ended: Promise<unknown> } {
    const end = new AbortController();
    const crash = (): void => {
      if (end.signal.aborted) return;
      crashes += 1;
      end.abort(new Error("crashed"));
      process = startProcess();
    };
    const handle = faultyHandle(api.handle, rates, random, { isOver: () => end.signal.aborted, crash });
    return { end, ended: runProcess(handle, clock, seededRandom(seed + 100 + crashes), end.signal) };
  }

  const live = new Set<string>();
  return {
    client,
    clock,
    rates,
    live,
    get crashes() {
      return crashes;
    },
    async addNode(name, cpu) {
      live.add(name);
      const allocatable = { cpu, memory: "8Gi", pods: "20" };
      await client.create(nodes, { metadata: { name, labels: { "kubernetes.io/hostname": name } }, status: { capacity: allocatable, allocatable } } as Parameters<
        typeof client.create<Node>
      >[1]);
      await beat(client, clock, name);
    },
    async pass(seconds) {
      for (let left = seconds; left > 0; left -= 10) {
        await clock.advance(Math.min(10, left) * 1000);
        await kubelets(client, clock, live, random);
      }
      await clock.settle();
    },
    async stop() {
      process.end.abort(new Error("over"));
      await clock.settle();
      serving.abort();
      await server;
      await store.close();
    },
  };
}

function runProcess(handle: Handle, clock: VirtualClock, random: Random, signal: AbortSignal): Promise<unknown> {
  const log = silentLogger;
  const client = inProcessClient(handle, admin);
  const informers = createInformerFactory({}, { client, clock, random, log });
  const recorder = createEventRecorder({ client, clock, random, component: "controllermanager", log });
  const deps = { client, informers, recorder, clock, random, log, metrics: noMetrics };
  const controllers = allControllers(deps, { rootCa: "PEM", sha256: (text) => createHash("sha256").update(text).digest("hex") });
  const scheduler = new Scheduler({}, deps);
  return Promise.allSettled([informers.run(signal), runControllers(controllers, { informers, clock, log, metrics: noMetrics }, signal), scheduler.run(signal)]);
}

/** What the nodes' agents do: report, run what is theirs, end what has to end. */
async function kubelets(client: Client, clock: VirtualClock, live: ReadonlySet<string>, random: Random): Promise<void> {
  for (const name of live) await beat(client, clock, name);
  for (const pod of (await client.list(pods)).items) {
    if (!live.has(pod.spec.nodeName ?? "")) continue;
    await step(client, clock, pod, random).catch((error: unknown) => {
      if (!hasReason(error, "NotFound") && !hasReason(error, "Conflict")) throw error;
    });
  }
}

async function step(client: Client, clock: VirtualClock, pod: Pod, random: Random): Promise<void> {
  const { name = "", namespace, uid, deletionTimestamp } = pod.metadata;
  const phase = pod.status?.phase ?? "Pending";
  if (deletionTimestamp !== undefined) {
    await client.delete(pods, name, { namespace, gracePeriodSeconds: 0, preconditions: uid === undefined ? {} : { uid } });
    return;
  }
  if (phase === "Succeeded" || phase === "Failed") return;
  const image = pod.spec.containers[0]?.image ?? "";
  const now = rfc3339(clock.now());
  // A pod runs before it ends.
  const ends = phase === "Running" && image !== "serve" && random.next() < 0.5;
  const failed = ends && (image === "fail" || (image === "flaky" && random.next() < 0.3));
  const next = ends ? (failed ? "Failed" : "Succeeded") : "Running";
  if (next === phase) return;
  const state = ends ? { terminated: { exitCode: failed ? 1 : 0, finishedAt: now, reason: failed ? "Error" : "Completed" } } : { running: { startedAt: now } };
  const conditions = [{ type: "Ready", status: ends ? "False" : "True", lastTransitionTime: now }];
  const containerStatuses = [{ name: "main", image, imageID: "i", ready: !ends, restartCount: 0, state }];
  const ip = `10.42.0.${(Number.parseInt(uid?.slice(0, 6) ?? "0", 16) % 250) + 1}`;
  await client.update(
    pods,
    { ...pod, status: { ...pod.status, phase: next, conditions, containerStatuses, podIP: ip, podIPs: [{ ip }], startTime: pod.status?.startTime ?? now } },
    { namespace, subresource: "status" },
  );
}

/** A node's report. A node that was deleted by somebody is no longer there to report. */
async function beat(client: Client, clock: VirtualClock, name: string): Promise<void> {
  const now = rfc3339(clock.now());
  const value = { status: { conditions: [{ type: "Ready", status: "True", reason: "KubeletReady", lastHeartbeatTime: now }] } };
  await client.patch(nodes, name, { type: "strategic", value }, { subresource: "status" }).catch((error: unknown) => {
    if (!hasReason(error, "NotFound")) throw error;
  });
}
