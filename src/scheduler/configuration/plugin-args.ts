import type { NodeAffinity, TopologySpreadConstraint } from "../../api/generated/types/core-v1.ts";
import { validateAffinity } from "../../api/pod/validate-affinity.ts";
import { schemaByName } from "../../api/schemas.ts";
import { invariant } from "../../base/invariant.ts";
import type { FieldPath } from "../../meta/field-path.ts";
import type { Schema } from "../../meta/schema.ts";
import { validateLabelName } from "../../meta/validation.ts";
import type { ScoringStrategy, ShapePoint, WeightedResource } from "../plugins/resource-scoring.ts";
import type { ProfileOptions } from "../profile.ts";
import { type Fields, type Problems, readItem } from "./fields.ts";

/** What arguments of plug-ins say, as options of a profile. */
export type PluginOptions = Omit<ProfileOptions, "schedulerName" | "percentageOfNodesToScore" | "plugins">;
type Read = (fields: Fields, problems: Problems) => PluginOptions;

/** By plug-in. Those that take none are not there. @upstream apis/config/validation/validation_pluginargs.go */
const readers: Readonly<Record<string, Read>> = {
  DefaultPreemption: defaultPreemption,
  DynamicResources: dynamicResources,
  InterPodAffinity: interPodAffinity,
  NodeAffinity: nodeAffinity,
  NodeResourcesBalancedAllocation: balancedAllocation,
  NodeResourcesFit: nodeResourcesFit,
  PodTopologySpread: podTopologySpread,
  VolumeBinding: volumeBinding,
};

export const takesArgs = (plugin: string): boolean => Object.hasOwn(readers, plugin);

export function readPluginArgs(plugin: string, fields: Fields, problems: Problems): PluginOptions {
  const kind = fields.text("kind");
  const version = fields.text("apiVersion");
  if ((kind !== undefined && kind !== `${plugin}Args`) || (version !== undefined && version !== "kubescheduler.config.k8s.io/v1"))
    problems.invalid.push(fields.path.invalid({ apiVersion: version, kind }, "has to match plugin args"));
  return readers[plugin]?.(fields, problems) ?? {};
}

function schema(name: string): Schema {
  const known = schemaByName(`io.k8s.api.core.v1.${name}`);
  invariant(known, `there is no ${name}`);
  return known;
}

function defaultPreemption(fields: Fields, { invalid }: Problems): PluginOptions {
  const percentage = fields.whole("minCandidateNodesPercentage") ?? 10;
  const absolute = fields.whole("minCandidateNodesAbsolute") ?? 100;
  const ofPercentage = fields.path.child("minCandidateNodesPercentage");
  const ofAbsolute = fields.path.child("minCandidateNodesAbsolute");
  if (percentage < 0 || percentage > 100) invalid.push(ofPercentage.invalid(percentage, "not in valid range [0, 100]"));
  if (absolute < 0) invalid.push(ofAbsolute.invalid(absolute, "not in valid range [0, inf)"));
  if (percentage === 0 && absolute === 0)
    invalid.push(
      ofPercentage.invalid(percentage, "cannot be zero at the same time as minCandidateNodesAbsolute"),
      ofAbsolute.invalid(absolute, "cannot be zero at the same time as minCandidateNodesPercentage"),
    );
  return { minCandidateNodes: { percentage, absolute } };
}

function dynamicResources(fields: Fields, { invalid }: Problems): PluginOptions {
  const filterTimeoutMs = fields.duration("filterTimeout");
  const bindingTimeoutMs = fields.duration("bindingTimeout");
  if (filterTimeoutMs !== undefined && filterTimeoutMs < 0) invalid.push(fields.path.child("filterTimeout").invalid(fields.raw("filterTimeout"), "must be zero or positive"));
  if (bindingTimeoutMs !== undefined && bindingTimeoutMs < 1_000)
    invalid.push(fields.path.child("bindingTimeout").invalid(fields.raw("bindingTimeout"), "must be at least 1 second"));
  return {};
}

function interPodAffinity(fields: Fields, { invalid }: Problems): PluginOptions {
  const weight = fields.whole("hardPodAffinityWeight") ?? 1;
  if (weight < 0 || weight > 100) invalid.push(fields.path.child("hardPodAffinityWeight").invalid(weight, "not in valid range [0, 100]"));
  return { hardPodAffinityWeight: weight, ignorePreferredTermsOfExistingPods: fields.flag("ignorePreferredTermsOfExistingPods") ?? false };
}

function nodeAffinity(fields: Fields, { invalid }: Problems): PluginOptions {
  const addedAffinity = fields.decoded("addedAffinity", schema("NodeAffinity")) as NodeAffinity | undefined;
  if (addedAffinity === undefined) return {};
  for (const error of validateAffinity({ nodeAffinity: addedAffinity }, fields.path)) invalid.push({ ...error, field: error.field.replace(".nodeAffinity.", ".addedAffinity.") });
  return { addedAffinity };
}

function balancedAllocation(fields: Fields, problems: Problems): PluginOptions {
  const resources = readResources(fields, problems);
  const seen = new Set<string>();
  for (const [index, { name, weight }] of resources.entries()) {
    const path = fields.path.child("resources").index(index);
    if (seen.has(name)) problems.invalid.push(path.child("name").duplicate(name));
    seen.add(name);
    if (weight !== 1) problems.invalid.push(path.child("weight").invalid(weight, "must be 1"));
  }
  return resources.length === 0 ? {} : { balancedResources: resources.map(({ name }) => name) };
}

function readResources(fields: Fields, problems: Problems): readonly WeightedResource[] {
  return fields.list("resources", (value, path) =>
    readItem(value, path, problems, (item) => {
      const name = item.text("name") ?? "";
      const weight = item.whole("weight") ?? 0;
      return { name, weight: weight === 0 ? 1 : weight };
    }),
  );
}

const strategies = ["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"];

function nodeResourcesFit(fields: Fields, problems: Problems): PluginOptions {
  const { invalid } = problems;
  const ignoredResources = fields.texts("ignoredResources");
  const ignoredResourceGroups = fields.texts("ignoredResourceGroups");
  for (const [index, name] of ignoredResources.entries()) invalid.push(...validateLabelName(name, fields.path.child("ignoredResources").index(index)));
  for (const [index, group] of ignoredResourceGroups.entries()) {
    const path = fields.path.child("ignoredResourceGroups").index(index);
    if (group.includes("/")) invalid.push(path.invalid(group, "resource group name can't contain '/'"));
    invalid.push(...validateLabelName(group, path));
  }
  const scoringStrategy = fields.has("scoringStrategy") ? fields.object("scoringStrategy", (own) => readStrategy(own, problems)) : undefined;
  return { ignoredResources, ignoredResourceGroups, ...(scoringStrategy === undefined ? {} : { scoringStrategy }) };
}

function readStrategy(fields: Fields, problems: Problems): ScoringStrategy {
  const { invalid } = problems;
  const type = fields.text("type") ?? "";
  const given = readResources(fields, problems);
  if (!strategies.includes(type)) invalid.push(fields.path.child("type").notSupported(type, strategies));
  for (const [index, { name, weight }] of given.entries())
    if (weight <= 0 || weight > 100)
      invalid.push(fields.path.child("resources").index(index).child("weight").invalid(weight, `resource weight of ${name} not in valid range (0, 100]`));
  const resources = given.length === 0 ? undefined : given;
  const ofRatio = fields.path.child("requestedToCapacityRatio");
  const shape = fields.has("requestedToCapacityRatio") ? fields.object("requestedToCapacityRatio", (own) => readShape(own, problems)) : undefined;
  if (type !== "RequestedToCapacityRatio") {
    if (shape !== undefined) invalid.push(ofRatio.forbidden("must be nil when type is not RequestedToCapacityRatio"));
    return { type: type === "MostAllocated" ? type : "LeastAllocated", resources };
  }
  if (shape === undefined) invalid.push(ofRatio.required("must be specified when type is RequestedToCapacityRatio"));
  else invalid.push(...shapeErrors(shape, ofRatio.child("shape")));
  return { type, resources, shape: shape ?? [] };
}

function readShape(fields: Fields, problems: Problems): readonly ShapePoint[] {
  return fields.list("shape", (value, path) => readItem(value, path, problems, (item) => ({ utilization: item.whole("utilization") ?? 0, score: item.whole("score") ?? 0 })));
}

function shapeErrors(shape: readonly ShapePoint[], path: FieldPath): ReturnType<FieldPath["required"]>[] {
  if (shape.length === 0) return [path.required("at least one point must be specified")];
  const errors = [];
  const unsorted = shape.findIndex(({ utilization }, index) => index > 0 && (shape[index - 1]?.utilization ?? 0) >= utilization);
  if (unsorted > 0) errors.push(path.index(unsorted).child("utilization").invalid(shape[unsorted]?.utilization, "values must be sorted in increasing order"));
  for (const [index, { utilization, score }] of shape.entries()) {
    if (utilization < 0 || utilization > 100) errors.push(path.index(index).child("utilization").invalid(utilization, "not in valid range [0, 100]"));
    if (score < 0 || score > 10) errors.push(path.index(index).child("score").invalid(score, "not in valid range [0, 10]"));
  }
  return errors;
}

function podTopologySpread(fields: Fields, { invalid }: Problems): PluginOptions {
  const type = fields.text("defaultingType") ?? "System";
  const ofConstraints = fields.path.child("defaultConstraints");
  const constraints = (fields.decoded("defaultConstraints", { type: "array", items: schema("TopologySpreadConstraint") }) as readonly TopologySpreadConstraint[] | undefined) ?? [];
  if (type !== "System" && type !== "List") invalid.push(fields.path.child("defaultingType").notSupported(type, ["System", "List"]));
  else if (type === "System" && constraints.length > 0) invalid.push(fields.path.child("defaultingType").invalid(type, "when .defaultConstraints are not empty"));
  for (const [index, { maxSkew = 0, topologyKey = "", whenUnsatisfiable = "", labelSelector }] of (constraints as readonly Partial<TopologySpreadConstraint>[]).entries()) {
    const path = ofConstraints.index(index);
    if (maxSkew <= 0) invalid.push(path.child("maxSkew").invalid(maxSkew, "not in valid range (0, inf)"));
    if (topologyKey === "") invalid.push(path.child("topologyKey").required("can not be empty"));
    else invalid.push(...validateLabelName(topologyKey, path.child("topologyKey")));
    if (whenUnsatisfiable === "") invalid.push(path.child("whenUnsatisfiable").required("can not be empty"));
    else if (whenUnsatisfiable !== "DoNotSchedule" && whenUnsatisfiable !== "ScheduleAnyway")
      invalid.push(path.child("whenUnsatisfiable").notSupported(whenUnsatisfiable, ["DoNotSchedule", "ScheduleAnyway"]));
    if (labelSelector !== undefined) invalid.push(path.child("labelSelector").forbidden("constraint must not define a selector, as they deduced for each pod"));
    if (constraints.slice(0, index).some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable))
      invalid.push(path.duplicate(`{${topologyKey}, ${whenUnsatisfiable}}`));
  }
  return type === "List" ? { defaultConstraints: constraints } : {};
}

function volumeBinding(fields: Fields, { invalid }: Problems): PluginOptions {
  const bindTimeoutSeconds = fields.whole("bindTimeoutSeconds") ?? 600;
  if (bindTimeoutSeconds < 0) invalid.push(fields.path.child("bindTimeoutSeconds").invalid(bindTimeoutSeconds, "invalid BindTimeoutSeconds, should not be a negative value"));
  const shape = fields.raw("shape");
  if (shape !== undefined) invalid.push(fields.path.child("shape").invalid(shape, "unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring"));
  return { volumeBindTimeoutMs: bindTimeoutSeconds * 1_000 };
}
