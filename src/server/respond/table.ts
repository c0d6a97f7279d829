import type { Column } from "../../api/kind.ts";
import { badRequest } from "../../meta/status-error.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { ServedResource } from "../resources/served-resource.ts";
import { metadataOnly } from "./response.ts";

interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

export interface TableRow {
  readonly cells: readonly unknown[];
  readonly object?: unknown;
}

export interface Table {
  readonly kind: "Table";
  readonly apiVersion: "meta.k8s.io/v1";
  readonly metadata: { readonly resourceVersion?: string | undefined; readonly continue?: string | undefined; readonly remainingItemCount?: number | undefined };
  readonly columnDefinitions: readonly TableColumn[] | null;
  readonly rows: readonly TableRow[];
}

/** What a row carries beside its cells: `?includeObject=`. */
export type IncludeObject = "None" | "Metadata" | "Object";

export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const asked = query.get("includeObject") ?? "";
  if (asked === "") return "Metadata";
  if (asked === "None" || asked === "Metadata" || asked === "Object") return asked;
  throw badRequest(`unrecognized includeObject value: "${asked}"`);
}

const nameColumn: Column<KubeObject> = { name: "Name", type: "string", format: "name", value: ({ metadata }) => metadata.name ?? "" };
const createdAt: Column<KubeObject> = { name: "Created At", type: "date", value: ({ metadata }) => metadata.creationTimestamp ?? "<unknown>" };
/** What upstream's printer shows of a kind without columns of its own. */
const defaultColumns: readonly Column<KubeObject>[] = [nameColumn, createdAt];

export function columnsOf(served: ServedResource): readonly Column<KubeObject>[] {
  return served.definition.columns ?? defaultColumns;
}

export function columnDefinitions(served: ServedResource): readonly TableColumn[] {
  return columnsOf(served).map(({ name, type, format, priority }) => ({ name, type, format: format ?? "", description: "", priority: priority ?? 0 }));
}

export function rowOf(served: ServedResource, object: KubeObject, include: IncludeObject, nowMs: number): TableRow {
  const cells = columnsOf(served).map((column) => column.value(object, { nowMs }));
  if (include === "None") return { cells, object: null };
  return { cells, object: include === "Object" ? object : metadataOnly(object) };
}

export function tableOf(served: ServedResource, rows: readonly TableRow[], metadata: Table["metadata"]): Table {
  return { kind: "Table", apiVersion: "meta.k8s.io/v1", metadata, columnDefinitions: columnDefinitions(served), rows };
}
