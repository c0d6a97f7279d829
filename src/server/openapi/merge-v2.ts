import { deepEqual } from "../../base/values.ts";
import type { Json } from "./dialect.ts";

const DEFINITIONS = "#/definitions/";
const PARAMETERS = "#/parameters/";
type Entries = Record<string, unknown>;

/**
 * The part of a document that lies under some paths (`/apis/metrics.k8s.io/v1beta1`), with the definitions and parameters
 * that it leads to. @upstream kube-openapi/pkg/aggregator/aggregator.go FilterSpecByPaths
 */
export function underPaths(document: Json, prefixes: readonly string[]): Json {
  const paths: Entries = {};
  for (const [path, item] of Object.entries(json(document["paths"]))) if (prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))) put(paths, path, item);
  const found = { definitions: {} as Entries, parameters: {} as Entries };
  const all = { definitions: json(document["definitions"]), parameters: json(document["parameters"]) };
  const queue: unknown[] = [paths];
  while (queue.length > 0) {
    eachReference(queue.pop(), (reference) => {
      for (const [kind, prefix] of [
        ["definitions", DEFINITIONS],
        ["parameters", PARAMETERS],
      ] as const) {
        if (!reference.startsWith(prefix)) continue;
        const name = reference.slice(prefix.length);
        if (!Object.hasOwn(all[kind], name) || Object.hasOwn(found[kind], name)) continue;
        put(found[kind], name, all[kind][name]);
        queue.push(all[kind][name]);
      }
    });
  }
  return { paths, ...found };
}

/**
 * One document of several. A path stays with who has it first; a definition or parameter of the same name that says
 * something else is renamed (`…ObjectMeta_v2`), and so is what refers to it.
 * @upstream kube-openapi/pkg/aggregator/aggregator.go MergeSpecsIgnorePathConflictRenamingDefinitionsAndParameters
 */
export function mergeV2(local: Json, others: readonly Json[]): Json {
  if (others.length === 0) return local;
  const paths: Entries = { ...json(local["paths"]) };
  const definitions: Entries = { ...json(local["definitions"]) };
  const parameters: Entries = { ...json(local["parameters"]) };
  for (const other of others) {
    const names = new Map([...newNames(DEFINITIONS, definitions, json(other["definitions"])), ...newNames(PARAMETERS, parameters, json(other["parameters"]))]);
    for (const [path, item] of Object.entries(json(other["paths"]))) if (!Object.hasOwn(paths, path)) put(paths, path, renamed(item, names));
    for (const [into, prefix, from] of [
      [definitions, DEFINITIONS, json(other["definitions"])],
      [parameters, PARAMETERS, json(other["parameters"])],
    ] as const)
      for (const [name, value] of Object.entries(from)) {
        const key = (names.get(prefix + name) ?? prefix + name).slice(prefix.length);
        if (!Object.hasOwn(into, key)) put(into, key, renamed(value, names));
      }
  }
  return { ...local, paths, definitions, parameters };
}

/** What has to be called otherwise: old reference to new one. */
function newNames(prefix: string, taken: Json, own: Json): Map<string, string> {
  const names = new Map<string, string>();
  for (const [name, value] of Object.entries(own)) {
    let candidate = name;
    for (let number = 2; isOther(taken, candidate, value) || (candidate !== name && Object.hasOwn(own, candidate)); number += 1) candidate = `${name}_v${number}`;
    if (candidate !== name) names.set(prefix + name, prefix + candidate);
  }
  return names;
}

function isOther(taken: Json, name: string, value: unknown): boolean {
  return Object.hasOwn(taken, name) && !deepEqual(taken[name], value);
}

function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (names.size === 0 || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => renamed(item, names));
  const out: Entries = {};
  for (const [key, item] of Object.entries(value)) put(out, key, key === "$ref" && typeof item === "string" ? (names.get(item) ?? item) : renamed(item, names));
  return out;
}

function eachReference(value: unknown, found: (reference: string) => void): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) eachReference(item, found);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    if (key === "$ref" && typeof item === "string") found(item);
    else eachReference(item, found);
  }
}

/** Also a key like `__proto__` becomes a property like any other. */
function put(target: Entries, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

function json(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
