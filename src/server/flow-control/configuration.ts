import { mandatoryFlowSchemas, mandatoryPriorityLevels } from "../../api/flowcontrol/mandatory.ts";
import type { FlowSchema, PriorityLevelConfiguration, PriorityLevelConfigurationSpec } from "../../api/generated/types/flowcontrol-v1.ts";

/** What the objects say, made whole: mandatory ones that are missing are there, and what is broken is not. */
export interface Configuration {
  /** In the order in which they are tried. */
  readonly schemas: readonly FlowSchema[];
  readonly levels: readonly LevelConfiguration[];
}

export interface LevelConfiguration {
  readonly name: string;
  readonly uid: string;
  readonly spec: PriorityLevelConfigurationSpec;
}

/** @upstream apiserver/pkg/util/flowcontrol/apf_controller.go */
export function configurationOf(schemas: Iterable<FlowSchema>, levels: Iterable<PriorityLevelConfiguration>): Configuration {
  const known = new Map<string, LevelConfiguration>();
  for (const [name, spec] of mandatoryPriorityLevels) known.set(name, { name, uid: "", spec });
  for (const { metadata, spec } of levels) {
    const { name = "", uid = "" } = metadata;
    if (isWhole(name, spec)) known.set(name, { name, uid, spec });
  }
  const usable = new Map<string, FlowSchema>();
  for (const [name, spec] of mandatoryFlowSchemas) usable.set(name, { apiVersion: "flowcontrol.apiserver.k8s.io/v1", kind: "FlowSchema", metadata: { name }, spec });
  for (const schema of schemas) if (known.has(schema.spec.priorityLevelConfiguration.name)) usable.set(schema.metadata.name ?? "", schema);
  return { schemas: [...usable.values()].sort(byPrecedence), levels: [...known.values()] };
}

/** Only the level `exempt` is exempt, and every other says what its limit is. */
function isWhole(name: string, { type, limited }: PriorityLevelConfigurationSpec): boolean {
  if ((name === "exempt") !== (type === "Exempt") || (type === "Exempt") !== (limited === undefined)) return false;
  return limited === undefined || (limited.limitResponse?.type === "Queue") === (limited.limitResponse?.queuing !== undefined);
}

/** Lower numbers first, then by name. */
function byPrecedence(one: FlowSchema, other: FlowSchema): number {
  const difference = (one.spec.matchingPrecedence ?? 1000) - (other.spec.matchingPrecedence ?? 1000);
  if (difference !== 0) return difference;
  return (one.metadata.name ?? "") < (other.metadata.name ?? "") ? -1 : 1;
}
