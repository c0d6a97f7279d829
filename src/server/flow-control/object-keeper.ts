import { sameButExempt } from "../../api/flowcontrol/mandatory.ts";
import { flowSchemas, priorityLevelConfigurations } from "../../api/generated/resources.ts";
import type { FlowSchema, FlowSchemaCondition, PriorityLevelConfiguration, PriorityLevelConfigurationSpec } from "../../api/generated/types/flowcontrol-v1.ts";
import { aborted } from "../../base/abort.ts";
import { type Clock, rfc3339 } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { deepEqual } from "../../base/values.ts";
import type { Client } from "../../client/client.ts";
import type { Resource } from "../../meta/resource.ts";
import { hasReason } from "../../meta/status-error.ts";
import { ignoreTaken } from "../bootstrap/ensure.ts";
import type { StateCache } from "../cache/state-cache.ts";
import { LEVELS, SCHEMAS } from "./flow-control.ts";
import { type StandardObject, standardFlowSchemas, standardPriorityLevels } from "./standard-objects.ts";

const AUTO_UPDATE = "apf.kubernetes.io/autoupdate-spec";
const FIELD_MANAGER = "api-priority-and-fairness-config-consumer-v1";
const ENSURE_MANAGER = "api-priority-and-fairness-config-producer-v1";
/** What failed is tried again after this; somebody may be fighting over the objects, so not at once. */
const RETRY_MS = 1_000;
/** So often may one object be put right in a minute. */
const PER_MINUTE = 6;

export interface ObjectKeeperDeps {
  readonly cache: StateCache;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Keeps the standard objects there and right, and in every FlowSchema's status whether its level exists.
 * @upstream pkg/registry/flowcontrol/ensurer, apiserver/pkg/util/flowcontrol/apf_controller.go
 */
export class ObjectKeeper {
  readonly #deps: ObjectKeeperDeps;
  /** When what was last written, the newest last, of the last minute. */
  readonly #written = new Map<string, number[]>();
  #busy = false;
  #again = false;

  constructor(deps: ObjectKeeperDeps) {
    this.#deps = deps;
  }

  /** Looks whenever one of the objects changes. */
  async run(signal: AbortSignal): Promise<void> {
    const unsubscribe = [SCHEMAS, LEVELS].map((prefix) => this.#deps.cache.resource(prefix).subscribe({ notify: () => void this.#look(signal) }));
    void this.#look(signal);
    await aborted(signal);
    for (const end of unsubscribe) end();
  }

  /** Everything once. Resolves true when something is left to do later. */
  async settle(): Promise<boolean> {
    const left = await Promise.all([
      ...standardPriorityLevels.map((wanted) => this.#ensure<PriorityLevelConfiguration>(priorityLevelConfigurations, LEVELS, wanted, keepsExempt)),
      ...standardFlowSchemas.map((wanted) => this.#ensure<FlowSchema>(flowSchemas, SCHEMAS, wanted, (spec) => spec)),
    ]);
    const { cache, client } = this.#deps;
    const levels = cache.resource(LEVELS);
    const schemas = [...cache.resource(SCHEMAS).range(SCHEMAS)].map(([, { object }]) => object as FlowSchema);
    await Promise.all([
      ...this.#outdated(LEVELS, standardPriorityLevels).map((name) => client.delete(priorityLevelConfigurations, name).catch(ignoreGone)),
      ...this.#outdated(SCHEMAS, standardFlowSchemas).map((name) => client.delete(flowSchemas, name).catch(ignoreGone)),
    ]);
    left.push(...(await Promise.all(schemas.map((schema) => this.#tellDangling(schema, levels.get(LEVELS + schema.spec.priorityLevelConfiguration.name) === undefined)))));
    return left.includes(true);
  }

  /** What an earlier version made, nobody has taken over, and this one does not know. */
  #outdated(prefix: string, standard: readonly StandardObject<unknown>[]): readonly string[] {
    const known = new Set(standard.map(({ name }) => name));
    const names: string[] = [];
    for (const [, { object }] of this.#deps.cache.resource(prefix).range(prefix)) {
      const { name = "", annotations, deletionTimestamp } = object.metadata;
      if (annotations?.[AUTO_UPDATE] === "true" && !known.has(name) && deletionTimestamp === undefined) names.push(name);
    }
    return names;
  }

  /** One look at a time; what changes meanwhile is looked at again. */
  async #look(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    let later = false;
    try {
      later = await this.settle();
    } catch (error) {
      later = true;
      if (!hasReason(error, "Conflict")) this.#deps.log.warn("objects of priority and fairness not settled", { error });
    }
    this.#busy = false;
    const again = this.#again;
    this.#again = false;
    if (again && !later) void this.#look(signal);
    else if (later) this.#deps.clock.after(RETRY_MS, () => void this.#look(signal));
  }

  async #ensure<T extends FlowSchema | PriorityLevelConfiguration>(
    resource: Resource<T>,
    prefix: string,
    { name, spec, isMandatory }: StandardObject<T["spec"]>,
    adapt: (wanted: T["spec"], present: T["spec"], mayReplace: boolean) => T["spec"],
  ): Promise<boolean> {
    const { cache, client } = this.#deps;
    const present = cache.resource(prefix).get(prefix + name)?.object as T | undefined;
    if (present === undefined) {
      if (!this.#mayWrite(prefix + name)) return true;
      const made = { metadata: { name, annotations: { [AUTO_UPDATE]: "true" } }, spec };
      await client.create<T>(resource, made as unknown as Parameters<typeof client.create<T>>[1], { fieldManager: ENSURE_MANAGER }).catch(ignoreTaken);
      return false;
    }
    const updates = isMandatory || followsUpdates(present);
    const wanted = updates ? adapt(spec, present.spec, followsUpdates(present)) : present.spec;
    const annotation = isMandatory ? mandatoryAnnotation(name, present) : String(updates);
    if (present.metadata.annotations?.[AUTO_UPDATE] === annotation && deepEqual(wanted, present.spec)) return false;
    if (!this.#mayWrite(prefix + name)) return true;
    const metadata = { ...present.metadata, annotations: { ...present.metadata.annotations, [AUTO_UPDATE]: annotation } };
    await client.update<T>(resource, { ...present, metadata, spec: wanted }, { fieldManager: ENSURE_MANAGER }).catch(ignoreGone);
    return false;
  }

  async #tellDangling({ metadata, spec, status }: FlowSchema, isDangling: boolean): Promise<boolean> {
    const { client, clock } = this.#deps;
    const { name = "" } = metadata;
    const level = spec.priorityLevelConfiguration.name;
    const begin = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`;
    const wanted: FlowSchemaCondition = isDangling
      ? { type: "Dangling", status: "True", reason: "NotFound", message: `${begin} but there is no such object` }
      : { type: "Dangling", status: "False", reason: "Found", message: `${begin} and it exists` };
    const present = status?.conditions?.find(({ type }) => type === "Dangling");
    if (present !== undefined && deepEqual({ ...present, lastTransitionTime: undefined }, wanted)) return false;
    if (!this.#mayWrite(`${SCHEMAS}${name}/status`)) return true;
    const condition = { ...wanted, lastTransitionTime: rfc3339(clock.now()) };
    const patch = { type: "strategic", value: { status: { conditions: [condition] } } } as const;
    await client.patch(flowSchemas, name, patch, { subresource: "status", fieldManager: FIELD_MANAGER }).catch(ignoreGone);
    return false;
  }

  /** Two servers of different versions must not fight as fast as they can. */
  #mayWrite(key: string): boolean {
    const now = this.#deps.clock.now();
    const recent = (this.#written.get(key) ?? []).filter((at) => now - at < 60_000);
    if (recent.length === 0) this.#written.delete(key);
    if (recent.length >= PER_MINUTE) return false;
    this.#written.set(key, [...recent, now]);
    return true;
  }
}

/** Whether the spec is still ours to keep: as the annotation says, and without one while nobody has changed it. */
function followsUpdates({ metadata }: FlowSchema | PriorityLevelConfiguration): boolean {
  const annotation = metadata.annotations?.[AUTO_UPDATE];
  return annotation === "true" || (annotation !== "false" && metadata.generation === 1);
}

/** Of the exempt level an administrator may take over what it lends, and the annotation says so. */
function mandatoryAnnotation(name: string, present: FlowSchema | PriorityLevelConfiguration): string {
  return name === "exempt" && present.kind === "PriorityLevelConfiguration" ? String(followsUpdates(present)) : "true";
}

function keepsExempt(wanted: PriorityLevelConfigurationSpec, present: PriorityLevelConfigurationSpec, mayReplace: boolean): PriorityLevelConfigurationSpec {
  return wanted.type === "Exempt" && !mayReplace && sameButExempt(wanted, present) ? present : wanted;
}

/** It was deleted, or another was faster: the cache will tell. */
function ignoreGone(error: unknown): void {
  if (!hasReason(error, "NotFound") && !hasReason(error, "Conflict")) throw error;
}
