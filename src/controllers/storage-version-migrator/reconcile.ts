import { storageVersionMigrations } from "../../api/generated/resources.ts";
import type { StorageVersionMigration } from "../../api/generated/types/storagemigration-v1beta1.ts";
import { isConditionTrue } from "../../api/storagemigration/storage-version-migration.ts";
import { rfc3339 } from "../../base/clock.ts";
import { keyOf, type KubeObject } from "../../meta/object.ts";
import type { Resource } from "../../meta/resource.ts";
import { StatusError } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { discoverResources } from "../discover-resources.ts";
import { enqueueKeys } from "../enqueue.ts";
import { messageOf } from "../failures.ts";
import { updateStatus } from "../update-status.ts";
import { finishMigrating, markMigrating } from "./migrating-definition.ts";
import { isFinished, isSameResource, type MigrationCondition, nextStep, withTrue } from "./plan.ts";
import { rewriteObjects } from "./rewrite-objects.ts";

const failedReason = "StorageVersionMigrationFailed";
/** A server that is busy, or on its way up, is asked again. */
const passing = new Set([429, 503, 504]);

/** Writes all objects of a resource anew when asked to. @upstream pkg/controller/storageversionmigrator */
export function storageVersionMigrator(deps: ControllerDeps): Controller {
  const { client, clock } = deps;
  const informer = deps.informers.informer(storageVersionMigrations);

  const ofSameResource = (migration: StorageVersionMigration): readonly StorageVersionMigration[] => informer.lister.list().filter((other) => isSameResource(other, migration));

  async function say(migration: StorageVersionMigration, type: MigrationCondition, reason: string, message: string, signal: AbortSignal): Promise<void> {
    await updateStatus(client, storageVersionMigrations, migration, {
      signal,
      next: (live) =>
        isFinished(live)
          ? undefined
          : { ...live, status: { ...live.status, conditions: withTrue(live.status?.conditions ?? [], { type, reason, message }, rfc3339(clock.now())) } },
    });
  }

  async function resourceOf({ spec }: StorageVersionMigration): Promise<Resource<KubeObject> | undefined> {
    const { resources, failures } = await discoverResources(client);
    const found = resources.find(
      ({ group, resource, verbs }) => group === (spec.resource.group ?? "") && resource === spec.resource.resource && verbs.includes("patch") && verbs.includes("list"),
    );
    const isUnknown = [...failures.keys()].some((version) => version.startsWith(`${spec.resource.group ?? ""}/`));
    if (found === undefined && isUnknown) throw new Error(`the resources of ${spec.resource.group ?? ""} could not be discovered`);
    return found;
  }

  async function migrate(migration: StorageVersionMigration, signal: AbortSignal): Promise<void> {
    const resource = await resourceOf(migration);
    if (resource === undefined) return say(migration, "Failed", failedReason, "resource does not exist in discovery", signal);
    const began = migration.status?.resourceVersion ?? "";
    if (began === "") {
      // What is written from here on needs no migration; a migration that is taken up again goes on from here.
      const { metadata } = await client.list(resource, { limit: 1, signal });
      await updateStatus(client, storageVersionMigrations, migration, {
        signal,
        next: (live) => ((live.status?.resourceVersion ?? "") === "" ? { ...live, status: { ...live.status, resourceVersion: metadata.resourceVersion ?? "" } } : undefined),
      });
      return undefined;
    }
    try {
      await rewriteObjects(client, resource, began, signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof StatusError) || passing.has(error.code)) throw error;
      deps.log.warn("storage version migration failed", { migration: migration.metadata.name, error: messageOf(error) });
      return say(migration, "Failed", failedReason, "migration encountered unhandled error", signal);
    }
    return say(migration, "Succeeded", "StorageVersionMigrationSucceeded", "", signal);
  }

  async function cleanUp(migration: StorageVersionMigration, signal: AbortSignal): Promise<void> {
    await finishMigrating(migration, isConditionTrue(migration, "Succeeded"), deps, signal);
    await updateStatus(client, storageVersionMigrations, migration, {
      signal,
      next: (live) => ({ ...live, status: { ...live.status, conditions: live.status?.conditions?.filter(({ type }) => type !== "Running") } }),
    });
  }

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const migration = informer.lister.get(key);
    if (migration === undefined) return;
    switch (nextStep(migration, ofSameResource(migration))) {
      case "begin":
        await markMigrating(migration, deps, signal);
        await say(migration, "Running", "MigrationRunning", "The migration is running", signal);
        return;
      case "migrate":
        await migrate(migration, signal);
        return;
      case "clean-up":
        await cleanUp(migration, signal);
        return;
      default:
    }
  }

  function setup(queue: Enqueue): void {
    // What one does can be another's turn.
    enqueueKeys(queue, informer, (migration) => [keyOf(migration), ...ofSameResource(migration).map(keyOf)]);
  }

  return { name: "storage-version-migrator", workers: 5, setup, reconcile };
}
