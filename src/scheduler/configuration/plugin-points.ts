import type { FieldPath } from "../../meta/field-path.ts";
import { type Fields, type Problems, readItem } from "./fields.ts";

/** Where plug-ins may have a say, with upstream's name for those that do. */
export const points = {
  preEnqueue: "PreEnqueuePlugin",
  queueSort: "QueueSortPlugin",
  preFilter: "PreFilterPlugin",
  filter: "FilterPlugin",
  postFilter: "PostFilterPlugin",
  preScore: "PreScorePlugin",
  score: "ScorePlugin",
  reserve: "ReservePlugin",
  permit: "PermitPlugin",
  preBind: "PreBindPlugin",
  bind: "BindPlugin",
  postBind: "PostBindPlugin",
} as const;

export type Point = keyof typeof points;

const allPoints = Object.keys(points) as readonly Point[];
const filters: readonly Point[] = ["preFilter", "filter"];
const filtersAndScores: readonly Point[] = [...filters, "preScore", "score"];

/** Upstream's default plug-ins in their order, with their weights and where they have a say. @upstream apis/config/v1/default_plugins.go */
export const defaultPlugins: Readonly<Record<string, { readonly points: readonly Point[]; readonly weight?: number }>> = {
  SchedulingGates: { points: ["preEnqueue"] },
  PrioritySort: { points: ["queueSort"] },
  NodeUnschedulable: { points: ["filter"] },
  NodeName: { points: ["filter"] },
  TaintToleration: { points: ["filter", "preScore", "score"], weight: 3 },
  NodeAffinity: { points: filtersAndScores, weight: 2 },
  NodePorts: { points: filters },
  NodeResourcesFit: { points: filtersAndScores, weight: 1 },
  VolumeRestrictions: { points: filters },
  NodeVolumeLimits: { points: filters },
  VolumeBinding: { points: [...filters, "reserve", "preBind", "preScore", "score"] },
  VolumeZone: { points: filters },
  PodTopologySpread: { points: filtersAndScores, weight: 2 },
  InterPodAffinity: { points: filtersAndScores, weight: 2 },
  DynamicResources: { points: ["preEnqueue", ...filters, "postFilter", "preScore", "score", "reserve", "preBind"] },
  DefaultPreemption: { points: ["preEnqueue", "postFilter"] },
  NodeResourcesBalancedAllocation: { points: ["preScore", "score"], weight: 1 },
  ImageLocality: { points: ["score"], weight: 1 },
  DefaultBinder: { points: ["bind"] },
  NodeDeclaredFeatures: { points: filters },
};

interface Enabled {
  readonly name: string;
  /** 0: not said. */
  readonly weight: number;
}

interface PluginSet {
  readonly enabled: readonly Enabled[];
  readonly disabled: readonly string[];
}

export type PluginSets = Readonly<Record<Point | "multiPoint", PluginSet>>;

/** Which plug-ins have a say at each point, in their order, with their weights. */
export type PluginsByPoint = Readonly<Record<Point, readonly Enabled[]>>;

const nothing: PluginSet = { enabled: [], disabled: [] };
const noSets = Object.fromEntries([...allPoints, "multiPoint"].map((point) => [point, nothing])) as PluginSets;

/** The `plugins` of a profile. */
export function readPluginSets(fields: Fields, problems: Problems): PluginSets {
  const set = (name: Point | "multiPoint"): PluginSet =>
    fields.object(name, (own) => ({
      enabled: own.list("enabled", (value, path) => readItem(value, path, problems, (item) => ({ name: item.text("name") ?? "", weight: item.whole("weight") ?? 0 }))),
      disabled: own.list("disabled", (value, path) =>
        readItem(value, path, problems, (item) => {
          item.ignore("weight");
          return item.text("name") ?? "";
        }),
      ),
    }));
  const sets = Object.fromEntries([...allPoints, "multiPoint" as const].map((point) => [point, set(point)])) as PluginSets;
  for (const point of allPoints) checkRemoved(sets[point], fields.path.child(point, "enabled"), problems);
  return sets;
}

const removed = new Set(["AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits"]);
export const VERSION = "kubescheduler.config.k8s.io/v1";

export function removedText(name: string): string | undefined {
  return removed.has(name) ? `was invalid in version "v1" (KubeSchedulerConfiguration is version ${JSON.stringify(VERSION)})` : undefined;
}

function checkRemoved({ enabled }: PluginSet, path: FieldPath, problems: Problems): void {
  for (const [index, { name }] of enabled.entries()) {
    const text = removedText(name);
    if (text !== undefined) problems.invalid.push(path.index(index).invalid(name, text));
  }
}

/** The defaults with what a profile says of its own. @upstream default_plugins.go mergePluginSet */
function withDefaults({ enabled, disabled }: PluginSet): PluginSet {
  const merged: Enabled[] = [];
  const placed = new Set<number>();
  if (!disabled.includes("*"))
    for (const [name, { weight = 0 }] of Object.entries(defaultPlugins)) {
      if (disabled.includes(name)) continue;
      // What is enabled again with a weight of its own stays in its place.
      const own = enabled.findLastIndex((plugin) => plugin.name === name);
      placed.add(own);
      merged.push(enabled[own] ?? { name, weight });
    }
  return { enabled: [...merged, ...enabled.filter((_, index) => !placed.has(index))], disabled };
}

/** Which plug-ins a profile has where. Throws Error with what is wrong, as upstream does when it builds a profile. @upstream framework/runtime/framework.go NewFramework */
export function resolvePlugins(schedulerName: string, sets: PluginSets = noSets): PluginsByPoint {
  const multiPoint = withDefaults(sets.multiPoint);
  const resolved = {} as Record<Point, readonly Enabled[]>;
  for (const point of allPoints) resolved[point] = resolvePoint(point, sets[point], multiPoint);
  if (resolved.queueSort.length !== 1)
    throw new Error(`only one queue sort plugin required for profile with scheduler name ${JSON.stringify(schedulerName)}, but got ${resolved.queueSort.length}`);
  if (resolved.bind.length === 0) throw new Error(`at least one bind plugin is needed for profile with scheduler name ${JSON.stringify(schedulerName)}`);
  const total = resolved.score.reduce((sum, { weight }) => sum + weight * 100, 0);
  if (total > Number.MAX_SAFE_INTEGER) throw new Error("total score of Score plugins could overflow");
  return resolved;
}

function resolvePoint(point: Point, { enabled, disabled }: PluginSet, multiPoint: PluginSet): readonly Enabled[] {
  const own = new Set<string>();
  for (const { name } of enabled) {
    const known = pluginNamed(name, point);
    if (!known.points.includes(point)) throw new Error(`plugin ${JSON.stringify(name)} does not extend ${points[point]} plugin`);
    if (own.has(name)) throw new Error(`plugin ${JSON.stringify(name)} already registered as ${JSON.stringify(points[point])}`);
    own.add(name);
  }
  if (disabled.includes("*")) return enabled.map(weighed);
  const everywhere: Enabled[] = [];
  const overridden = new Set<string>();
  for (const plugin of multiPoint.enabled) {
    const { name } = plugin;
    if (!pluginNamed(name, point).points.includes(point) || disabled.includes(name)) continue;
    if (own.has(name)) overridden.add(name);
    else if (everywhere.some((other) => other.name === name)) throw new Error(`plugin ${JSON.stringify(name)} already registered as ${JSON.stringify(points[point])}`);
    else everywhere.push(plugin);
  }
  const isOverridden = ({ name }: Enabled): boolean => overridden.has(name);
  return [...enabled.filter(isOverridden), ...everywhere, ...enabled.filter((plugin) => !isOverridden(plugin))].map(weighed);
}

const weighed = ({ name, weight }: Enabled): Enabled => ({ name, weight: weight === 0 ? 1 : weight });

function pluginNamed(name: string, point: Point): { readonly points: readonly Point[] } {
  const known = Object.hasOwn(defaultPlugins, name) ? defaultPlugins[name] : undefined;
  if (known === undefined) throw new Error(`${points[point]} ${JSON.stringify(name)} does not exist`);
  return known;
}
