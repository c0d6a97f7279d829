import { definitionNameOf } from "../../api/schemas.ts";
import { openEnvelope, readEnvelope } from "../../api/wire/envelope.ts";
import { parseApiVersion } from "../../meta/resource.ts";
import type { ResponseBody } from "../../meta/wire.ts";
import { parseYaml } from "../../meta/yaml-codec.ts";

/** The object that a body carries; undefined when it has none or it cannot be read. */
export function objectIn(carrier: { readonly body: ResponseBody } | undefined): unknown {
  const body = carrier?.body;
  if (body?.type === "value") return body.value;
  if (body?.type !== "bytes") return undefined;
  const size = body.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of body.chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  try {
    if (body.contentType.startsWith("application/vnd.kubernetes.protobuf")) return fromProtobuf(bytes);
    if (!/[/+](json|yaml|x-yaml)/.test(body.contentType)) return undefined;
    const text = new TextDecoder().decode(bytes);
    return body.contentType.includes("yaml") ? parseYaml(text).value : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fromProtobuf(bytes: Uint8Array): unknown {
  const { apiVersion, kind } = openEnvelope(bytes);
  const definition = kind === "Status" ? "io.k8s.apimachinery.pkg.apis.meta.v1.Status" : definitionNameOf({ ...parseApiVersion(apiVersion), kind });
  return definition === undefined ? { apiVersion, kind } : readEnvelope(definition, bytes);
}

/** The object, or the list with its items, without metadata.managedFields. */
export function withoutManagedFields(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { metadata, items } = value as { readonly metadata?: Readonly<Record<string, unknown>>; readonly items?: unknown };
  const out: Record<string, unknown> = { ...value };
  if (typeof metadata === "object" && metadata !== null && "managedFields" in metadata) {
    const { managedFields: _, ...rest } = metadata;
    out["metadata"] = rest;
  }
  if (Array.isArray(items)) out["items"] = items.map(withoutManagedFields);
  return out;
}
