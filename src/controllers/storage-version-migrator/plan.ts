import type { StorageVersionMigration } from "../../api/generated/types/storagemigration-v1beta1.ts";
import { isConditionTrue } from "../../api/storagemigration/storage-version-migration.ts";
import type { Condition } from "../../meta/generated/meta-v1.ts";

export type MigrationCondition = "Running" | "Succeeded" | "Failed";

export const isFinished = (migration: StorageVersionMigration): boolean => isConditionTrue(migration, "Succeeded") || isConditionTrue(migration, "Failed");

export const isSameResource = ({ spec: { resource: a } }: StorageVersionMigration, { spec: { resource: b } }: StorageVersionMigration): boolean =>
  (a.group ?? "") === (b.group ?? "") && a.resource === b.resource;

/**
 * What is next for one of the migrations of a resource: of those that are not finished one runs at a time, the oldest
 * first. @upstream pkg/controller/storageversionmigrator/migrationrunner.go
 */
export function nextStep(migration: StorageVersionMigration, ofResource: readonly StorageVersionMigration[]): "clean-up" | "begin" | "migrate" | "wait" {
  if (isFinished(migration)) return migration.status?.conditions?.some(({ type }) => type === "Running") === true ? "clean-up" : "wait";
  if (isConditionTrue(migration, "Running")) return "migrate";
  const waiting = ofResource.filter((other) => !isFinished(other));
  // What one has left behind is cleaned up before the next begins.
  if (waiting.some((other) => isConditionTrue(other, "Running")) || ofResource.some((other) => nextIsCleanUp(other))) return "wait";
  const [first] = [...waiting].sort((a, b) => ageOf(a) - ageOf(b) || compareText(a.metadata.name ?? "", b.metadata.name ?? ""));
  return first?.metadata.name === migration.metadata.name ? "begin" : "wait";
}

const nextIsCleanUp = (migration: StorageVersionMigration): boolean => isFinished(migration) && migration.status?.conditions?.some(({ type }) => type === "Running") === true;
const ageOf = ({ metadata }: StorageVersionMigration): number => Date.parse(metadata.creationTimestamp ?? "") || 0;
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The conditions with one more that is true; what is finished does not run. @upstream pkg/controller/storageversionmigrator/util.go setStatusConditions */
export function withTrue(
  conditions: readonly Condition[],
  next: { readonly type: MigrationCondition; readonly reason: string; readonly message: string },
  now: string,
): readonly Condition[] {
  if (conditions.some(({ type, status }) => type === next.type && status === "True")) return conditions;
  const others = conditions
    .filter(({ type }) => type !== next.type)
    .map((condition) =>
      condition.type === "Running" && next.type !== "Running" && condition.status === "True" ? { ...condition, status: "False", lastTransitionTime: now } : condition,
    );
  return [...others, { ...next, status: "True", lastTransitionTime: now }];
}

/** Whether an object has been written since a migration began: then it is as it should be. */
export function isWrittenSince(resourceVersion: string | undefined, began: string): boolean {
  return BigInt(resourceVersion ?? "0") > BigInt(began);
}
