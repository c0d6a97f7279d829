import type { NodeAffinity, Pod, TopologySpreadConstraint } from "../api/generated/types/core-v1.ts";
import { invariant } from "../base/invariant.ts";
import type { Change, ChangeKind } from "./changes.ts";
import { podInfo } from "./cluster/pod-info.ts";
import type { ClaimBinder } from "./devices/bind-claims.ts";
import type { DeviceReaders } from "./devices/device-readers.ts";
import { dynamicResources, type DynamicResourcesDeps } from "./devices/dynamic-resources.ts";
import type { Plugin } from "./plugin.ts";
import { imageLocality } from "./plugins/image-locality.ts";
import { interPodAffinity } from "./plugins/inter-pod-affinity.ts";
import type { NamespaceReader } from "./plugins/namespace-reader.ts";
import { nodeAffinity } from "./plugins/node-affinity.ts";
import { balancedAllocation, nodeResourcesFit, type ScoringStrategy } from "./plugins/node-resources.ts";
import { nodeName, nodePorts, nodeUnschedulable, taintToleration } from "./plugins/node-state.ts";
import { podTopologySpread } from "./plugins/pod-topology-spread.ts";
import type { DefaultSelector } from "./plugins/spread-constraint.ts";
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
  /** Plug-ins that are left out, by name; `DefaultPreemption` among them. */
  readonly disabled?: readonly string[];
  /** Weights other than the usual ones, by plug-in. */
  readonly weights?: Readonly<Record<string, number>>;
  readonly percentageOfNodesToScore?: number;
  readonly scoringStrategy?: ScoringStrategy;
  readonly hardPodAffinityWeight?: number;
  readonly addedAffinity?: NodeAffinity;
  /** For pods without topology spread constraints, instead of the system's. */
  readonly defaultConstraints?: readonly TopologySpreadConstraint[];
}

export interface Profile {
  readonly plugins: readonly Plugin[];
  readonly preempts: boolean;
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

/** The profile with upstream's plug-ins in upstream's order. @upstream apis/config/v1/default_plugins.go */
export function buildProfile(options: ProfileOptions, { namespaces, defaultSelector, volumes, volumeBinder, devices, claimBinder, deps }: ProfileParts): Profile {
  const all: readonly Plugin[] = [
    nodeUnschedulable,
    nodeName,
    taintToleration,
    nodeAffinity(options.addedAffinity),
    nodePorts,
    nodeResourcesFit(options.scoringStrategy, devices.resources),
    volumeRestrictions(volumes),
    nodeVolumeLimits(volumes),
    volumeBinding(volumes, volumeBinder),
    volumeZone(volumes),
    podTopologySpread(options.defaultConstraints === undefined ? {} : { defaultConstraints: options.defaultConstraints }, defaultSelector),
    interPodAffinity(options.hardPodAffinityWeight === undefined ? {} : { hardPodAffinityWeight: options.hardPodAffinityWeight }, namespaces),
    dynamicResources({ ...deps, readers: devices, binder: claimBinder }),
    balancedAllocation,
    imageLocality,
  ];
  const { disabled = [], weights = {} } = options;
  for (const name of [...disabled, ...Object.keys(weights)])
    invariant(name === PREEMPTION || all.some((plugin) => plugin.name === name), `there is no scheduling plug-in ${JSON.stringify(name)}`);
  const plugins = all.filter(({ name }) => !disabled.includes(name));
  return {
    plugins: plugins.map((plugin) => ({ ...plugin, weight: weights[plugin.name] ?? plugin.weight ?? 1 })),
    preempts: !disabled.includes(PREEMPTION),
    percentageOfNodesToScore: options.percentageOfNodesToScore,
    memos: new TemplateMemos(),
  };
}

/** Who listens to what, over all profiles; whether it helps is for the pod's own profile to say. */
export function queueHints(profiles: ReadonlyMap<string, Profile>): QueueHints {
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
  return {
    listening: (kind) => names.get(kind) ?? [],
    mayHelp(name: string, pod: Pod, change: Change) {
      if (name === GATES || name === NO_NODES_PLUGIN) return true;
      const plugin = byName.get(pod.spec.schedulerName ?? "default-scheduler")?.get(name);
      if (plugin === undefined || plugin.listens?.includes(`${change.resource}/${change.action}` as ChangeKind) !== true) return false;
      return plugin.mayHelp === undefined || plugin.mayHelp(podInfo(pod), change);
    },
  };
}
