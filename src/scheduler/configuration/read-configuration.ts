import { FieldPath } from "../../meta/field-path.ts";
import type { ProfileOptions } from "../profile.ts";
import { Fields, Problems, readItem } from "./fields.ts";
import { type PluginOptions, readPluginArgs, takesArgs } from "./plugin-args.ts";
import { type PluginSets, type PluginsByPoint, readPluginSets, removedText, resolvePlugins, VERSION } from "./plugin-points.ts";
import { checkExtenders, type ExtenderSettings, readExtender } from "./read-extender.ts";

/** What a KubeSchedulerConfiguration comes to. */
export interface SchedulerConfiguration {
  readonly profiles: readonly ProfileOptions[];
  readonly extenders: readonly ExtenderSettings[];
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
}

/** Wrong in a way that its message says in full. */
export class ConfigurationError extends Error {}

const KIND = "KubeSchedulerConfiguration";
/** Parts that are about a scheduler of its own. */
const ofNoEffect = ["leaderElection", "clientConnection", "enableProfiling", "enableContentionProfiling", "delayCacheUntilActive"];

/**
 * A document's value as configuration, with upstream's defaults. Throws ConfigurationError with all that is wrong.
 * @upstream pkg/scheduler/apis/config/{v1/defaults.go,validation/validation.go}
 */
export function readConfiguration(value: unknown): SchedulerConfiguration {
  const problems = new Problems();
  const fields = new Fields(value, new FieldPath(), problems);
  const version = fields.text("apiVersion");
  const kind = fields.text("kind");
  if (version !== VERSION || kind !== KIND)
    throw new ConfigurationError(`no kind ${JSON.stringify(kind ?? "")} is registered for version ${JSON.stringify(version ?? "")}: it must be kind ${KIND} of ${VERSION}`);
  for (const name of ofNoEffect) fields.ignore(name);
  const parallelism = fields.whole("parallelism") ?? 16;
  if (parallelism <= 0) problems.invalid.push(new FieldPath("parallelism").invalid(parallelism, "should be an integer value greater than zero"));
  const given = fields.list("profiles", (item, path) => readItem(item, path, problems, (own) => readProfile(own, problems)));
  const percentageOfNodesToScore = readPercentage(fields, problems);
  const initial = fields.whole("podInitialBackoffSeconds") ?? 1;
  const max = fields.whole("podMaxBackoffSeconds") ?? 10;
  if (initial <= 0) problems.invalid.push(new FieldPath("podInitialBackoffSeconds").invalid(initial, "must be greater than 0"));
  if (max < initial) problems.invalid.push(new FieldPath("podMaxBackoffSeconds").invalid(max, "must be greater than or equal to PodInitialBackoffSeconds"));
  const extenders = fields.list("extenders", (item, path) => readItem(item, path, problems, (own) => readExtender(own, problems)));
  checkExtenders(extenders, new FieldPath("extenders"), problems);
  fields.end();
  const read: readonly ReadProfile[] = given.length === 0 ? [{ schedulerName: undefined, percentageOfNodesToScore: undefined, sets: undefined, options: {} }] : given;
  const named = read.map((profile) => ({ ...profile, schedulerName: profile.schedulerName ?? (read.length === 1 ? "default-scheduler" : "") }));
  checkProfiles(named, problems);
  const ignored = extenders.flatMap(({ managedResources }) => managedResources.filter(({ ignoredByScheduler }) => ignoredByScheduler).map(({ name }) => name));
  const profiles = problems.text === undefined ? named.flatMap((profile) => resolve(profile, { percentageOfNodesToScore, ignored }, problems)) : [];
  if (problems.text !== undefined) throw new ConfigurationError(problems.text);
  return { profiles, extenders, initialBackoffMs: initial * 1_000, maxBackoffMs: max * 1_000 };
}

interface ReadProfile {
  readonly schedulerName: string | undefined;
  readonly percentageOfNodesToScore: number | undefined;
  readonly sets: PluginSets | undefined;
  readonly options: PluginOptions;
}

function readProfile(fields: Fields, problems: Problems): ReadProfile {
  return {
    schedulerName: fields.text("schedulerName"),
    percentageOfNodesToScore: readPercentage(fields, problems),
    sets: fields.has("plugins") ? fields.object("plugins", (own) => readPluginSets(own, problems)) : undefined,
    options: readPluginConfig(fields, problems),
  };
}

function readPercentage(fields: Fields, { invalid }: Problems): number | undefined {
  const percentage = fields.whole("percentageOfNodesToScore");
  if (percentage !== undefined && (percentage < 0 || percentage > 100))
    invalid.push(fields.path.child("percentageOfNodesToScore").invalid(percentage, "not in valid range [0-100]"));
  return percentage;
}

function readPluginConfig(fields: Fields, problems: Problems): PluginOptions {
  const seen = new Set<string>();
  let options: PluginOptions = {};
  fields.list("pluginConfig", (value, path) =>
    readItem(value, path, problems, (item) => {
      const name = item.text("name") ?? "";
      if (seen.has(name)) problems.invalid.push(path.duplicate(name));
      seen.add(name);
      const removed = removedText(name);
      if (removed !== undefined) problems.invalid.push(path.invalid(name, removed));
      if (takesArgs(name)) options = { ...options, ...item.object("args", (args) => readPluginArgs(name, args, problems)) };
      else item.ignore("args");
    }),
  );
  return options;
}

function checkProfiles(profiles: readonly { readonly schedulerName: string; readonly sets: PluginSets | undefined }[], { invalid }: Problems): void {
  const path = new FieldPath("profiles");
  const seen = new Map<string, number>();
  for (const [index, { schedulerName, sets }] of profiles.entries()) {
    const place = path.index(index);
    if (schedulerName === "") invalid.push(place.child("schedulerName").required());
    const before = seen.get(schedulerName);
    if (before !== undefined) invalid.push(place.child("schedulerName").duplicate(path.index(before).child("schedulerName").toString()));
    seen.set(schedulerName, index);
    const sort = (of: PluginSets | undefined): string => JSON.stringify(of?.queueSort ?? { enabled: [], disabled: [] });
    if (index > 0 && sort(sets) !== sort(profiles[0]?.sets)) invalid.push(place.child("plugins", "queueSort").invalid(sets?.queueSort, "must be the same for all profiles"));
  }
}

function resolve(
  { schedulerName, sets, options, percentageOfNodesToScore }: ReadProfile & { readonly schedulerName: string },
  everywhere: { readonly percentageOfNodesToScore: number | undefined; readonly ignored: readonly string[] },
  problems: Problems,
): readonly ProfileOptions[] {
  const percentage = percentageOfNodesToScore ?? everywhere.percentageOfNodesToScore;
  let plugins: PluginsByPoint;
  try {
    plugins = resolvePlugins(schedulerName, sets);
  } catch (error) {
    problems.others.push(`creating profile for scheduler name ${schedulerName}: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
  const ignoredResources = [...(options.ignoredResources ?? []), ...everywhere.ignored];
  return [{ ...options, ignoredResources, schedulerName, plugins, ...(percentage === undefined ? {} : { percentageOfNodesToScore: percentage }) }];
}
