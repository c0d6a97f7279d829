export { humanDuration } from "./human-duration.ts";
import type { ListMeta } from "./generated/meta-v1.ts";
import type { KubeObject } from "./object.ts";

/** What `kubectl get` shows: meta.k8s.io/v1 Table. @upstream apimachinery/pkg/apis/meta/v1/types.go */
export interface Table {
  readonly kind: "Table";
  readonly apiVersion: "meta.k8s.io/v1";
  readonly metadata: ListMeta;
  readonly columnDefinitions: readonly TableColumnDefinition[];
  readonly rows: readonly TableRow[];
}

export interface TableColumnDefinition {
  readonly name: string;
  /** OpenAPI type: string, integer, number, boolean, date. */
  readonly type: string;
  /** `name` marks the column that names the object. */
  readonly format: string;
  readonly description: string;
  /** Above 0: only with `-o wide`. */
  readonly priority: number;
}

export interface TableRow {
  readonly cells: readonly (string | number | boolean | null)[];
  readonly conditions?: readonly TableRowCondition[] | undefined;
  /** Depends on includeObject; the metadata alone by default. */
  readonly object?: KubeObject | undefined;
}

export interface TableRowCondition {
  readonly type: "Completed";
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

/** An object's metadata alone. */
export interface PartialObjectMetadata extends KubeObject {
  readonly kind: "PartialObjectMetadata";
  readonly apiVersion: "meta.k8s.io/v1";
}

export interface PartialObjectMetadataList {
  readonly kind: "PartialObjectMetadataList";
  readonly apiVersion: "meta.k8s.io/v1";
  readonly metadata: ListMeta;
  readonly items: readonly PartialObjectMetadata[];
}

export const metaApiVersion = "meta.k8s.io/v1";

export function partialObjectMetadata({ metadata }: Pick<KubeObject, "metadata">): PartialObjectMetadata {
  return { kind: "PartialObjectMetadata", apiVersion: metaApiVersion, metadata };
}
