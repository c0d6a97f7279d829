import { isJsonObject, ownField, type JsonObject } from "../patch/json-value.ts";
import type { Schema } from "../schema.ts";
import { keyPart } from "./fields-v1.ts";

/**
 * What a value is to server-side apply. Atomic lists and maps belong to one manager as a whole; the items of the
 * others are told apart. @upstream structured-merge-diff schema, kube-openapi schemaconv
 */
export type Shape = "scalar" | "atomic" | "map" | "list";

/** The shape by the schema, or by the value where the schema allows anything. */
export function shapeOf(schema: Schema | undefined, value: unknown): Shape {
  switch (schema?.type) {
    case undefined:
    case "any":
      return Array.isArray(value) ? "atomic" : isJsonObject(value) ? "map" : "scalar";
    case "object":
    case "map":
      return schema.mapType === "atomic" ? "atomic" : "map";
    case "array":
      return relationOf(schema) === "atomic" ? "atomic" : "list";
    default:
      return "scalar";
  }
}

function relationOf(schema: Schema): "atomic" | "set" | "map" {
  if (schema.listType !== undefined) return schema.listType;
  if (schema.patchStrategy?.includes("merge") !== true) return "atomic";
  return schema.patchMergeKey === undefined ? "set" : "map";
}

/** The schema below a key, and whether the schema names that key (a map's keys are the user's). */
export function fieldOf(schema: Schema | undefined, name: string): { readonly schema: Schema | undefined; readonly isNamed: boolean } {
  if (schema?.type === "map") return { schema: schema.items, isNamed: false };
  const named = schema?.fields !== undefined && Object.hasOwn(schema.fields, name) ? schema.fields[name] : undefined;
  return { schema: named, isNamed: named !== undefined };
}

/** An item of a list has no part: what is wrong with it. */
export class ItemFault {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The fields that tell the items of a keyed list apart; undefined for a set. */
export function listKeys(schema: Schema): readonly string[] | undefined {
  if (relationOf(schema) === "set") return undefined;
  return schema.listMapKeys ?? (schema.patchMergeKey === undefined ? [] : [schema.patchMergeKey]);
}

/** The part of a path that stands for an item of a set or a keyed list. */
export function itemPart(schema: Schema, item: unknown): string | ItemFault {
  const keys = listKeys(schema);
  if (keys === undefined) {
    if (item === null) return new ItemFault("associative list without keys has an element that's an explicit null");
    if (Array.isArray(item)) return new ItemFault("not supported: associative list with lists as elements");
    if (typeof item === "object") return new ItemFault("associative list without keys has an element that's a map type");
    return `v:${JSON.stringify(item)}`;
  }
  if (item === null) return new ItemFault("associative list with keys may not have a null element");
  if (!isJsonObject(item)) return new ItemFault("associative list with keys may not have non-map elements");
  const fields: Record<string, unknown> = {};
  for (const key of keys) {
    const value = ownField(item, key) ?? schema.items?.fields?.[key]?.default;
    if (value === undefined) return new ItemFault(`associative list with keys has an element that omits key field ${JSON.stringify(key)} (and doesn't have default value)`);
    fields[key] = value;
  }
  return keyPart(fields);
}

/** Items with their parts; those without one are left out, for they were refused when they were written. */
export function partsOf(schema: Schema, list: readonly unknown[]): { readonly part: string; readonly item: unknown }[] {
  return list.flatMap((item) => {
    const part = itemPart(schema, item);
    return typeof part === "string" ? [{ part, item }] : [];
  });
}

export const isEmptyObject = (value: JsonObject): boolean => Object.keys(value).length === 0;

/**
 * Fields that Go always writes, a struct as {} and a list as null, even when nothing is set in them: a manager that fills one in does not own the
 * field itself. By the definition's short name; every kind's metadata, spec and status are among them.
 */
const embedded: { readonly [definition: string]: readonly string[] } = {
  Container: ["resources"],
  ContainerStatus: ["state", "lastState"],
  CronJobSpec: ["jobTemplate"],
  CustomResourceDefinitionSpec: ["names"],
  CustomResourceDefinitionStatus: ["acceptedNames"],
  DaemonSetSpec: ["template", "updateStrategy"],
  DeploymentSpec: ["strategy", "template"],
  Endpoint: ["conditions"],
  EphemeralContainer: ["resources"],
  Event: ["source"],
  HorizontalPodAutoscalerSpec: ["scaleTargetRef"],
  IngressStatus: ["loadBalancer"],
  JobSpec: ["template"],
  JobTemplateSpec: ["metadata", "spec"],
  MutatingWebhook: ["clientConfig"],
  NodeDaemonEndpoints: ["kubeletEndpoint"],
  NodeStatus: ["daemonEndpoints", "nodeInfo"],
  PersistentVolumeClaimSpec: ["resources"],
  PersistentVolumeClaimTemplate: ["metadata", "spec"],
  PodSpec: ["containers"],
  PodTemplate: ["template"],
  PodTemplateSpec: ["metadata", "spec"],
  ReplicaSetSpec: ["template"],
  ResourceClaimSpec: ["devices"],
  ResourceClaimTemplateSpec: ["metadata", "spec"],
  ServiceStatus: ["loadBalancer"],
  StatefulSetSpec: ["template", "updateStrategy"],
  ValidatingWebhook: ["clientConfig"],
};

export function isEmbedded(schema: Schema | undefined, field: string): boolean {
  const name = schema?.name;
  if (schema?.fields?.["apiVersion"] !== undefined && schema.fields["kind"] !== undefined && (field === "metadata" || field === "spec" || field === "status")) return true;
  return name !== undefined && embedded[name.slice(name.lastIndexOf(".") + 1)]?.includes(field) === true;
}
