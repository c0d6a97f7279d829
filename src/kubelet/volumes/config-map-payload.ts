import type { ConfigMap, KeyToPath, Secret } from "../../api/generated/types/core-v1.ts";
import { fromBase64 } from "../runtime/base64.ts";
import type { FileProjection, Payload } from "./atomic-writer.ts";

export interface KeySelection {
  readonly items?: readonly KeyToPath[] | undefined;
  readonly optional?: boolean | undefined;
  readonly defaultMode: number;
}

const encoder = new TextEncoder();

export function configMapPayload(object: ConfigMap | undefined, selection: KeySelection): Payload {
  const values = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(object?.data ?? {})) values.set(key, encoder.encode(value));
  for (const [key, value] of Object.entries(object?.binaryData ?? {})) values.set(key, fromBase64(value));
  return select(values, selection, "configmap");
}

export function secretPayload(object: Secret | undefined, selection: KeySelection): Payload {
  const values = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(object?.data ?? {})) values.set(key, fromBase64(value));
  return select(values, selection, "secret");
}

/** All keys under their names, or the named ones under their paths. */
function select(values: ReadonlyMap<string, Uint8Array>, { items, optional, defaultMode }: KeySelection, kind: string): Payload {
  const payload = new Map<string, FileProjection>();
  if (items === undefined || items.length === 0) {
    for (const [key, content] of values) payload.set(key, { content, mode: defaultMode });
    return payload;
  }
  for (const { key, path, mode } of items) {
    const content = values.get(key);
    if (content !== undefined) payload.set(path, { content, mode: mode ?? defaultMode });
    else if (optional !== true) throw new Error(`${kind} references non-existent ${kind === "secret" ? "secret" : "config"} key: ${key}`);
  }
  return payload;
}
