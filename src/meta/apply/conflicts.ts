import { failure, type StatusError } from "../status-error.ts";
import type { FieldSet } from "./field-set.ts";
import { pathText } from "./fields-v1.ts";
import type { Manager } from "./managed-fields.ts";

/** Fields that a configuration would take from another manager. */
export interface Conflict {
  readonly manager: Manager;
  readonly fields: FieldSet;
}

/** 409 with one cause per field. @upstream apimachinery/pkg/util/managedfields/internal/conflict.go */
export function conflictError(conflicts: readonly Conflict[]): StatusError {
  const sorted = [...conflicts].sort((a, b) => (managerText(a.manager) < managerText(b.manager) ? -1 : 1));
  const all = sorted.flatMap(({ manager, fields }) => [...fields.paths()].map((path) => ({ who: managerText(manager), path: pathText(path) })));
  const causes = all.map(({ who, path }) => ({ reason: "FieldManagerConflict", message: `conflict with ${who}`, field: path }));
  return failure("Conflict", messageOf(all), { causes });
}

function messageOf(all: readonly { readonly who: string; readonly path: string }[]): string {
  const [first] = all;
  if (all.length === 1 && first !== undefined) return `Apply failed with 1 conflict: conflict with ${first.who}: ${first.path}`;
  const byManager = new Map<string, string[]>();
  for (const { who, path } of all) byManager.set(who, [...(byManager.get(who) ?? []), path]);
  const lines = [...byManager].flatMap(([who, paths]) => [`conflicts with ${who}:`, ...paths.map((path) => `- ${path}`)]);
  return `Apply failed with ${all.length} conflicts: ${lines.join("\n")}`;
}

function managerText({ name, operation, apiVersion, subresource }: Manager): string {
  const text = `${JSON.stringify(name)}${subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === "Update" ? `${text} using ${apiVersion}` : text;
}
