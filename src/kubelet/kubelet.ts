import type { Node, Pod, Service } from "../api/generated/types/core-v1.ts";
import { nodes, pods, services } from "../api/generated/resources.ts";
import { childAbort } from "../base/abort.ts";
import { sleep } from "../base/clock.ts";
import type { LiveMetric } from "../base/metrics.ts";
import type { Informer } from "../client/informer.ts";
import type { Image, VersionResponse } from "../cri/generated/cri-v1.ts";
import type { RuntimeService } from "../cri/runtime.ts";
import type { MachineInfo } from "../platform/machine.ts";
import { kubeletConfiguration } from "./kubelet-configuration.ts";
import type { KubeletDeps } from "./kubelet-deps.ts";
import { joinParts, type KubeletParts } from "./kubelet-parts.ts";
import { containerLogs, type ContainerLogRequest } from "./logs/container-logs.ts";
import { nodeResources, type NodeResources } from "./node/node-resources.ts";
import { PodPaths } from "./pod-paths.ts";
import { uidOf } from "./pods/pod-containers.ts";
import { errorText } from "./rpc-error-text.ts";
import { currentContainer, readySandbox, type RuntimePod } from "./runtime/runtime-pod.ts";
import { settingsOf, type KubeletOptions, type KubeletSettings } from "./settings.ts";
import { CpuRates } from "./stats/cpu-rates.ts";
import { statsSummary, type StatsSummary } from "./stats/stats-summary.ts";

export type { KubeletDeps } from "./kubelet-deps.ts";
export type { KubeletOptions } from "./settings.ts";

const runtimeWaitMs = 500;
const imageListMs = 30_000;
const containerGcMs = 60_000;
const housekeepingMs = 2000;
const devicesMs = 60_000;

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
  #parts: KubeletParts | undefined;
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

  /** What `/configz` answers. */
  configuration(): Readonly<Record<string, unknown>> {
    return kubeletConfiguration(this.#settings);
  }

  /** What the probes of the node's pods answered. */
  probeMetrics(): readonly LiveMetric[] {
    return this.#parts?.probeTally.metrics ?? [];
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
    const { files, machine } = this.#deps;
    const settings = this.#settings;
    const info = await machine.info();
    for (const folder of [settings.dataDir, this.#paths.pods, this.#paths.logs]) await files.mkdir(folder, { mode: 0o750 });
    const version = await this.#awaitRuntime(signal);
    await this.#measure(info);

    const parts = joinParts(
      {
        settings,
        paths: this.#paths,
        machine: info,
        version,
        signal,
        node: () => this.#node(),
        pod: (key) => this.#podInformer.lister.get(key),
        services: () => this.#serviceInformer.lister.list(),
        resources: () => this.#resources,
        images: () => this.#images,
      },
      this.#deps,
    );
    await parts.plugins?.load();
    // Known before the node is made, so that it need not be told right after.
    await Promise.all([parts.health.check(), this.#listImages().catch(() => {})]);
    this.#parts = parts;

    let unsubscribe: readonly (() => void)[] = [];
    const loops = [
      parts.health.run(signal),
      parts.reporter.run(signal),
      parts.lease.run(signal),
      parts.podCertificates.run(signal),
      (async () => {
        unsubscribe = await this.#follow(parts, signal);
        await Promise.all([parts.relister.run(signal), parts.eviction.run(signal), parts.rotation.run(signal), this.#housekeeping(parts, signal), this.#plugins(parts, signal)]);
      })(),
      this.#every(imageListMs, () => this.#listImages(), signal),
      this.#every(settings.nodeStatusReportMs, () => parts.imageCollector.collect(), signal),
    ];
    try {
      await Promise.all(loops);
    } finally {
      stop();
      for (const end of unsubscribe) end();
      await Promise.allSettled(loops);
      await parts.drained();
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
  async #follow({ pods: podSet, relister, health }: KubeletParts, signal: AbortSignal): Promise<readonly (() => void)[]> {
    await Promise.all([this.#podInformer.waitForSync(signal), this.#nodeInformer.waitForSync(signal), this.#serviceInformer.waitForSync(signal)]);
    await relister.relist();
    const mine = (pod: Pod): boolean => pod.spec.nodeName === this.#settings.nodeName;
    podSet.addAll(this.#podInformer.lister.list().filter(mine));
    let podCidr: string | undefined;
    const cidr = (node: Node): void => {
      const next = node.spec.podCIDR;
      if (next === undefined || next === podCidr) return;
      podCidr = next;
      const told = this.#deps.runtime.updateRuntimeConfig({ networkConfig: { podCidr: (node.spec.podCIDRs ?? [next]).join(",") } });
      told
        .then(() => health.check())
        .catch((error: unknown) => {
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

  /** Pods that nobody knows go at once; the rest of what is left over, once a minute. */
  async #housekeeping({ collector, cache, pods: podSet, metrics }: KubeletParts, signal: AbortSignal): Promise<void> {
    let collectedMs = Number.NEGATIVE_INFINITY;
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
        if (this.#deps.clock.now() - collectedMs < containerGcMs) return;
        collectedMs = this.#deps.clock.now();
        await collector.collect();
      },
      signal,
    );
  }

  async #plugins({ plugins, pods: podSet }: KubeletParts, signal: AbortSignal): Promise<void> {
    if (plugins === undefined) return;
    await this.#deps.files.mkdir(this.#paths.plugins, { mode: 0o750 });
    const isActive = (uid: string): boolean => podSet.worker(uid)?.finished === false;
    await Promise.all([plugins.run(signal), this.#every(devicesMs, () => plugins.devices.reconcile(isActive), signal)]);
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
