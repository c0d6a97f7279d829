import { customResourceDefinitions } from "../../api/generated/resources.ts";
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from "../../api/generated/types/apiextensions-v1.ts";
import type { StorageVersionMigration } from "../../api/generated/types/storagemigration-v1beta1.ts";
import { rfc3339, type Clock } from "../../base/clock.ts";
import type { Client } from "../../client/client.ts";
import { hasReason } from "../../meta/status-error.ts";
import { updateStatus } from "../update-status.ts";

const MIGRATING = "StorageMigrating";

interface Deps {
  readonly client: Client;
  readonly clock: Clock;
}

async function definitionOf({ spec: { resource } }: StorageVersionMigration, { client }: Deps, signal: AbortSignal): Promise<CustomResourceDefinition | undefined> {
  try {
    return await client.get(customResourceDefinitions, `${resource.resource}.${resource.group ?? ""}`, { signal });
  } catch (error) {
    if (hasReason(error, "NotFound")) return undefined;
    throw error;
  }
}

function withMigrating(
  definition: CustomResourceDefinition,
  condition: Omit<CustomResourceDefinitionCondition, "type" | "lastTransitionTime">,
  clock: Clock,
): CustomResourceDefinitionCondition[] {
  const conditions = definition.status?.conditions ?? [];
  const known = conditions.find(({ type }) => type === MIGRATING);
  const lastTransitionTime = known?.status === condition.status ? known.lastTransitionTime : rfc3339(clock.now());
  return [...conditions.filter(({ type }) => type !== MIGRATING), { ...condition, type: MIGRATING, lastTransitionTime }];
}

/** Tells a custom resource's definition that its objects are being written anew, and of which generation it was. @upstream pkg/controller/storageversionmigrator/migrationrunner.go markAsActive */
export async function markMigrating(migration: StorageVersionMigration, deps: Deps, signal: AbortSignal): Promise<void> {
  const definition = await definitionOf(migration, deps, signal);
  if (definition === undefined) return;
  const message = `Migration ${migration.metadata.name ?? ""} is running`;
  await updateStatus(deps.client, customResourceDefinitions, definition, {
    signal,
    next: (live) => ({
      ...live,
      status: {
        ...live.status,
        conditions: withMigrating(live, { status: "True", reason: "MigrationRunning", message, observedGeneration: live.metadata.generation }, deps.clock),
      },
    }),
  });
}

/** Once all is written anew nothing is stored in older versions, unless the definition has changed meanwhile. @upstream finishCRDMigration */
export async function finishMigrating(migration: StorageVersionMigration, succeeded: boolean, deps: Deps, signal: AbortSignal): Promise<void> {
  const definition = await definitionOf(migration, deps, signal);
  if (definition === undefined) return;
  await updateStatus(deps.client, customResourceDefinitions, definition, {
    signal,
    next(live) {
      const began = live.status?.conditions?.find(({ type }) => type === MIGRATING)?.observedGeneration;
      const isUnchanged = began !== undefined && began === live.metadata.generation;
      const text = isUnchanged ? " and the stored versions have been updated" : " but the stored versions have not been updated due to a generation mismatch";
      const conditions = withMigrating(
        live,
        succeeded
          ? { status: "False", reason: "MigrationSucceeded", message: `The migration has succeeded${text}`, observedGeneration: live.metadata.generation }
          : { status: "False", reason: "MigrationFailed", message: "The migration has failed", observedGeneration: live.metadata.generation },
        deps.clock,
      );
      const stored = live.spec.versions.find(({ storage }) => storage)?.name;
      const storedVersions = succeeded && isUnchanged && stored !== undefined ? [stored] : live.status?.storedVersions;
      return { ...live, status: { ...live.status, conditions, storedVersions } };
    },
  });
}
