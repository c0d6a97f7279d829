import { seededRandom } from "../../src/base/random.ts";
import { silentLogger } from "../../src/base/log.ts";
import { noMetrics } from "../../src/base/metrics.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { events, namespaces, pods, serviceAccounts, configMaps } from "../../src/api/generated/resources.ts";
import type { Event, Pod, PodSpec } from "../../src/api/generated/types/core-v1.ts";
import type { Client } from "../../src/client/client.ts";
import { createEventRecorder } from "../../src/client/event-recorder-writer.ts";
import { createInformerFactory } from "../../src/client/informer-factory.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { serveApi, type ServeOptions } from "../../src/cluster/serve-api.ts";
import { type SimulatedRuntime, type SimulatedRuntimeOptions, simulatedRuntime } from "../../src/cri/simulated/simulated-runtime.ts";
import { Kubelet, type KubeletDeps, type KubeletOptions } from "../../src/kubelet/kubelet.ts";
import { parseCidr } from "../../src/meta/ip.ts";
import type { ObjectMeta } from "../../src/meta/generated/meta-v1.ts";
import { hasReason } from "../../src/meta/status-error.ts";
import { MemoryFiles } from "../../src/platform/sim/memory-files.ts";
import { MemoryMounts } from "../../src/platform/sim/memory-mounts.ts";
import { simulatedMachine } from "../../src/platform/sim/simulated-machine.ts";
import { simulatedGrpcHealth, simulatedNetwork } from "../../src/platform/sim/simulated-network.ts";
import type { Signer } from "../../src/platform/signer.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";

/** Signs with nothing: tokens here open no doors. */
const paperSigner: Signer = { algorithm: "ES256", keyId: "paper", jwk: {}, sign: (text) => btoa(`${text.length}`), verify: () => true };

/** One node on paper under the real API server, with a clock that moves only when told. */
export class KubeletWorld {
  readonly clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  readonly random = seededRandom(7);
  readonly files: MemoryFiles;
  readonly mounts: MemoryMounts;
  readonly machine = simulatedMachine({ hostname: "node-1" });
  readonly simulated: SimulatedRuntime;
  client!: Client;
  kubelet!: Kubelet;
  readonly #stop = new AbortController();
  #kubeletStop = new AbortController();
  #running: Promise<unknown>[] = [];
  #kubeletRun: Promise<void> = Promise.resolve();
  #recorder: KubeletDeps["recorder"] | undefined;

  private constructor(runtime: SimulatedRuntimeOptions) {
    this.files = new MemoryFiles({}, { clock: this.clock });
    this.mounts = new MemoryMounts({ files: this.files });
    this.simulated = simulatedRuntime({ podCidrs: ["10.244.1.0/24"], ...runtime }, { clock: this.clock, random: this.random });
  }

  static async start(
    options: {
      readonly runtime?: SimulatedRuntimeOptions;
      readonly kubelet?: Partial<KubeletOptions>;
      readonly deps?: Partial<KubeletDeps>;
      readonly isServed?: ServeOptions["isServed"];
    } = {},
  ): Promise<KubeletWorld> {
    const world = new KubeletWorld(options.runtime ?? {});
    await world.#serve(options.isServed);
    await world.startKubelet(options);
    return world;
  }

  async #serve(isServed: ServeOptions["isServed"]): Promise<void> {
    const { clock, random } = this;
    const serviceCidr = parseCidr("10.96.0.0/12");
    if (serviceCidr === undefined) throw new Error("no range");
    const store = new MemoryStore({});
    const api = serveApi(
      {
        serviceCidr,
        nodePorts: { first: 30_000, last: 32_767 },
        clusterCa: "",
        issuer: "https://test",
        version: { major: "1", minor: "36", gitVersion: "v1.36.0" } as never,
        metricsText: async () => "",
        isServed,
      },
      { store, signer: paperSigner, clock, random, log: silentLogger, metrics: noMetrics },
    );
    await api.load();
    this.#running.push(api.run(this.#stop.signal));
    this.client = inProcessClient(api.handle, { name: "system:admin", groups: ["system:masters", "system:authenticated"] });
    for (const name of ["default", "kube-system", "kube-node-lease"]) await this.client.create(namespaces, { metadata: { name } });
    await this.client.create(serviceAccounts, { metadata: { name: "default", namespace: "default" } }, { namespace: "default" });
    await this.client.create(configMaps, { metadata: { name: "kube-root-ca.crt", namespace: "default" }, data: { "ca.crt": "paper" } }, { namespace: "default" });
  }

  async startKubelet(options: { readonly kubelet?: Partial<KubeletOptions>; readonly deps?: Partial<KubeletDeps> } = {}): Promise<void> {
    const { clock, random, client, files, mounts, machine } = this;
    this.#kubeletStop = new AbortController();
    const informers = createInformerFactory({}, { client, clock, random, log: silentLogger });
    const log =
      process.env["KUBELET_LOG"] === undefined
        ? silentLogger
        : { ...silentLogger, warn: (message: string, fields?: unknown) => console.log(message, fields), with: () => silentLogger };
    this.#recorder ??= createEventRecorder({ client, clock, random, component: "kubelet", host: "node-1", log: silentLogger });
    this.kubelet = new Kubelet(
      { nodeName: "node-1", nodeIP: "192.168.0.5", dataDir: "/var/lib/kubelet", version: "v1.36.0", clusterDns: ["10.96.0.10"], ...options.kubelet },
      {
        client,
        informers,
        recorder: this.#recorder,
        runtime: this.simulated.runtime,
        images: this.simulated.images,
        files,
        mounts,
        network: simulatedNetwork,
        grpcHealth: simulatedGrpcHealth,
        machine,
        clock,
        random,
        log,
        metrics: noMetrics,
        ...options.deps,
      },
    );
    const { signal } = this.#kubeletStop;
    this.#running.push(informers.run(signal));
    this.#kubeletRun = this.kubelet.run(signal);
    await this.clock.settle();
  }

  /** As when the process ends; nothing in the runtime is touched. */
  async stopKubelet(): Promise<void> {
    this.#kubeletStop.abort(new Error("stopped"));
    await this.clock.settle();
    await this.#kubeletRun;
  }

  async stop(): Promise<void> {
    await this.stopKubelet();
    this.#stop.abort(new Error("stopped"));
    this.simulated.close();
    await this.clock.settle();
    await Promise.allSettled(this.#running);
  }

  /** A pod already bound to the node. */
  async createPod(name: string, spec: Partial<PodSpec>, metadata: ObjectMeta = {}): Promise<Pod> {
    const made = await this.client.create(
      pods,
      { metadata: { name, namespace: "default", ...metadata }, spec: { nodeName: "node-1", containers: [{ name: "main", image: "busybox:1.36" }], ...spec } },
      { namespace: "default" },
    );
    await this.clock.settle();
    return made;
  }

  /** Undefined when there is none. */
  async pod(name: string): Promise<Pod | undefined> {
    try {
      return await this.client.get(pods, name, { namespace: "default" });
    } catch (error) {
      if (hasReason(error, "NotFound")) return undefined;
      throw error;
    }
  }

  async existingPod(name: string): Promise<Pod> {
    const pod = await this.pod(name);
    if (pod === undefined) throw new Error(`no pod ${name}`);
    return pod;
  }

  async deletePod(name: string, gracePeriodSeconds?: number): Promise<void> {
    await this.client.delete(pods, name, { namespace: "default", ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }) });
    await this.clock.settle();
  }

  /** `Normal Started Container started`, in order of their first time. */
  async eventTexts(about: string): Promise<readonly string[]> {
    await this.clock.settle();
    const { items } = await this.client.list(events, { namespace: "default" });
    const order = (event: Event): string => event.metadata.name ?? "";
    return [...items]
      .filter((event) => event.involvedObject.name === about)
      .sort((a, b) => (order(a) < order(b) ? -1 : 1))
      .map(({ type, reason, message }) => `${type} ${reason} ${message}`);
  }
}
