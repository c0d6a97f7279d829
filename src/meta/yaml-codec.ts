import {
  boolYaml11Tag,
  CORE_SCHEMA,
  constructFromEvents,
  defineMappingTag,
  defineScalarTag,
  EVENT_ID,
  mapTag,
  mergeTag,
  NOT_RESOLVED,
  parseEvents,
  YAMLException,
  type Event,
} from "js-yaml";
import { maxJsonDepth } from "./json-codec.ts";
import { badRequest } from "./status-error.ts";

export { toYaml } from "./yaml-print.ts";

export interface YamlDocument {
  readonly value: unknown;
  /** `key "replicas" already set in map`, at most 100; the last one counts. */
  readonly problems: readonly string[];
}

/** Nodes that a document may have once its aliases are written out. */
const maxExpandedNodes = 1_000_000;
const maxProblems = 100;
const decoder = new TextDecoder("utf-8", { fatal: true });

// YAML 1.1 integers as go-yaml reads them: octal with a leading 0, underscores, no base 60.
const intTag = defineScalarTag("tag:yaml.org,2002:int", {
  implicit: true,
  implicitFirstChars: Array.from("-+0123456789"),
  resolve(source) {
    const match = /^([-+]?)(?:0b([01_]+)|0o?([0-7_]+)|0x([0-9a-fA-F_]+)|(0|[1-9][0-9_]*))$/.exec(source);
    if (match === null) return NOT_RESOLVED;
    const digits = (match[2] ?? match[3] ?? match[4] ?? match[5] ?? "").replaceAll("_", "");
    const base = match[2] !== undefined ? 2 : match[3] !== undefined ? 8 : match[4] !== undefined ? 16 : 10;
    const value = Number.parseInt(digits, base);
    if (!Number.isFinite(value)) return NOT_RESOLVED;
    return match[1] === "-" ? 0 - value : value;
  },
  identify: (value) => Number.isInteger(value),
});

/**
 * The first document, as go-yaml reads it for Kubernetes: YAML 1.1 booleans and integers, merge keys, timestamps
 * stay text. Empty text is null. Throws 400.
 */
export function parseYaml(input: string | Uint8Array): YamlDocument {
  return parseYamlDocuments(input)[0] ?? { value: null, problems: [] };
}

/** All documents of a stream; empty ones are left out. Throws 400. */
export function parseYamlDocuments(input: string | Uint8Array): YamlDocument[] {
  try {
    const text = typeof input === "string" ? input : decoder.decode(input);
    return construct(text, parseEvents(text, { maxDepth: maxJsonDepth }));
  } catch (error) {
    if (error instanceof YAMLException) {
      const line = error.mark === undefined ? "" : `line ${error.mark.line + 1}: `;
      throw badRequest(`error converting YAML to JSON: yaml: ${line}${error.reason}`);
    }
    if (error instanceof TypeError) throw badRequest("error converting YAML to JSON: yaml: invalid UTF-8");
    throw error;
  }
}

function construct(text: string, events: readonly Event[]): YamlDocument[] {
  const documents: YamlDocument[] = [];
  for (const run of documentsOf(events)) {
    const problems: string[] = [];
    const schema = CORE_SCHEMA.withTags(intTag, boolYaml11Tag, mergeTag, mappingTag(problems));
    // With `json` a key may come twice; the mapping tag notes it.
    const [value] = constructFromEvents([...run], { source: text, schema, json: true });
    if (value === undefined || value === null) continue;
    const aliased = run.some((event) => event.type === EVENT_ID.ALIAS);
    documents.push({ value: aliased ? expand(value) : value, problems });
  }
  return documents;
}

function documentsOf(events: readonly Event[]): Event[][] {
  const runs: Event[][] = [];
  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) runs.push([]);
    runs.at(-1)?.push(event);
  }
  return runs;
}

/** A plain object per mapping. The constructor asks `has` only before it merges a key with `<<`. */
function mappingTag(problems: string[]): ReturnType<typeof defineMappingTag<Record<string, unknown>>> {
  const merged = new WeakMap<object, Set<string>>();
  let merging = false;
  return defineMappingTag<Record<string, unknown>>("tag:yaml.org,2002:map", {
    create: () => ({}),
    addPair(object, key, value) {
      const name = String(key);
      const isMerge = merging;
      merging = false;
      if (isMerge) {
        const known = merged.get(object);
        if (known === undefined) merged.set(object, new Set([name]));
        else known.add(name);
      } else if (Object.hasOwn(object, name) && merged.get(object)?.delete(name) !== true && problems.length < maxProblems) {
        problems.push(`key ${JSON.stringify(name)} already set in map`);
      }
      return mapTag.addPair(object, key, value);
    },
    has(object, key) {
      const known = mapTag.has(object, key);
      merging = !known;
      return known;
    },
    keys: (object) => Object.keys(object),
    get: (object, key) => mapTag.get(object, key),
    identify: () => false,
  });
}

/** A copy in which nothing is shared; refuses what grows out of all proportion and what contains itself. */
function expand(value: unknown): unknown {
  let left = maxExpandedNodes;
  const open = new Set<object>();
  const copy = (node: unknown, depth: number): unknown => {
    left -= 1;
    if (left < 0) throw badRequest("error converting YAML to JSON: yaml: document contains excessive aliasing");
    if (typeof node !== "object" || node === null) return node;
    if (open.has(node)) throw badRequest("error converting YAML to JSON: yaml: anchor value contains itself");
    if (depth === 0) throw badRequest("error converting YAML to JSON: yaml: exceeded max depth");
    open.add(node);
    const out: unknown = Array.isArray(node)
      ? node.map((item) => copy(item, depth - 1))
      : Object.fromEntries(Object.entries(node).map(([key, item]) => [key, copy(item, depth - 1)]));
    open.delete(node);
    return out;
  };
  return copy(value, maxJsonDepth);
}
