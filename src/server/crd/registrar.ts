import { customResourceDefinitions } from "../../api/generated/resources.ts";
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from "../../api/generated/types/apiextensions-v1.ts";
import { aborted } from "../../base/abort.ts";
import { deepEqual } from "../../base/values.ts";
import type { Client } from "../../client/client.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { ServerParts } from "../context.ts";
import { acceptNames, type TakenNames } from "./accept-names.ts";
import type { ConversionDeps } from "./conversion-webhook.ts";
import { isTrue, statusOf, withCondition } from "./definition-status.ts";
import { deleteInstances } from "./delete-instances.ts";
import { serveDefinition, type ServedDefinition } from "./serve-definition.ts";
import { DEFINITIONS } from "./terminating-definitions.ts";

const CLEANUP = "customresourcecleanup.apiextensions.k8s.io";
const RETRY_MS = 200;
const MOST_RETRY_MS = 5_000;
/** After so long a deletion that waits for its objects says so. */
const PATIENCE_MS = 60_000;

export interface RegistrarDeps extends ServerParts, ConversionDeps {
  readonly client: Client;
}

interface Served extends ServedDefinition {
  readonly uid: string;
  readonly spec: CustomResourceDefinition["spec"];
  readonly names: CustomResourceDefinitionNames;
}

/**
 * Serves what definitions define: keeps the table current, tells in each definition's status how it stands, and
 * deletes the objects of a definition that goes. @upstream apiextensions-apiserver/pkg/controller/{status,establish,finalizer}
 */
export class CrdRegistrar {
  readonly #deps: RegistrarDeps;
  readonly #served = new Map<string, Served>();
  /** Names given away, before any status says so. */
  readonly #names = new Map<string, { readonly group: string; readonly names: CustomResourceDefinitionNames }>();
  readonly #busy = new Set<string>();
  readonly #again = new Set<string>();
  /** How long the next look at what could not be settled waits. */
  readonly #waits = new Map<string, number>();
  /** Since when a definition's objects are being deleted. */
  readonly #deletingSince = new Map<string, number>();

  constructor(deps: RegistrarDeps) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    const cache = this.#deps.cache.resource(DEFINITIONS);
    const unsubscribe = cache.subscribe({
      notify: (events) => {
        for (const { type, entry } of events) {
          // Nobody who hears of the end may still find the resource.
          if (type === "DELETED") this.#forget(entry.key, signal);
          void this.#look(entry.key, signal);
        }
      },
    });
    await Promise.all([...cache.range(DEFINITIONS)].map(([key]) => this.#look(key, signal)));
    await aborted(signal);
    unsubscribe();
  }

  /** One look at a time per definition; what changes meanwhile is looked at again. */
  async #look(key: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (this.#busy.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#busy.add(key);
    let retry = false;
    try {
      retry = await this.#settle(key, signal);
    } catch (error) {
      retry = true;
      if (!hasReason(error, "Conflict") && !hasReason(error, "NotFound")) this.#deps.log.warn("custom resource definition not settled", { key, error });
    }
    this.#busy.delete(key);
    const wait = this.#waits.get(key) ?? RETRY_MS;
    if (retry) this.#waits.set(key, Math.min(wait * 2, MOST_RETRY_MS));
    else this.#waits.delete(key);
    if (this.#again.delete(key)) void this.#look(key, signal);
    else if (retry) this.#deps.clock.after(wait, () => void this.#look(key, signal));
  }

  /** Resolves true when it has to be looked at again soon. */
  async #settle(key: string, signal: AbortSignal): Promise<boolean> {
    const definition = this.#deps.cache.resource(DEFINITIONS).get(key)?.object as CustomResourceDefinition | undefined;
    if (definition === undefined) return false;
    if (definition.metadata.deletionTimestamp !== undefined) return this.#cleanUp(key, definition, signal);
    const acceptance = acceptNames(definition, this.#takenBeside(key, definition));
    this.#names.set(key, { group: definition.spec.group, names: acceptance.names });
    const status = statusOf(definition, acceptance, this.#deps.clock.now());
    if (acceptance.conflict === undefined || isTrue(definition, "Established")) this.#serve(key, definition, acceptance.names);
    await this.#tell(definition, status);
    return false;
  }

  #serve(key: string, definition: CustomResourceDefinition, names: CustomResourceDefinitionNames): void {
    const { uid = "" } = definition.metadata;
    const { spec } = definition;
    const known = this.#served.get(key);
    if (known?.uid === uid && deepEqual(known.spec, spec) && deepEqual(known.names, names)) return;
    const made = serveDefinition({ ...definition, spec: { ...spec, names } }, this.#deps);
    this.#withdraw(key);
    for (const served of made.resources) this.#deps.table.set(served);
    this.#served.set(key, { ...made, uid, spec, names });
  }

  #withdraw(key: string): void {
    const known = this.#served.get(key);
    for (const { resource } of known?.resources ?? []) this.#deps.table.delete(resource.group, resource.version, resource.resource);
    this.#served.delete(key);
    known?.retire();
  }

  /** What waited for the names may have them now. */
  #forget(key: string, signal: AbortSignal): void {
    const group = this.#names.get(key)?.group;
    this.#withdraw(key);
    this.#names.delete(key);
    this.#deletingSince.delete(key);
    for (const [other, entry] of this.#deps.cache.resource(DEFINITIONS).range(DEFINITIONS)) {
      const definition = entry.object as CustomResourceDefinition;
      if (other !== key && definition.spec.group === group && !isTrue(definition, "NamesAccepted")) void this.#look(other, signal);
    }
  }

  /** Names of other definitions of the group and, lest something is served in its place, of what is built in. */
  #takenBeside(key: string, { spec }: CustomResourceDefinition): TakenNames {
    const [resources, kinds] = [new Set<string>(), new Set<string>()];
    const take = ({ plural, singular = "", shortNames = [], kind, listKind = "" }: Partial<CustomResourceDefinitionNames>): void => {
      for (const name of [plural ?? "", singular, ...shortNames]) if (name !== "") resources.add(name);
      for (const name of [kind ?? "", listKind]) if (name !== "") kinds.add(name);
    };
    for (const [other, entry] of this.#deps.cache.resource(DEFINITIONS).range(DEFINITIONS)) {
      const definition = entry.object as CustomResourceDefinition;
      if (other !== key && definition.spec.group === spec.group) take(this.#names.get(other)?.names ?? definition.status?.acceptedNames ?? {});
    }
    for (const { resource, prune } of this.#deps.table.all()) {
      if (prune === undefined && resource.group === spec.group) take({ plural: resource.resource, kind: resource.kind });
    }
    return { resources, kinds };
  }

  #isBuiltin({ spec }: CustomResourceDefinition): boolean {
    return this.#deps.table.all().some(({ resource, prune }) => prune === undefined && resource.group === spec.group && resource.resource === spec.names.plural);
  }

  /** The finalizer first: nothing may be made of a definition whose end would not be seen. */
  async #tell(definition: CustomResourceDefinition, status: NonNullable<CustomResourceDefinition["status"]>): Promise<void> {
    const { client } = this.#deps;
    const finalizers = definition.metadata.finalizers ?? [];
    const current = finalizers.includes(CLEANUP)
      ? definition
      : await client.update(customResourceDefinitions, { ...definition, metadata: { ...definition.metadata, finalizers: [...finalizers, CLEANUP] } });
    const next = { ...status, storedVersions: current.status?.storedVersions };
    if (!deepEqual(next, current.status)) await client.update(customResourceDefinitions, { ...current, status: next }, { subresource: "status" });
  }

  /** Deletes every object of the definition, then lets the definition go. */
  async #cleanUp(key: string, definition: CustomResourceDefinition, signal: AbortSignal): Promise<boolean> {
    const { client, clock } = this.#deps;
    const finalizers = definition.metadata.finalizers ?? [];
    if (!finalizers.includes(CLEANUP)) return false;
    const say = async (current: CustomResourceDefinition, status: "True" | "False", reason: string, message: string): Promise<CustomResourceDefinition> => {
      const conditions = [...withCondition(current.status?.conditions ?? [], { type: "Terminating", status, reason, message }, clock.now())];
      if (deepEqual(conditions, current.status?.conditions)) return current;
      return client.update(customResourceDefinitions, { ...current, status: { ...current.status, conditions } }, { subresource: "status" });
    };
    let current = definition;
    if (this.#isBuiltin(definition)) current = await say(current, "False", "OverlappingBuiltInResource", "instances overlap with built-in resources in storage");
    else if (!isTrue(definition, "Established")) current = await say(current, "False", "NeverEstablished", "resource was never established");
    else {
      if (!isTrue(definition, "Terminating")) current = await say(current, "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress");
      this.#serve(key, definition, definition.status?.acceptedNames ?? definition.spec.names);
      const since = this.#deletingSince.get(key) ?? clock.now();
      this.#deletingSince.set(key, since);
      const stored = this.#served.get(key)?.stored;
      const { left, failure } = stored === undefined ? { left: 0, failure: undefined } : await deleteInstances(stored, this.#deps, signal);
      if (left > 0) {
        if (failure !== undefined) await say(current, "True", "InstanceDeletionFailed", `could not issue all deletes: ${failure}`);
        else if (clock.now() - since >= PATIENCE_MS)
          await say(current, "True", "InstanceDeletionCheck", "could not confirm zero CustomResources remaining: timed out waiting for the condition");
        return true;
      }
      current = await say(current, "False", "InstanceDeletionCompleted", "removed all instances");
    }
    await client.update(customResourceDefinitions, { ...current, metadata: { ...current.metadata, finalizers: finalizers.filter((name) => name !== CLEANUP) } });
    return false;
  }
}
