import { customResourceDefinitions } from "../../api/generated/resources.ts";
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from "../../api/generated/types/apiextensions-v1.ts";
import { aborted } from "../../base/abort.ts";
import { rfc3339, type Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { deepEqual } from "../../base/values.ts";
import type { Client } from "../../client/client.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { ResourceTable } from "../resources/resource-table.ts";
import type { ServedResource } from "../resources/served-resource.ts";
import type { ConversionDeps } from "./conversion-webhook.ts";
import { serveDefinition } from "./serve-definition.ts";

const PREFIX = "/registry/apiextensions.k8s.io/customresourcedefinitions/";
const CLEANUP = "customresourcecleanup.apiextensions.k8s.io";
const RETRY_MS = 200;

export interface RegistrarDeps extends ConversionDeps {
  readonly table: ResourceTable;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Serves what definitions define: keeps the table current, tells in each definition's status how it stands, and
 * deletes the objects of a definition that goes. @upstream apiextensions-apiserver/pkg/controller/{status,establish,finalizer}
 */
export class CrdRegistrar {
  readonly #deps: RegistrarDeps;
  readonly #served = new Map<string, { readonly uid: string; readonly generation: number; readonly resources: readonly ServedResource[]; retire(): void }>();
  readonly #busy = new Set<string>();
  readonly #again = new Set<string>();

  constructor(deps: RegistrarDeps) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    const cache = this.#deps.cache.resource(PREFIX);
    const unsubscribe = cache.subscribe({
      notify: (events) => {
        for (const { type, entry } of events) {
          // Nobody who hears of the end may still find the resource.
          if (type === "DELETED") this.#withdraw(entry.key);
          void this.#look(entry.key, signal);
        }
      },
    });
    await Promise.all([...cache.range(PREFIX)].map(([key]) => this.#look(key, signal)));
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
      retry = await this.#settle(key);
    } catch (error) {
      retry = true;
      if (!hasReason(error, "Conflict") && !hasReason(error, "NotFound")) this.#deps.log.warn("custom resource definition not settled", { key, error });
    }
    this.#busy.delete(key);
    if (this.#again.delete(key)) void this.#look(key, signal);
    else if (retry) this.#deps.clock.after(RETRY_MS, () => void this.#look(key, signal));
  }

  /** Resolves true when it has to be looked at again soon. */
  async #settle(key: string): Promise<boolean> {
    const definition = this.#deps.cache.resource(PREFIX).get(key)?.object as CustomResourceDefinition | undefined;
    if (definition === undefined) {
      this.#withdraw(key);
      return false;
    }
    if (definition.metadata.deletionTimestamp !== undefined) return this.#cleanUp(key, definition);
    const conflict = this.#nameConflict(key, definition);
    if (conflict === undefined) this.#serve(key, definition);
    await this.#tell(definition, conflict);
    return false;
  }

  #serve(key: string, definition: CustomResourceDefinition): void {
    const { uid = "", generation = 0 } = definition.metadata;
    const known = this.#served.get(key);
    if (known?.uid === uid && known.generation === generation) return;
    const { resources, retire } = serveDefinition(definition, this.#deps);
    this.#withdraw(key);
    for (const served of resources) this.#deps.table.set(served);
    this.#served.set(key, { uid, generation, resources, retire });
  }

  #withdraw(key: string): void {
    const known = this.#served.get(key);
    for (const { resource } of known?.resources ?? []) this.#deps.table.delete(resource.group, resource.version, resource.resource);
    this.#served.delete(key);
    known?.retire();
  }

  /** A name that another definition of the group has already. */
  #nameConflict(key: string, definition: CustomResourceDefinition): string | undefined {
    const { spec } = definition;
    const builtin = this.#builtinOf(definition);
    if (builtin !== undefined) return `${JSON.stringify(builtin)} is already in use`;
    for (const [otherKey, { resources }] of this.#served) {
      const [other] = resources;
      if (otherKey === key || other === undefined || other.resource.group !== spec.group) continue;
      if (other.resource.kind === spec.names.kind) return `${JSON.stringify(spec.names.kind)} is already in use`;
      const taken = [other.resource.resource, other.definition.singular ?? "", ...(other.definition.shortNames ?? [])];
      const clash = [spec.names.plural, spec.names.singular ?? "", ...(spec.names.shortNames ?? [])].find((name) => name !== "" && taken.includes(name));
      if (clash !== undefined) return `${JSON.stringify(clash)} is already in use`;
    }
    return undefined;
  }

  /** The name that a built-in resource of the same group has: nothing may be served in its place, or deleted as if it were custom. */
  #builtinOf({ spec }: CustomResourceDefinition): string | undefined {
    for (const { resource, prune } of this.#deps.table.all()) {
      if (prune !== undefined || resource.group !== spec.group) continue;
      if (resource.resource === spec.names.plural) return spec.names.plural;
      if (resource.kind === spec.names.kind) return spec.names.kind;
    }
    return undefined;
  }

  async #tell(definition: CustomResourceDefinition, conflict: string | undefined): Promise<void> {
    const { client, clock } = this.#deps;
    const now = rfc3339(clock.now());
    const previous = definition.status?.conditions ?? [];
    const stamp = (condition: Omit<CustomResourceDefinitionCondition, "lastTransitionTime">): CustomResourceDefinitionCondition => {
      const known = previous.find(({ type }) => type === condition.type);
      return { ...condition, lastTransitionTime: known?.status === condition.status && known.lastTransitionTime !== undefined ? known.lastTransitionTime : now };
    };
    const wasEstablished = previous.some(({ type, status }) => type === "Established" && status === "True");
    const wanted = [
      stamp(
        conflict === undefined
          ? { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" }
          : { type: "NamesAccepted", status: "False", reason: "NameConflict", message: conflict },
      ),
      stamp(
        conflict === undefined || wasEstablished
          ? { type: "Established", status: "True", reason: "InitialNamesAccepted", message: "the initial names have been accepted" }
          : { type: "Established", status: "False", reason: "NotAccepted", message: "not all names are accepted" },
      ),
    ];
    const finalizers = definition.metadata.finalizers ?? [];
    let current = definition;
    if (!finalizers.includes(CLEANUP))
      current = await client.update(customResourceDefinitions, { ...definition, metadata: { ...definition.metadata, finalizers: [...finalizers, CLEANUP] } });
    const others = previous.filter(({ type }) => type !== "NamesAccepted" && type !== "Established");
    const acceptedNames = conflict === undefined ? definition.spec.names : definition.status?.acceptedNames;
    const status = { ...current.status, conditions: [...wanted, ...others], ...(acceptedNames === undefined ? {} : { acceptedNames }) };
    if (deepEqual(status, current.status)) return;
    await client.update(customResourceDefinitions, { ...current, status }, { subresource: "status" });
  }

  /** Deletes every object of the definition, then lets the definition go. */
  async #cleanUp(key: string, definition: CustomResourceDefinition): Promise<boolean> {
    const { client, cache } = this.#deps;
    const finalizers = definition.metadata.finalizers ?? [];
    if (!finalizers.includes(CLEANUP)) return false;
    const { group, names } = definition.spec;
    const prefix = `/registry/${group}/${names.plural}/`;
    const [served] = this.#served.get(key)?.resources ?? [];
    const isBuiltin = this.#builtinOf(definition) !== undefined;
    if (served === undefined && !isBuiltin) this.#serve(key, definition);
    const objects = isBuiltin ? [] : [...cache.resource(prefix).range(prefix)].map(([, entry]) => entry.object);
    const resource = served?.resource ?? this.#served.get(key)?.resources[0]?.resource;
    if (resource !== undefined && objects.length > 0) {
      const waiting = objects.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      await Promise.all(
        waiting.map(({ metadata }) =>
          client.delete(resource, metadata.name ?? "", { namespace: metadata.namespace }).catch((error: unknown) => {
            if (!hasReason(error, "NotFound")) this.#deps.log.debug("object of a definition not deleted", { error });
          }),
        ),
      );
      return true;
    }
    await client.update(customResourceDefinitions, { ...definition, metadata: { ...definition.metadata, finalizers: finalizers.filter((name) => name !== CLEANUP) } });
    return false;
  }
}
