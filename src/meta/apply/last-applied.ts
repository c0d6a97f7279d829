import type { KubeObject } from "../object.ts";
import { isJsonObject } from "../patch/json-value.ts";
import type { Schema } from "../schema.ts";
import { utf8Length } from "../text-rules.ts";
import { compareObjects } from "./compare.ts";
import type { FieldSet } from "./field-set.ts";
import { fieldSetOf } from "./field-set-of.ts";

export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";
const maxAnnotationBytes = 256 * 1024;

/**
 * What `kubectl apply` set from the client's side and still is as it was set; undefined when the annotation is missing
 * or says nothing of use. @upstream apimachinery/pkg/util/managedfields/internal/lastappliedmanager.go
 */
export function lastAppliedFields(live: KubeObject, schema: Schema): FieldSet | undefined {
  const text = live.metadata.annotations?.[lastAppliedAnnotation] ?? "";
  const config = parse(text);
  if (config?.["apiVersion"] !== live.apiVersion) return undefined;
  const { added, modified, removed } = compareObjects(live, config, schema);
  return fieldSetOf(config, schema).difference(modified).difference(added).difference(removed);
}

function parse(text: string): { readonly [field: string]: unknown } | undefined {
  if (text === "") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The annotation follows kubectl's server-side apply where it exists. @upstream managedfields/internal/lastappliedupdater.go */
export function refreshLastApplied(object: KubeObject, config: KubeObject): KubeObject {
  const { annotations } = object.metadata;
  if (annotations === undefined || (annotations[lastAppliedAnnotation] ?? "") === "") return object;
  const { managedFields: _, ...metadata } = config.metadata;
  const { [lastAppliedAnnotation]: __, ...kept } = metadata.annotations ?? {};
  const text = `${JSON.stringify({ ...config, metadata: { ...metadata, annotations: kept } })}\n`;
  const value = utf8Length(text) > maxAnnotationBytes ? "" : text;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [lastAppliedAnnotation]: value } } };
}
