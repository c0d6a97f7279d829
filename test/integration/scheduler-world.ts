import { generateKeyPairSync } from "node:crypto";
import { events, namespaces, nodes, pods, priorityClasses, serviceAccounts } from "../../src/api/generated/resources.ts";
import type { PriorityClass } from "../../src/api/generated/types/scheduling-v1.ts";
import type { Event, Node, NodeSpec, Pod, PodSpec } from "../../src/api/generated/types/core-v1.ts";
import type { Logger } from "../../src/base/log.ts";
import { type Metrics, noMetrics } from "../../src/base/metrics.ts";
import { seededRandom } from "../../src/base/random.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { Client } from "../../src/client/client.ts";
import { createEventRecorder } from "../../src/client/event-recorder-writer.ts";
import { createInformerFactory } from "../../src/client/informer-factory.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { serveApi } from "../../src/cluster/serve-api.ts";
import { versionInfo } from "../../src/cluster/version.ts";
import { parseCidr } from "../../src/meta/ip.ts";
import type { ExtenderClient } from "../../src/platform/extender-client.ts";
import { nodeSigner } from "../../src/platform/node/signer.ts";
import type { Controller, ControllerDeps } from "../../src/reconcile/controller.ts";
import { runControllers } from "../../src/reconcile/run-controllers.ts";
import { Scheduler, type SchedulerOptions } from "../../src/scheduler/scheduler.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";

const admin = { name: "admin", groups: ["system:masters", "system:authenticated"] };
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256", privateKeyEncoding: { type: "pkcs8", format: "pem" }, publicKeyEncoding: { type: "spki", format: "pem" } });
const place = { namespace: "default" };

export interface NodeWishes {
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: NodeSpec;
  /** Default: 4 cpu, 8Gi, 110 pods. */
  readonly allocatable?: Readonly<Record<string, string>>;
}

export interface SchedulerWorld {
  readonly clock: VirtualClock;
  readonly client: Client;
  readonly scheduler: Scheduler;
  /** What the scheduler complained of. */
  readonly complaints: string[];
  addNode(name: string, wishes?: NodeWishes): Promise<Node>;
  /** A pod of one container in the namespace `default`; `cpu` is what it asks for. */
  addPod(name: string, wishes?: { readonly cpu?: string; readonly labels?: Readonly<Record<string, string>>; readonly spec?: Partial<PodSpec> }): Promise<Pod>;
  pod(name: string): Promise<Pod>;
  /** The nodes of the pods, by pod; those without are left out. */
  bound(): Promise<Record<string, string>>;
  /** `Warning FailedScheduling …` about the pod, oldest first. */
  eventsOf(name: string): Promise<string[]>;
  events(): Promise<readonly Event[]>;
  settle(): Promise<void>;
  advance(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

/** The real server on the memory store, the scheduler and a virtual clock; nobody runs the pods. */
export async function schedulerWorld(
  options: SchedulerOptions & {
    readonly around?: (client: Client) => Client;
    readonly extenderClient?: ExtenderClient;
    /** The scheduler's. */
    readonly metrics?: Metrics;
    readonly controllers?: (deps: ControllerDeps) => readonly Controller[];
  } = {},
): Promise<SchedulerWorld> {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const random = seededRandom(5);
  const complaints: string[] = [];
  const log = collect(complaints);
  const store = new MemoryStore();
  const stop = new AbortController();
  const { signal } = stop;
  const serviceCidr = parseCidr("10.96.0.0/16");
  if (serviceCidr === undefined) throw new Error("a range");
  const api = serveApi(
    {
      serviceCidr,
      nodePorts: { first: 30_000, last: 32_767 },
      clusterCa: "",
      issuer: "https://x",
      version: versionInfo,
      podExplainer: () => (key) => scheduler.explain(key),
      metricsText: () => Promise.resolve(""),
    },
    { store, signer: nodeSigner(privateKey), clock, random, log, metrics: noMetrics },
  );
  await api.load();
  const serving = api.run(signal);
  const client = inProcessClient(api.handle, admin);
  await client.create(namespaces, { metadata: { name: "default" } });
  await client.create(serviceAccounts, { metadata: { name: "default" } }, place);
  for (const [name, value] of Object.entries({ high: 1000, higher: 2000 }))
    await client.create(priorityClasses, { metadata: { name }, value } as Parameters<typeof client.create<PriorityClass>>[1]);
  const informers = createInformerFactory({}, { client, clock, random, log });
  const recorder = createEventRecorder({ client, clock, random, component: "default-scheduler", log });
  const { around = (inner) => inner, extenderClient, metrics = noMetrics, controllers: chosen, ...schedulerOptions } = options;
  const controllers = chosen?.({ client, informers, recorder, clock, random, log, metrics: noMetrics }) ?? [];
  const extending = extenderClient === undefined ? {} : { extenderClient };
  const scheduler = new Scheduler(schedulerOptions, { client: around(client), informers, recorder, clock, random, log, metrics, ...extending });
  const running = [serving, informers.run(signal), scheduler.run(signal), runControllers(controllers, { informers, clock, log, metrics: noMetrics }, signal)];
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 2; round += 1) await clock.settle();
  };
  await settle();
  return {
    clock,
    client,
    scheduler,
    complaints,
    async addNode(name, { labels = {}, spec = {}, allocatable = { cpu: "4", memory: "8Gi", pods: "110" } } = {}) {
      const made = await client.create(nodes, {
        metadata: { name, labels: { "kubernetes.io/hostname": name, ...labels } },
        spec,
        status: { capacity: allocatable, allocatable },
      });
      // As the node lifecycle controller does with a node that is ready.
      return client.update(nodes, { ...made, spec: { ...made.spec, taints: spec.taints ?? [] } });
    },
    addPod: (name, { cpu, labels = {}, spec = {} } = {}) =>
      client.create(
        pods,
        {
          metadata: { name, labels, ...place },
          spec: { containers: [{ name: "main", image: "web:1", ...(cpu === undefined ? {} : { resources: { requests: { cpu } } }) }], ...spec },
        },
        place,
      ),
    pod: (name) => client.get(pods, name, place),
    async bound() {
      const { items } = await client.list(pods, place);
      return Object.fromEntries(items.flatMap(({ metadata, spec }) => ((spec.nodeName ?? "") === "" ? [] : [[metadata.name ?? "", spec.nodeName ?? ""]])));
    },
    async eventsOf(name) {
      const { items } = await client.list(events, place);
      return items.filter(({ involvedObject }) => involvedObject.name === name).map(({ type, reason, message }) => `${type ?? ""} ${reason ?? ""} ${message ?? ""}`);
    },
    events: async () => (await client.list(events, place)).items,
    settle,
    async advance(seconds) {
      await clock.advance(seconds * 1000);
      await settle();
    },
    async stop() {
      stop.abort();
      await clock.settle();
      await Promise.allSettled(running);
      await store.close();
    },
  };
}

function collect(lines: string[]): Logger {
  const note = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
    lines.push(`${message} ${JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? value.message : value))}`);
  };
  const log: Logger = { debug() {}, info() {}, warn: note, error: note, with: () => log };
  return log;
}
