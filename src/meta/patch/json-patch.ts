import { deepEqual } from "../../base/values.ts";
import { badRequest, failure } from "../status-error.ts";
import { isJsonObject, jsonWord, ownField, setField, unprocessable, type JsonObject } from "./json-value.ts";

export const maxOperations = 10_000;
/** How much `copy` operations may add, in characters of JSON. */
const maxCopiedLength = 3 * 1024 * 1024;

/**
 * RFC 6902 as the API server applies it: `patch` is the parsed list of operations. Neither input is changed; the
 * result shares what was not touched. Throws 400 for what is no patch, 413 for too many operations and 422 when an
 * operation does not apply. @upstream gopkg.in/evanphx/json-patch.v4
 */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest(`json: cannot unmarshal ${jsonWord(patch)} into Go value of type jsonpatch.Patch`);
  if (patch.length > maxOperations)
    throw failure("RequestEntityTooLarge", `Request entity is too large: The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`);
  const work = new Work(document);
  for (const operation of patch as readonly unknown[]) {
    if (!isJsonObject(operation)) throw badRequest(`json: cannot unmarshal ${jsonWord(operation)} into Go value of type jsonpatch.Operation`);
    work.apply(operation);
  }
  return work.document;
}

type Container = Record<string, unknown> | unknown[];

/** The document while operations run; containers are copied before they are first changed. */
class Work {
  document: unknown;
  readonly #owned = new WeakSet<object>();
  #copiedLength = 0;

  constructor(document: unknown) {
    this.document = document;
  }

  apply(operation: JsonObject): void {
    const kind = typeof operation["op"] === "string" ? operation["op"] : "unknown";
    switch (kind) {
      case "add": {
        const path = textOf(operation, "path", "add operation failed to decode path");
        const { container, key } = this.#place(path, `add operation does not apply: doc is missing path: "${path}"`);
        add(container, key, operation["value"] ?? null, `error in add for path: '${path}'`);
        return;
      }
      case "remove": {
        const path = textOf(operation, "path", "remove operation failed to decode path");
        const { container, key } = this.#place(path, `remove operation does not apply: doc is missing path: "${path}"`);
        remove(container, key, `error in remove for path: '${path}'`);
        return;
      }
      case "replace": {
        const path = textOf(operation, "path", "replace operation failed to decode path");
        const { container, key } = this.#place(path, `replace operation does not apply: doc is missing path: ${path}`);
        if (!has(container, key)) throw unprocessable(`replace operation does not apply: doc is missing key: ${path}: missing value`);
        if (Array.isArray(container)) container[indexOf(container, key, "")] = operation["value"] ?? null;
        else setField(container, key, operation["value"] ?? null);
        return;
      }
      case "move": {
        const from = textOf(operation, "from", "move operation failed to decode from");
        const source = this.#place(from, `move operation does not apply: doc is missing from path: ${from}`);
        const value = read(source.container, source.key, `error in move for path: '${source.key}'`);
        remove(source.container, source.key, `error in move for path: '${source.key}'`);
        const path = textOf(operation, "path", "move operation failed to decode path");
        const target = this.#place(path, `move operation does not apply: doc is missing destination path: ${path}`);
        add(target.container, target.key, value, `error in move for path: '${path}'`);
        return;
      }
      case "copy": {
        const from = textOf(operation, "from", "copy operation failed to decode from");
        const source = this.#place(from, `copy operation does not apply: doc is missing from path: ${from}`);
        const value = read(source.container, source.key, `error in copy for from: '${from}'`);
        const path = textOf(operation, "path", "copy operation failed to decode path");
        const target = this.#place(path, `copy operation does not apply: doc is missing destination path: ${path}`);
        this.#copiedLength += JSON.stringify(value).length;
        if (this.#copiedLength > maxCopiedLength)
          throw unprocessable(`Unable to complete the copy, the accumulated size increase of copy is ${this.#copiedLength}, exceeding the limit ${maxCopiedLength}`);
        add(target.container, target.key, this.#shared(value), "error while adding value during copy");
        return;
      }
      case "test": {
        const path = textOf(operation, "path", "test operation failed to decode path");
        const { container, key } = this.#place(path, `test operation does not apply: is missing path: ${path}`);
        const value = Array.isArray(container) ? container[indexOf(container, key, `error in test for path: '${path}'`)] : (ownField(container, key) ?? null);
        if (!deepEqual(value, operation["value"] ?? null)) throw unprocessable(`testing value ${path} failed: test failed`);
        return;
      }
      default:
        throw unprocessable(`Unexpected kind: ${kind}`);
    }
  }

  /** The container that holds a path's last part, ready to be changed. */
  #place(path: string, missing: string): { readonly container: Container; readonly key: string } {
    const parts = path.split("/").slice(1).map(decodePart);
    const key = parts.pop();
    if (key === undefined) throw unprocessable(`${missing}: missing value`);
    let container = this.#own(this.document);
    if (container === undefined) throw unprocessable(`${missing}: missing value`);
    this.document = container;
    for (const part of parts) {
      const next: Container | undefined = has(container, part)
        ? this.#own(Array.isArray(container) ? container[arrayIndex(container, part)] : ownField(container, part))
        : undefined;
      if (next === undefined) throw unprocessable(`${missing}: missing value`);
      if (Array.isArray(container)) container[arrayIndex(container, part)] = next;
      else setField(container, part, next);
      container = next;
    }
    return { container, key };
  }

  #own(value: unknown): Container | undefined {
    if (typeof value !== "object" || value === null) return undefined;
    if (this.#owned.has(value)) return value as Container;
    const copy: Container = Array.isArray(value) ? [...(value as readonly unknown[])] : { ...value };
    this.#owned.add(copy);
    return copy;
  }

  /** A value that stands in two places is owned by neither. */
  #shared(value: unknown): unknown {
    return typeof value === "object" && value !== null ? structuredClone(value) : value;
  }
}

function textOf(operation: JsonObject, field: "path" | "from", why: string): string {
  const value = operation[field];
  if (typeof value === "string") return value;
  throw unprocessable(`${why}: missing value`);
}

const decodePart = (part: string): string => part.replaceAll(/~[01]/g, (escape) => (escape === "~1" ? "/" : "~"));

/** An index as Go reads it, negative ones from the end; NaN when it is none. */
function arrayIndex(array: readonly unknown[], key: string, length = array.length): number {
  if (!/^[+-]?[0-9]{1,15}$/.test(key)) return Number.NaN;
  const index = Number(key);
  return index < 0 ? index + length : index;
}

function has(container: Container, key: string): boolean {
  if (!Array.isArray(container)) return Object.hasOwn(container, key);
  const index = arrayIndex(container, key);
  return index >= 0 && index < container.length;
}

function indexOf(array: readonly unknown[], key: string, why: string): number {
  const index = arrayIndex(array, key);
  const head = why === "" ? "" : `${why}: `;
  if (Number.isNaN(index)) throw unprocessable(`${head}strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`);
  if (index < 0 || index >= array.length) throw unprocessable(`${head}Unable to access invalid index: ${Number(key)}: invalid index referenced`);
  return index;
}

function read(container: Container, key: string, why: string): unknown {
  if (Array.isArray(container)) return container[indexOf(container, key, why)];
  if (!Object.hasOwn(container, key)) throw unprocessable(`${why}: unable to get nonexistent key: ${key}: missing value`);
  return container[key];
}

function add(container: Container, key: string, value: unknown, why: string): void {
  if (!Array.isArray(container)) {
    setField(container, key, value);
    return;
  }
  if (key === "-") {
    container.push(value);
    return;
  }
  const index = arrayIndex(container, key, container.length + 1);
  if (Number.isNaN(index)) throw unprocessable(`${why}: value was not a proper array index: '${key}': strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`);
  if (index < 0 || index > container.length) throw unprocessable(`${why}: Unable to access invalid index: ${Number(key)}: invalid index referenced`);
  container.splice(index, 0, value);
}

function remove(container: Container, key: string, why: string): void {
  if (Array.isArray(container)) {
    container.splice(indexOf(container, key, why), 1);
    return;
  }
  if (!Object.hasOwn(container, key)) throw unprocessable(`${why}: Unable to remove nonexistent key: ${key}: missing value`);
  delete container[key];
}
