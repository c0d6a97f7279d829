import type { PodTemplateSpec } from "../api/generated/types/core-v1.ts";

export const templateHashLabel = "pod-template-hash";

const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** FNV-1a, 32 bits, of the text's UTF-16 code units, low byte first. */
export function fnv32a(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hash >>> 0;
}

/** A number's decimal digits in the alphabet of generated names. @upstream apimachinery/pkg/util/rand SafeEncodeString */
export function safeEncode(number: number): string {
  let text = "";
  for (const digit of String(number)) text += alphabet[digit.charCodeAt(0) % alphabet.length];
  return text;
}

/**
 * The name part and label value by which sets of the same template know each other: `6d4cf56db6`. The same for equal
 * templates in whatever order their keys stand; another for each `collisionCount`. Not the number upstream computes
 * (that hashes a dump of Go structures), which nothing outside may rely on.
 */
export function hashOf(value: unknown, collisionCount?: number): string {
  let hash = fnv32a(canonicalJson(value));
  if (collisionCount !== undefined) hash = fnv32a(String(collisionCount), hash);
  return safeEncode(hash);
}

/** JSON with sorted keys and without what is undefined. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).filter(([, item]) => item !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
}

/** The template without the hash label that a set's copy of it carries. */
export function withoutHashLabel(template: PodTemplateSpec | undefined): PodTemplateSpec {
  const labels = template?.metadata?.labels;
  if (labels?.[templateHashLabel] === undefined) return template ?? {};
  const { [templateHashLabel]: _, ...rest } = labels;
  return { ...template, metadata: { ...template?.metadata, labels: Object.keys(rest).length === 0 ? undefined : rest } };
}
