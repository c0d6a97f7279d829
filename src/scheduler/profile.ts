import type { NodeAffinity, Pod, TopologySpreadConstraint } from "../api/generated/types/core-v1.ts";
import { type Change, type ChangeKind, kindOf } from "./changes.ts";
import { podInfo } from "./cluster/pod-info.ts";
import { defaultPlugins, type PluginsByPoint, type Point, resolvePlugins } from "./configuration/plugin-points.ts";
import type { ClaimBinder } from "./devices/bind-claims.ts";
import type { DeviceReaders } from "./devices/device-readers.ts";
import { dynamicResources, type DynamicResourcesDeps } from "./devices/dynamic-resources.ts";
import type { Plugin } from "./plugin.ts";
import { EXTENDERS } from "./extenders/choose-with-extenders.ts";
import { imageLocality } from "./plugins/image-locality.ts";
import { interPodAffinity } from "./plugins/inter-pod-affinity.ts";
import type { NamespaceReader } from "./plugins/namespace-reader.ts";
import { nodeAffinity } from "./plugins/node-affinity.ts";
import { nodeDeclaredFeatures } from "./plugins/node-features.ts";
import { balancedAllocation, nodeResourcesFit } from "./plugins/node-resources.ts";
import type { ScoringStrategy } from "./plugins/resource-scoring.ts";
import { nodeName, nodePorts, nodeUnschedulable, taintToleration } from "./plugins/node-state.ts";
import { podTopologySpread } from "./plugins/pod-topology-spread.ts";
import type { DefaultSelector } from "./plugins/spread-constraint.ts";
import type { MinCandidates } from "./preemption/preempt.ts";
import type { QueueHints } from "./queue.ts";
import { TemplateMemos } from "./template-memo.ts";
import type { VolumeBinder } from "./volumes/bind-volumes.ts";
import { volumeBinding } from "./volumes/volume-binding.ts";
import { nodeVolumeLimits } from "./volumes/volume-limits.ts";
import type { VolumeReaders } from "./volumes/volume-readers.ts";
import { volumeRestrictions } from "./volumes/volume-restrictions.ts";
import { volumeZone } from "./volumes/volume-zone.ts";

/** How pods that name this scheduler are scheduled. @upstream KubeSchedulerProfile */
export interface ProfileOptions {
  readonly schedulerName: string;
  /** Which plug-ins have a say where; absent: upstream's defaults. */
  readonly plugins?: PluginsByPoint;
  readonly percentageOfNodesToScore?: number;
  readonly scoringStrategy?: ScoringStrategy;
  readonly ignoredResources?: readonly string[];
  readonly ignoredResourceGroups?: readonly string[];
  /** What NodeResourcesBalancedAllocation balances. */
  readonly balancedResources?: readonly string[];
  readonly hardPodAffinityWeight?: number;
  readonly ignorePreferredTermsOfExistingPods?: boolean;
  readonly addedAffinity?: NodeAffinity;
  readonly volumeBindTimeoutMs?: number;
  /** So many candidates are enough to pick from. */
  readonly minCandidateNodes?: MinCandidates;
  /** For pods without topology spread constraints, instead of the system's. */
  readonly defaultConstraints?: readonly TopologySpreadConstraint[];
}

export interface Profile {
  readonly plugins: readonly Plugin[];
  readonly preempts: boolean;
  /** Whether pods with scheduling gates wait. */
  readonly honorsGates: boolean;
  readonly minCandidates: MinCandidates;
  readonly percentageOfNodesToScore: number | undefined;
  readonly memos: TemplateMemos;
}

export interface ProfileParts {
  readonly namespaces: NamespaceReader;
  readonly defaultSelector: DefaultSelector;
  readonly volumes: VolumeReaders;
  readonly volumeBinder: VolumeBinder;
  readonly devices: DeviceReaders;
  readonly claimBinder: ClaimBinder;
  /** For what plug-ins do themselves. */
  readonly deps: Pick<DynamicResourcesDeps, "client" | "clock" | "random">;
}

export const PREEMPTION = "DefaultPreemption";
export const GATES = "SchedulingGates";
/** Stands for there being no nodes at all. */
export const NO_NODES_PLUGIN = "NoNodes";

/** The profile's plug-ins, each with what it has a say in. @upstream apis/config/v1/default_plugins.go */
export function buildProfile(options: ProfileOptions, { namespaces, defaultSelector, volumes, volumeBinder, devices, claimBinder, deps }: ProfileParts): Profile {
  const { scoringStrategy, ignoredResources, ignoredResourceGroups, hardPodAffinityWeight, ignorePreferredTermsOfExistingPods, volumeBindTimeoutMs } = options;
  const all: readonly Plugin[] = [
    nodeUnschedulable,
    nodeName,
    taintToleration,
    nodeAffinity(options.addedAffinity),
    nodePorts,
    nodeResourcesFit({ scoringStrategy, ignoredResources, ignoredResourceGroups }, devices.resources),
    volumeRestrictions(volumes),
    nodeVolumeLimits(volumes),
    volumeBinding(volumes, volumeBinder, volumeBindTimeoutMs === undefined ? {} : { timeoutMs: volumeBindTimeoutMs }),
    volumeZone(volumes),
    podTopologySpread(options.defaultConstraints === undefined ? {} : { defaultConstraints: options.defaultConstraints }, defaultSelector),
    interPodAffinity({ hardPodAffinityWeight, ignorePreferredTermsOfExistingPods }, namespaces),
    dynamicResources({ ...deps, readers: devices, binder: claimBinder }),
    balancedAllocation(options.balancedResources),
    imageLocality,
    nodeDeclaredFeatures,
  ];
  const plugins = options.plugins ?? resolvePlugins(options.schedulerName);
  const at = (point: Point): ReadonlySet<string> => new Set(plugins[point].map(({ name }) => name));
  return {
    plugins: withSays(all, plugins),
    preempts: at("postFilter").has(PREEMPTION),
    honorsGates: at("preEnqueue").has(GATES),
    minCandidates: options.minCandidateNodes ?? { percentage: 10, absolute: 100 },
    percentageOfNodesToScore: options.percentageOfNodesToScore,
    memos: new TemplateMemos(),
  };
}

/** Each plug-in with what is left to it, those that filter in the order of the filters. What has no say anywhere is left out. */
function withSays(all: readonly Plugin[], plugins: PluginsByPoint): readonly Plugin[] {
  const order = [...plugins.filter, ...plugins.score, ...plugins.reserve, ...plugins.preEnqueue, ...plugins.postFilter].map(({ name }) => name);
  const byName = new Map(all.map((plugin) => [plugin.name, plugin]));
  return [...new Set(order)].flatMap((name) => {
    const plugin = byName.get(name);
    return plugin === undefined ? [] : [restrict(plugin, plugins)];
  });
}

function restrict(plugin: Plugin, plugins: PluginsByPoint): Plugin {
  const has = (point: Point): boolean => plugins[point].some(({ name }) => name === plugin.name);
  // What upstream works out when it scores, for ImageLocality, goes with the scores.
  const preparesScores = has(defaultPlugins[plugin.name]?.points.includes("preScore") === false ? "score" : "preScore");
  const { filter, prefilter, holds, prescore, score, reserve, relieve, ...others } = plugin;
  const weight = plugins.score.find(({ name }) => name === plugin.name)?.weight ?? 1;
  const restricted: Plugin = {
    ...others,
    weight,
    ...(holds !== undefined && has("preEnqueue") ? { holds } : {}),
    ...(prefilter !== undefined && has("preFilter") ? { prefilter } : {}),
    ...(filter !== undefined && has("filter") ? { filter } : {}),
    ...(relieve !== undefined && has("postFilter") ? { relieve } : {}),
    ...(prescore !== undefined && preparesScores ? { prescore } : {}),
    ...(score !== undefined && has("score") ? { score } : {}),
  };
  if (reserve === undefined || !has("reserve")) return restricted;
  if (has("preBind")) return { ...restricted, reserve };
  return {
    ...restricted,
    reserve(pod, node, state) {
      const reservation = reserve(pod, node, state);
      return reservation === undefined ? undefined : { ...reservation, commit: () => Promise.resolve() };
    },
  };
}

/** Who listens to what, over all profiles; whether it helps is for the pod's own profile to say. */
export function queueHints(profiles: ReadonlyMap<string, Profile>, { isExtended = false }: { readonly isExtended?: boolean } = {}): QueueHints {
  const listening = new Map<ChangeKind, Set<string>>();
  const listen = (kind: ChangeKind, name: string): void => {
    const names = listening.get(kind);
    if (names === undefined) listening.set(kind, new Set([name]));
    else names.add(name);
  };
  const byName = new Map<string, ReadonlyMap<string, Plugin>>();
  for (const [schedulerName, { plugins }] of profiles) {
    byName.set(schedulerName, new Map(plugins.map((plugin) => [plugin.name, plugin])));
    for (const { name, listens = [] } of plugins) for (const kind of listens) listen(kind, name);
  }
  listen("target/gates", GATES);
  listen("node/add", NO_NODES_PLUGIN);
  const names = new Map([...listening].map(([kind, set]) => [kind, [...set]]));
  const listensTo = kindCheck();
  return {
    // What an extender turned away is tried again whatever happens: nobody knows what it looks at.
    listening: (kind) => (isExtended ? [...(names.get(kind) ?? []), EXTENDERS] : (names.get(kind) ?? [])),
    mayHelp(name: string, pod: Pod, change: Change) {
      if (name === GATES || name === NO_NODES_PLUGIN || name === EXTENDERS) return true;
      const plugin = byName.get(pod.spec.schedulerName ?? "default-scheduler")?.get(name);
      if (plugin === undefined || !listensTo(plugin, change)) return false;
      return plugin.mayHelp === undefined || plugin.mayHelp(podInfo(pod), change);
    },
  };
}

/** PERF: one change is asked about for every pod that waits; what kind it is of is put together once. */
function kindCheck(): (plugin: Plugin, change: Change) => boolean {
  let last: { readonly change: Change; readonly kind: ChangeKind; readonly known: Map<Plugin, boolean> } | undefined;
  return (plugin, change) => {
    if (last?.change !== change) last = { change, kind: kindOf(change), known: new Map() };
    let listens = last.known.get(plugin);
    if (listens === undefined) {
      listens = plugin.listens?.includes(last.kind) === true;
      last.known.set(plugin, listens);
    }
    return listens;
  };
}
