import { schemaByName } from "../../api/schemas.ts";
import { decode } from "../../meta/decode.ts";
import { isEmbedded, isRecord, keepsUnknown, objectFields, type Structural } from "./structural.ts";

const MOST_PROBLEMS = 100;

/** A fresh copy without the fields that the schema does not name; those are told. @upstream apiextensions-apiserver/pkg/apiserver/schema/pruning */
export function prune(value: Record<string, unknown>, schema: Structural): { readonly value: Record<string, unknown>; readonly problems: readonly string[] } {
  const unknown: string[] = [];
  const pruned = copy(value, schema, "", true, unknown) as Record<string, unknown>;
  return { value: pruned, problems: unknown.slice(0, MOST_PROBLEMS).map((path) => `unknown field ${JSON.stringify(path)}`) };
}

/** Whether a value that may be of any type has fields that the schema does not name. */
export function hasUnknown(value: unknown, schema: Structural): boolean {
  const unknown: string[] = [];
  copy(value, schema, "", isEmbedded(schema), unknown);
  return unknown.length > 0;
}

function copy(value: unknown, schema: Structural | undefined, path: string, isObject: boolean, unknown: string[]): unknown {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return value.map((item, index) => copy(item, items, `${path}[${index}]`, items !== undefined && isEmbedded(items), unknown));
  }
  if (!isRecord(value)) return value;
  const out: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    const inner = path === "" ? name : `${path}.${name}`;
    const known = schema?.properties !== undefined && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    const extra = schema?.additionalProperties;
    if (isObject && path !== "" && name === "metadata" && isRecord(item)) set(out, name, typedMetadata(item, inner, unknown));
    else if (schema === undefined || (isObject && objectFields.has(name))) set(out, name, copy(item, undefined, inner, false, unknown));
    else if (known !== undefined) set(out, name, copy(item, known, inner, isEmbedded(known), unknown));
    else if (typeof extra === "object") set(out, name, copy(item, extra, inner, isEmbedded(extra), unknown));
    else if (keepsUnknown(schema) || extra === true) set(out, name, copy(item, undefined, inner, false, unknown));
    else unknown.push(inner);
  }
  return out;
}

const metadataSchema = schemaByName("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");

/** The metadata of an object inside the object, as that of any object is read. */
function typedMetadata(value: Record<string, unknown>, path: string, unknown: string[]): unknown {
  if (metadataSchema === undefined) return value;
  const { value: decoded, problems } = decode(metadataSchema, value, { gvk: { version: "v1", kind: "ObjectMeta" } });
  for (const problem of problems) {
    const name = /^unknown field "(.*)"$/.exec(problem)?.[1];
    if (name !== undefined) unknown.push(`${path}.${name}`);
  }
  return decoded;
}

/** What items are pruned by; undefined: they stay as they are. */
export function itemsOf(schema: Structural | undefined): Structural | undefined {
  if (schema === undefined) return undefined;
  return schema.items ?? (keepsUnknown(schema) ? undefined : {});
}

function set(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === "__proto__") Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
  else target[name] = value;
}
