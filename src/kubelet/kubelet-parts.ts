import { configMaps, secrets } from "../api/generated/resources.ts";
import type { Node, Pod, Service } from "../api/generated/types/core-v1.ts";
import type { Image, VersionResponse } from "../cri/generated/cri-v1.ts";
import type { MachineInfo } from "../platform/machine.ts";
import { PodCgroups } from "./cgroups/pod-cgroups.ts";
import { Eviction } from "./eviction/eviction.ts";
import { Collector } from "./garbage/collector.ts";
import { ImageCollector } from "./images/image-collector.ts";
import { ImagePuller } from "./images/image-puller.ts";
import { sandboxImages } from "./images/sandbox-images.ts";
import type { KubeletDeps } from "./kubelet-deps.ts";
import { type KubeletMetrics, kubeletMetrics } from "./kubelet-metrics.ts";
import { LogRotation } from "./logs/log-rotation.ts";
import { NodeLease } from "./node/node-lease.ts";
import { NodeReporter } from "./node/node-reporter.ts";
import type { NodeResources } from "./node/node-resources.ts";
import { referencedObjects } from "./objects/referenced-objects.ts";
import { WatchedObjects } from "./objects/watched-objects.ts";
import { PodCertificates } from "./pod-certificates/pod-certificates.ts";
import type { PodPaths } from "./pod-paths.ts";
import { NodePlugins } from "./plugins/node-plugins.ts";
import { uidOf } from "./pods/pod-containers.ts";
import { PodSet } from "./pods/pod-set.ts";
import { ProbeResults } from "./probes/probe-result.ts";
import { ProbeTally } from "./probes/probe-tally.ts";
import { BackOff } from "./runtime/back-off.ts";
import { killPod } from "./runtime/kill-pod.ts";
import type { PodFieldContext } from "./runtime/pod-field.ts";
import { RelistLoop } from "./runtime/relist-loop.ts";
import { RuntimeCache } from "./runtime/runtime-cache.ts";
import { RuntimeHealth } from "./runtime/runtime-health.ts";
import { readySandbox } from "./runtime/runtime-pod.ts";
import { terminationMessage } from "./runtime/termination-message.ts";
import type { KubeletSettings } from "./settings.ts";
import { StatusWriter } from "./status/status-writer.ts";
import { PodVolumes } from "./volumes/pod-volumes.ts";
import { ServiceAccountTokens } from "./volumes/service-account-tokens.ts";

/** What the parts are made for and look at. */
export interface PartsContext {
  readonly settings: KubeletSettings;
  readonly paths: PodPaths;
  readonly machine: MachineInfo;
  readonly version: VersionResponse;
  readonly signal: AbortSignal;
  node(): Node | undefined;
  /** As the API has it, by `ns/name`. */
  pod(key: string): Pod | undefined;
  services(): readonly Service[];
  resources(): NodeResources;
  images(): readonly Image[];
}

/** The parts of a running kubelet, joined. */
export interface KubeletParts {
  readonly machine: MachineInfo;
  readonly cache: RuntimeCache;
  readonly pods: PodSet;
  readonly health: RuntimeHealth;
  readonly reporter: NodeReporter;
  readonly lease: NodeLease;
  readonly relister: RelistLoop;
  readonly eviction: Eviction;
  readonly rotation: LogRotation;
  readonly collector: Collector;
  readonly imageCollector: ImageCollector;
  readonly plugins: NodePlugins | undefined;
  readonly podCertificates: PodCertificates;
  readonly probeTally: ProbeTally;
  readonly metrics: KubeletMetrics;
  /** Resolves when nothing is under way any more; the signal has aborted. */
  drained(): Promise<void>;
}

/** Makes the parts and tells them of each other; nothing runs yet. */
export function joinParts(context: PartsContext, deps: KubeletDeps): KubeletParts {
  const { settings, paths, signal, version, machine: info } = context;
  const { clock, log, files, machine, runtime, recorder, client } = deps;
  const startedMs = clock.now();

  const cache = new RuntimeCache({ runtime, terminationMessage: (container) => terminationMessage(files, container) });
  const cgroups = new PodCgroups({ root: settings.cgroupRoot, pods: settings.podsCgroup, version: info.cgroupVersion, cpus: info.cpus }, { files, log });
  const readers = { client, clock, log, changed: (uids: readonly string[]) => podSet.wake(uids) };
  const configMapReader = new WatchedObjects({ resource: configMaps, signal }, readers);
  const secretReader = new WatchedObjects({ resource: secrets, signal }, readers);
  const tokens = new ServiceAccountTokens({ client, clock });
  const podCertificates = new PodCertificates(
    { nodeName: settings.nodeName },
    {
      ...deps,
      certificates: deps.certificates,
      node: () => context.node(),
      isActive: (uid) => podSet.worker(uid)?.finished === false,
      changed: (uids) => podSet.wake(uids),
    },
  );
  const hostIPs = (): readonly string[] => [settings.nodeIP, ...settings.moreNodeIPs];
  const fields = (pod: Pod, podIPs?: readonly string[]): PodFieldContext => {
    const sandbox = cache.get(uidOf(pod));
    const known = podIPs ?? (sandbox === undefined ? undefined : readySandbox(sandbox)?.ips) ?? [];
    return { nodeName: settings.nodeName, hostIPs: hostIPs(), podIPs: known };
  };
  const allocatable = (): Readonly<Record<string, string>> => ({ ...context.node()?.status?.allocatable, ...context.resources().allocatable });
  const podVolumes = new PodVolumes(
    { podsDir: paths.pods, types: deps.volumeTypes ?? [] },
    {
      files,
      mounts: deps.mounts,
      client,
      clock,
      configMap: (key) => configMapReader.get(key),
      secret: (key) => secretReader.get(key),
      fields,
      allocatable,
      token: (pod, request) => tokens.get(pod, request),
      certificate: (pod, source) => podCertificates.get(uidOf(pod), source),
    },
  );
  const writer = new StatusWriter({ signal }, { client, clock, log, current: (key) => context.pod(key) });
  const results = new ProbeResults();
  const probeTally = new ProbeTally();
  const health = new RuntimeHealth({ runtime, clock, changed: () => reporter.nudge() });
  const puller = new ImagePuller({ images: deps.images, recorder, clock });
  const metrics = kubeletMetrics(deps.metrics);
  const plugins =
    deps.pluginSockets === undefined
      ? undefined
      : new NodePlugins(
          { nodeName: settings.nodeName, signal, registry: paths.pluginsRegistry, preparedClaims: paths.preparedClaims },
          { client, files, sockets: deps.pluginSockets, clock, log },
        );
  const eviction = new Eviction(settings, {
    machine,
    files,
    images: deps.images,
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
      ...deps,
      settings,
      paths: paths,
      cache,
      cgroups,
      puller,
      podVolumes,
      devices: plugins?.devices,
      writer,
      results,
      restartBackOff: new BackOff({ initialMs: 10_000, maxMs: 300_000 }),
      runtimeName: version.runtimeName ?? "containerd",
      machine: info,
      operatingSystem: info.operatingSystem,
      hostIPs,
      fields,
      allocatable,
      services: () => context.services(),
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
        podCertificates.use(pod);
        relister.enliven();
      },
      node: () => context.node(),
      pressure: (pod) => eviction.refuses(pod),
      gone: (pod) => {
        const uid = uidOf(pod);
        tokens.forget(uid);
        podCertificates.forget(uid);
        configMapReader.use(uid, new Set());
        secretReader.use(uid, new Set());
        collector.forget(pod).catch(() => {});
      },
      probeDeps: {
        runtime,
        network: deps.network,
        grpcHealth: deps.grpcHealth,
        clock,
        random: deps.random,
        recorder,
        results,
        tally: probeTally,
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
      paths: paths,
      podVolumes,
      cgroups,
      clock,
      log,
      isKnown: (uid) => podSet.has(uid),
      endOrphan: (pod) => killPod({ pod: undefined, runtimePod: pod, graceSeconds: 1, signal }, { runtime, network: deps.network, recorder, clock }),
    },
  );
  const imageCollector = new ImageCollector(settings, {
    images: deps.images,
    files,
    clock,
    log,
    recorder,
    nodeName: settings.nodeName,
    used: async () => [...cache.pods().flatMap((pod) => pod.containers.flatMap(({ imageId, image }) => [imageId, image])), ...(await sandboxImages(runtime))],
  });
  const relister = new RelistLoop({ intervalMs: settings.relistMs }, { cache, clock, log, changed: (uids) => podSet.notice(uids) });
  const reporter = new NodeReporter(settings, {
    ...deps,
    machine: info,
    runtimeVersion: version,
    handlers: undefined,
    current: () => context.node(),
    resources: () => context.resources(),
    images: () => context.images(),
    health: () => ({ runtimeProblem: health.runtimeProblem ?? relister.problem, networkProblem: health.networkProblem, ...eviction.pressures }),
  });
  const lease = new NodeLease({ nodeName: settings.nodeName }, { client, clock, log, node: () => context.node() });
  const rotation = new LogRotation({ maxBytes: settings.containerLogMaxBytes, maxFiles: settings.containerLogMaxFiles }, { runtime, files, cache, clock, log });
  return {
    machine: info,
    cache,
    pods: podSet,
    health,
    reporter,
    lease,
    relister,
    eviction,
    rotation,
    collector,
    imageCollector,
    plugins,
    podCertificates,
    probeTally,
    metrics,
    async drained() {
      await podSet.drained();
      await plugins?.drained();
      await Promise.allSettled([writer.drained(), configMapReader.drained(), secretReader.drained()]);
    },
  };
}
