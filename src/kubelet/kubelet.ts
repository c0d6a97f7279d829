import type { Node, Pod, Service } from "../api/generated/types/core-v1.ts";
import { configMaps, nodes, pods, secrets, services } from "../api/generated/resources.ts";
import { childAbort } from "../base/abort.ts";
import { sleep } from "../base/clock.ts";
import type { Informer } from "../client/informer.ts";
import type { Image, VersionResponse } from "../cri/generated/cri-v1.ts";
import type { RuntimeService } from "../cri/runtime.ts";
import type { MachineInfo } from "../platform/machine.ts";
import { PodCgroups } from "./cgroups/pod-cgroups.ts";
import { Eviction } from "./eviction/eviction.ts";
import { Collector } from "./garbage/collector.ts";
import { ImageCollector } from "./images/image-collector.ts";
import { ImagePuller } from "./images/image-puller.ts";
import type { KubeletDeps } from "./kubelet-deps.ts";
import { kubeletMetrics } from "./kubelet-metrics.ts";
import { containerLogs, type ContainerLogRequest } from "./logs/container-logs.ts";
import { LogRotation } from "./logs/log-rotation.ts";
import { NodeLease } from "./node/node-lease.ts";
import { NodeReporter } from "./node/node-reporter.ts";
import { nodeResources, type NodeResources } from "./node/node-resources.ts";
import { referencedObjects } from "./objects/referenced-objects.ts";
import { WatchedObjects } from "./objects/watched-objects.ts";
import { PodPaths } from "./pod-paths.ts";
import { uidOf } from "./pods/pod-containers.ts";
import { PodSet } from "./pods/pod-set.ts";
import { ProbeResults } from "./probes/probe-result.ts";
import { errorText } from "./rpc-error-text.ts";
import { BackOff } from "./runtime/back-off.ts";
import { killPod } from "./runtime/kill-pod.ts";
import type { PodFieldContext } from "./runtime/pod-field.ts";
import { RelistLoop } from "./runtime/relist-loop.ts";
import { RuntimeCache } from "./runtime/runtime-cache.ts";
import { sandboxImages } from "./images/sandbox-images.ts";
import { RuntimeHealth } from "./runtime/runtime-health.ts";
import { currentContainer, readySandbox, type RuntimePod } from "./runtime/runtime-pod.ts";
import { terminationMessage } from "./runtime/termination-message.ts";
import { settingsOf, type KubeletOptions, type KubeletSettings } from "./settings.ts";
import { CpuRates } from "./stats/cpu-rates.ts";
import { statsSummary, type StatsSummary } from "./stats/stats-summary.ts";
import { StatusWriter } from "./status/status-writer.ts";
import { PodVolumes } from "./volumes/pod-volumes.ts";
import { ServiceAccountTokens } from "./volumes/service-account-tokens.ts";

export type { KubeletDeps } from "./kubelet-deps.ts";
export type { KubeletOptions } from "./settings.ts";

const runtimeWaitMs = 500;
const imageListMs = 30_000;
const containerGcMs = 60_000;
const housekeepingMs = 2000;

/** What only a running kubelet has. */
interface Parts {
  readonly machine: MachineInfo;
  readonly version: VersionResponse;
  readonly cache: RuntimeCache;
  readonly pods: PodSet;
}

/**
 * The node agent: registers its node, runs the pods bound to it and says how they are. Knows containers by the labels
 * they were made with, so that it may end and begin again at any time without touching them.
 */
export class Kubelet {
  readonly #settings: KubeletSettings;
  readonly #deps: KubeletDeps;
  readonly #paths: PodPaths;
  readonly #podInformer: Informer<Pod>;
  readonly #nodeInformer: Informer<Node>;
  readonly #serviceInformer: Informer<Service>;
  readonly #rates = new CpuRates({ shortestMs: 5000 });
  #parts: Parts | undefined;
  #images: readonly Image[] = [];
  #resources: NodeResources = { capacity: {}, allocatable: {} };

  constructor(options: KubeletOptions, deps: KubeletDeps) {
    this.#settings = settingsOf(options);
    this.#deps = deps;
    this.#paths = new PodPaths(this.#settings.dataDir);
    this.#podInformer = deps.informers.informer(pods, { fieldSelector: `spec.nodeName=${options.nodeName}` });
    this.#nodeInformer = deps.informers.informer(nodes, { fieldSelector: `metadata.name=${options.nodeName}` });
    this.#serviceInformer = deps.informers.informer(services);
  }

  get nodeName(): string {
    return this.#settings.nodeName;
  }
  get runtime(): RuntimeService {
    return this.#deps.runtime;
  }

  /** The pods bound to this node. */
  pods(): readonly Pod[] {
    return this.#parts?.pods.pods() ?? [];
  }

  podByName(namespace: string, name: string): Pod | undefined {
    return this.#parts?.pods.byKey(`${namespace}/${name}`)?.pod;
  }

  /** The runtime's id of a container's newest instance, whatever its state. */
  containerId(namespace: string, pod: string, container: string): string | undefined {
    const runtimePod = this.#runtimePod(namespace, pod);
    return runtimePod === undefined ? undefined : currentContainer(runtimePod, container)?.id;
  }

  /** The runtime's id of the pod's sandbox, for port-forward. */
  sandboxId(namespace: string, pod: string): string | undefined {
    const runtimePod = this.#runtimePod(namespace, pod);
    return runtimePod === undefined ? undefined : readySandbox(runtimePod)?.id;
  }

  /** A container's output. Throws StatusError: 404 without such a pod, 400 when the container has no such output. */
  containerLogs(request: ContainerLogRequest): AsyncIterable<Uint8Array> {
    return containerLogs(request, {
      files: this.#deps.files,
      clock: this.#deps.clock,
      pod: this.podByName(request.namespace, request.pod),
      runtimePod: () => this.#runtimePod(request.namespace, request.pod),
    });
  }

  /** What `/stats/summary` answers. */
  async statsSummary(): Promise<StatsSummary> {
    const parts = this.#parts;
    const stats = parts === undefined ? [] : this.#rates.withRates(await this.#deps.runtime.listContainerStats());
    const [usage, space, imageFs] = await Promise.all([
      this.#deps.machine.usage(),
      this.#deps.files.space(this.#settings.dataDir),
      this.#deps.images.imageFsInfo().catch(() => []),
    ]);
    const nowMs = this.#deps.clock.now();
    return statsSummary({
      nodeName: this.#settings.nodeName,
      nowMs,
      pods: parts?.pods.pods() ?? [],
      stats,
      usage,
      nodeNanoCores: this.#rates.rate("", { atMs: nowMs, nanoseconds: usage.cpuNanoseconds }),
      space,
      imageFs,
      machine: parts?.machine,
      runtimePod: (uid) => parts?.cache.get(uid),
    });
  }

  #runtimePod(namespace: string, pod: string): RuntimePod | undefined {
    const worker = this.#parts?.pods.byKey(`${namespace}/${pod}`);
    return worker === undefined ? undefined : this.#parts?.cache.get(worker.uid);
  }

  /** Until the signal aborts; pods are left running. */
  async run(parent: AbortSignal): Promise<void> {
    const scope = childAbort(parent);
    try {
      await this.#run(scope.signal, () => scope.abort());
    } catch (error) {
      if (!parent.aborted) throw error;
    } finally {
      scope.abort();
      scope.dispose();
      this.#parts = undefined;
    }
  }

  async #run(signal: AbortSignal, stop: () => void): Promise<void> {
    const { clock, log, files, machine, runtime, recorder, client } = this.#deps;
    const settings = this.#settings;
    const info = await machine.info();
    for (const folder of [settings.dataDir, this.#paths.pods, this.#paths.logs]) await files.mkdir(folder, { mode: 0o750 });
    const version = await this.#awaitRuntime(signal);
    const startedMs = clock.now();
    await this.#measure(info);

    const cache = new RuntimeCache({ runtime, terminationMessage: (container) => terminationMessage(files, container) });
    const cgroups = new PodCgroups({ root: settings.cgroupRoot, pods: settings.podsCgroup, version: info.cgroupVersion, cpus: info.cpus }, { files, log });
    const readers = { client, clock, log, changed: (uids: readonly string[]) => podSet.wake(uids) };
    const configMapReader = new WatchedObjects({ resource: configMaps, signal }, readers);
    const secretReader = new WatchedObjects({ resource: secrets, signal }, readers);
    const tokens = new ServiceAccountTokens({ client, clock });
    const hostIPs = (): readonly string[] => [settings.nodeIP, ...settings.moreNodeIPs];
    const fields = (pod: Pod, podIPs?: readonly string[]): PodFieldContext => {
      const sandbox = cache.get(uidOf(pod));
      const known = podIPs ?? (sandbox === undefined ? undefined : readySandbox(sandbox)?.ips) ?? [];
      return { nodeName: settings.nodeName, hostIPs: hostIPs(), podIPs: known };
    };
    const allocatable = (): Readonly<Record<string, string>> => ({ ...this.#node()?.status?.allocatable, ...this.#resources.allocatable });
    const podVolumes = new PodVolumes(
      { podsDir: this.#paths.pods, types: this.#deps.volumeTypes ?? [] },
      {
        files,
        mounts: this.#deps.mounts,
        client,
        clock,
        configMap: (key) => configMapReader.get(key),
        secret: (key) => secretReader.get(key),
        fields,
        allocatable,
        token: (pod, request) => tokens.get(pod, request),
      },
    );
    const writer = new StatusWriter({ signal }, { client, clock, log, current: (key) => this.#podInformer.lister.get(key) });
    const results = new ProbeResults();
    const health = new RuntimeHealth({ runtime, clock, changed: () => reporter.nudge() });
    const puller = new ImagePuller({ images: this.#deps.images, recorder, clock });
    const metrics = kubeletMetrics(this.#deps.metrics);
    const eviction = new Eviction(settings, {
      machine,
      files,
      images: this.#deps.images,
      clock,
      log,
      metrics,
      dataDir: settings.dataDir,
      pods: () => podSet.workers(),
      stats: () => runtime.listContainerStats(),
      reclaimImages: () => imageCollector.deleteUnused(),
      recorder,
      changed: () => reporter.nudge(),
    });
    const podSet: PodSet = new PodSet(
      { signal },
      {
        ...this.#deps,
        settings,
        paths: this.#paths,
        cache,
        cgroups,
        puller,
        podVolumes,
        writer,
        results,
        restartBackOff: new BackOff({ initialMs: 10_000, maxMs: 300_000 }),
        runtimeName: version.runtimeName ?? "containerd",
        machine: info,
        operatingSystem: info.operatingSystem,
        hostIPs,
        fields,
        allocatable,
        services: () => this.#serviceInformer.lister.list(),
        configMap: (key) => configMapReader.get(key),
        secret: (key) => secretReader.get(key),
        networkProblem: () => health.networkProblem,
        started: (afterMs) => {
          metrics.startedPods.inc();
          metrics.podStartSeconds.observe(afterMs / 1000);
        },
        watchReferences: (pod) => {
          const { configMaps: maps, secrets: hidden } = referencedObjects(pod);
          configMapReader.use(uidOf(pod), maps);
          secretReader.use(uidOf(pod), hidden);
          relister.enliven();
        },
        node: () => this.#node(),
        pressure: (pod) => eviction.refuses(pod),
        gone: (pod) => {
          const uid = uidOf(pod);
          tokens.forget(uid);
          configMapReader.use(uid, new Set());
          secretReader.use(uid, new Set());
          collector.forget(pod).catch(() => {});
        },
        probeDeps: {
          runtime,
          network: this.#deps.network,
          grpcHealth: this.#deps.grpcHealth,
          clock,
          random: this.#deps.random,
          recorder,
          results,
          hostIP: () => settings.nodeIP,
          startedMs,
        },
      },
    );
    const collector = new Collector(
      { keepDead: settings.maxDeadPerContainer },
      {
        runtime,
        cache,
        files,
        paths: this.#paths,
        podVolumes,
        cgroups,
        clock,
        log,
        isKnown: (uid) => podSet.has(uid),
        endOrphan: (pod) => killPod({ pod: undefined, runtimePod: pod, graceSeconds: 1, signal }, { runtime, network: this.#deps.network, recorder, clock }),
      },
    );
    const imageCollector = new ImageCollector(settings, {
      images: this.#deps.images,
      files,
      clock,
      log,
      recorder,
      nodeName: settings.nodeName,
      used: async () => [...cache.pods().flatMap((pod) => pod.containers.flatMap(({ imageId, image }) => [imageId, image])), ...(await sandboxImages(runtime))],
    });
    const relister = new RelistLoop({ intervalMs: settings.relistMs }, { cache, clock, log, changed: (uids) => podSet.notice(uids) });
    const reporter = new NodeReporter(settings, {
      ...this.#deps,
      machine: info,
      runtimeVersion: version,
      handlers: undefined,
      current: () => this.#nodeInformer.lister.get(settings.nodeName),
      resources: () => this.#resources,
      images: () => this.#images,
      health: () => ({ runtimeProblem: health.runtimeProblem ?? relister.problem, networkProblem: health.networkProblem, ...eviction.pressures }),
    });
    const lease = new NodeLease({ nodeName: settings.nodeName }, { client, clock, log, node: () => this.#node() });
    const rotation = new LogRotation({ maxBytes: settings.containerLogMaxBytes, maxFiles: settings.containerLogMaxFiles }, { runtime, files, cache, clock, log });
    this.#parts = { machine: info, version, cache, pods: podSet };

    let unsubscribe: readonly (() => void)[] = [];
    const loops = [
      health.run(signal),
      reporter.run(signal),
      lease.run(signal),
      (async () => {
        unsubscribe = await this.#follow({ podSet, relister, signal });
        await Promise.all([
          relister.run(signal),
          eviction.run(signal),
          rotation.run(signal),
          this.#every(containerGcMs, () => collector.collect(), signal),
          this.#housekeeping(collector, { cache, podSet, metrics, signal }),
        ]);
      })(),
      this.#every(imageListMs, () => this.#listImages(), signal),
      this.#every(settings.nodeStatusReportMs, () => imageCollector.collect(), signal),
    ];
    try {
      await Promise.all(loops);
    } finally {
      stop();
      for (const end of unsubscribe) end();
      await Promise.allSettled(loops);
      await podSet.drained();
      await Promise.allSettled([writer.drained(), configMapReader.drained(), secretReader.drained()]);
    }
  }

  #node(): Node | undefined {
    return this.#nodeInformer.lister.get(this.#settings.nodeName);
  }

  async #awaitRuntime(signal: AbortSignal): Promise<VersionResponse> {
    for (;;) {
      signal.throwIfAborted();
      try {
        return await this.#deps.runtime.version();
      } catch (error) {
        this.#deps.log.warn("the container runtime does not answer yet", { error: errorText(error) });
        await sleep(this.#deps.clock, runtimeWaitMs, signal);
      }
    }
  }

  async #measure(info: MachineInfo): Promise<void> {
    const { totalBytes } = await this.#deps.files.space(this.#settings.dataDir);
    this.#resources = nodeResources(this.#settings, info, totalBytes);
  }

  /** Takes in what the runtime has before the first pod, so that what runs is adopted and not made again. */
  async #follow({ podSet, relister, signal }: { readonly podSet: PodSet; readonly relister: RelistLoop; readonly signal: AbortSignal }): Promise<readonly (() => void)[]> {
    await Promise.all([this.#podInformer.waitForSync(signal), this.#nodeInformer.waitForSync(signal), this.#serviceInformer.waitForSync(signal)]);
    await relister.relist();
    const mine = (pod: Pod): boolean => pod.spec.nodeName === this.#settings.nodeName;
    podSet.addAll(this.#podInformer.lister.list().filter(mine));
    let podCidr: string | undefined;
    const cidr = (node: Node): void => {
      const next = node.spec.podCIDR;
      if (next === undefined || next === podCidr) return;
      podCidr = next;
      this.#deps.runtime.updateRuntimeConfig({ networkConfig: { podCidr: (node.spec.podCIDRs ?? [next]).join(",") } }).catch((error: unknown) => {
        podCidr = undefined;
        this.#deps.log.warn("the runtime is not told the pods' addresses yet", { error: errorText(error) });
      });
    };
    return [
      this.#podInformer.subscribe({
        added: (pod) => {
          if (!podSet.has(uidOf(pod)) && mine(pod)) podSet.add(pod);
        },
        updated: (previous, pod) => {
          if (uidOf(previous) !== uidOf(pod)) podSet.remove(previous);
          if (mine(pod)) podSet.add(pod);
        },
        deleted: (pod) => podSet.remove(pod),
      }),
      this.#nodeInformer.subscribe({ added: cidr, updated: (_, node) => cidr(node) }),
    ];
  }

  async #housekeeping(
    collector: Collector,
    {
      cache,
      podSet,
      metrics,
      signal,
    }: { readonly cache: RuntimeCache; readonly podSet: PodSet; readonly metrics: ReturnType<typeof kubeletMetrics>; readonly signal: AbortSignal },
  ): Promise<void> {
    await collector.collect();
    await this.#every(
      housekeepingMs,
      async () => {
        let containers = 0;
        let running = 0;
        for (const pod of cache.pods()) {
          if (pod.sandboxes.some(({ ready }) => ready)) running += 1;
          containers += pod.containers.filter(({ state }) => state === "running").length;
          if (!podSet.has(pod.uid)) await collector.collectOrphan(pod);
        }
        metrics.runningPods.set(running);
        metrics.runningContainers.set(containers, ["running"]);
      },
      signal,
    );
  }

  async #listImages(): Promise<void> {
    this.#images = await this.#deps.images.listImages();
  }

  /** At once, then every so often; a failure is only noted. */
  async #every(intervalMs: number, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (signal.aborted) return;
        this.#deps.log.warn("a periodic task failed", { error: errorText(error) });
      }
      await sleep(this.#deps.clock, intervalMs, signal).catch(() => {});
    }
  }
}
