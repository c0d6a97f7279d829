import type { ResourceFact } from "../../src/api/resource-facts.ts";
import { builtinResources } from "../../src/api/resource-facts.ts";
import { schemaByName } from "../../src/api/schemas.ts";
import { sealEnvelope } from "../../src/api/wire/envelope.ts";
import type { Random } from "../../src/base/random.ts";
import type { Schema } from "../../src/meta/schema.ts";
import type { ApiRequest } from "../../src/meta/wire.ts";
import { toYaml } from "../../src/meta/yaml-codec.ts";

export interface RandomRequest {
  readonly method: ApiRequest["method"];
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
}

const encoder = new TextEncoder();
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;
const names = ["a", "b", "c", "default", "kube-system"];
const odd = [
  "",
  " ",
  "A",
  "__proto__",
  "constructor",
  "..",
  "a/b",
  "%",
  "%00",
  "\u0000",
  "é",
  "\ud800",
  "a".repeat(300),
  "-1",
  "0",
  "99999999999999999999",
  "*",
  "null",
  "a,b",
  "(",
  "=",
];
const queries = [
  "limit=1",
  "limit=-1",
  "limit=x",
  "continue=abc",
  "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiYVx1MDAwMCJ9",
  "resourceVersion=0",
  "resourceVersion=1",
  "resourceVersion=999999999",
  "resourceVersion=x",
  "resourceVersion=1&resourceVersionMatch=Exact",
  "resourceVersionMatch=Exact",
  "watch=1",
  "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
  "watch=1&timeoutSeconds=-5",
  "fieldSelector=metadata.name%3Da",
  "fieldSelector=spec.nodeName%21%3Db",
  "fieldSelector=%3D",
  "labelSelector=a%20in%20(b,c),!d",
  "labelSelector=%21%21",
  "dryRun=All",
  "dryRun=x",
  "fieldManager=me",
  "fieldManager=%00",
  "fieldManager=me&force=true",
  "force=1",
  "fieldValidation=Strict",
  "fieldValidation=Ignore",
  "fieldValidation=x",
  "gracePeriodSeconds=0",
  "gracePeriodSeconds=-7",
  "propagationPolicy=Orphan",
  "propagationPolicy=x",
  "pretty=1",
  "container=x",
  "command=id",
  "includeObject=Object",
  "includeObject=x",
  "timeout=1s",
  "timeout=x",
  "%zz=%zz",
];
const accepts = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  "application/json;as=Table;v=v1;g=meta.k8s.io",
  "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
  "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,*/*;q=0.1",
  "*/*",
  "text/html",
  "constructor",
  ";;;q=x",
];
const patchTypes = ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"];

/** Requests without end, all from one source of randomness: objects of every kind by its schema, then damaged. */
export class RequestMaker {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): RandomRequest {
    const fact = this.#pick(builtinResources);
    const name = this.#name();
    const subresources = Object.keys(fact.subresources);
    let path = fact.group === "" ? `/api/${fact.version}` : `/apis/${fact.group}/${fact.version}`;
    if (this.#chance(0.03)) path += "/watch";
    if (fact.namespaced ? this.#chance(0.95) : this.#chance(0.03)) path += `/namespaces/${encode(this.#chance(0.9) ? "default" : this.#name())}`;
    path += `/${fact.resource}`;
    const method = this.#pick(methods);
    const isNamed = method === "POST" ? this.#chance(0.15) : this.#chance(0.8);
    if (isNamed) path += `/${encode(name)}`;
    if (isNamed && subresources.length > 0 && this.#chance(method === "POST" ? 0.8 : 0.35)) path += `/${this.#pick(subresources)}`;
    if (this.#chance(0.03)) path = this.#damage(path);
    const query = this.#chance(0.5) ? "" : Array.from({ length: this.#below(3) + 1 }, () => this.#pick(queries)).join("&");
    const headers: Record<string, string> = {};
    if (this.#chance(0.4)) headers["accept"] = this.#pick(accepts);
    if (this.#chance(0.05)) headers["user-agent"] = this.#pick(["kubectl/v1", "", "\u00e9\u0080", "x".repeat(500), "Mozilla/5.0"]);
    const hasBody = method === "POST" || method === "PUT" || method === "PATCH" || (method === "DELETE" && this.#chance(0.3));
    return { method, path, query, headers, body: hasBody ? this.#body(fact, name, method, headers) : undefined };
  }

  #body(fact: ResourceFact, name: string, method: string, headers: Record<string, string>): Uint8Array {
    const object = this.#object(fact, name);
    if (method === "PATCH") {
      const type = this.#pick(patchTypes);
      headers["content-type"] = type;
      if (type === patchTypes[0]) return this.#text(JSON.stringify(this.#jsonPatch(object)));
      return this.#text(JSON.stringify(this.#chance(0.7) ? { ...object, metadata: { name, labels: { a: "b" }, finalizers: this.#chance(0.2) ? null : undefined } } : this.#any(3)));
    }
    const form = this.#below(5);
    if (form === 0) {
      headers["content-type"] = "application/vnd.kubernetes.protobuf";
      const apiVersion = String(object["apiVersion"]);
      let sealed: Uint8Array | undefined;
      try {
        sealed = sealEnvelope(fact.definition, { ...object, apiVersion, kind: fact.kind });
      } catch {
        // What this random object is cannot be said in protobuf.
      }
      const bytes = (sealed ?? Uint8Array.of(0x6b, 0x38, 0x73, 0)).slice();
      if (this.#chance(0.5)) for (let hits = this.#below(6); hits > 0; hits -= 1) bytes[this.#below(bytes.length)] = this.#below(256);
      return this.#chance(0.1) ? bytes.slice(0, this.#below(bytes.length)) : bytes;
    }
    if (form === 1) {
      headers["content-type"] = "application/yaml";
      return this.#text(toYaml(object));
    }
    headers["content-type"] = this.#chance(0.95) ? "application/json" : this.#pick(["text/plain", "", "constructor", "application/json; charset=utf-8"]);
    return this.#text(JSON.stringify(object));
  }

  #text(text: string): Uint8Array {
    return encoder.encode(this.#chance(0.08) ? this.#damage(text) : text);
  }

  #object(fact: ResourceFact, name: string): Record<string, unknown> {
    const schema = schemaByName(fact.definition);
    const object = (schema === undefined ? {} : this.#value(schema, 0)) as Record<string, unknown>;
    object["apiVersion"] = this.#chance(0.97) ? (fact.group === "" ? fact.version : `${fact.group}/${fact.version}`) : "v9";
    object["kind"] = this.#chance(0.97) ? fact.kind : "Odd";
    if (this.#chance(0.8))
      object["metadata"] = { name, ...(this.#chance(0.2) ? { labels: { a: "b" }, finalizers: ["example.com/x"] } : {}), ...(this.#chance(0.1) ? { generateName: "g-" } : {}) };
    for (let hits = this.#chance(0.5) ? 0 : 1 + this.#below(3); hits > 0; hits -= 1) this.#injure(object);
    return object;
  }

  #value(schema: Schema, depth: number): unknown {
    if (depth > 0 && this.#chance(0.01)) return this.#any(2);
    switch (schema.type) {
      case "string":
        return this.#chance(0.85) ? this.#pick(["a", "b", "Always", "TCP", "http", "1", "10.0.0.1", "x/y", "Pod", "v1", "example.com"]) : this.#pick(odd);
      case "boolean":
        return this.#chance(0.5);
      case "int32":
      case "int64":
        return this.#pick([0, 1, 2, 80, 30_000, -1, 2_147_483_647]);
      case "double":
        return this.#random.next();
      case "bytes":
        return this.#pick(["", "YQ==", "!"]);
      case "quantity":
        return this.#pick(["1", "500m", "1Gi", "-1", "1e9", "x", 5]);
      case "time":
      case "microtime":
        return this.#pick(["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.123456Z", "x", null]);
      case "int-or-string":
        return this.#pick([80, "http", "50%"]);
      case "any":
        return this.#any(2);
      case "map":
        return Object.fromEntries(
          Array.from({ length: this.#below(3) }, () => [
            this.#chance(0.9) ? this.#pick(["a", "b", "cpu"]) : this.#pick(odd),
            this.#value(schema.items ?? { type: "any" }, depth + 1),
          ]),
        );
      case "array":
        return Array.from({ length: depth > 6 ? 0 : this.#below(3) }, () => this.#value(schema.items ?? { type: "any" }, depth + 1));
      default: {
        const out: Record<string, unknown> = {};
        const required = new Set(schema.required);
        const keep = depth < 2 ? 0.5 : 2 / (2 + Object.keys(schema.fields ?? {}).length);
        for (const [name, field] of Object.entries(schema.fields ?? {}))
          if (depth < 12 && (required.has(name) ? this.#chance(0.97) : this.#chance(keep))) out[name] = this.#value(field, depth + 1);
        return out;
      }
    }
  }

  /** Puts something else in the place of one value somewhere inside. */
  #injure(object: Record<string, unknown>): void {
    let at: Record<string, unknown> = object;
    for (let depth = this.#below(6); depth > 0; depth -= 1) {
      const inner = Object.values(at).filter((value): value is Record<string, unknown> => typeof value === "object" && value !== null);
      if (inner.length === 0) break;
      at = this.#pick(inner);
    }
    const keys = Object.keys(at);
    const key =
      keys.length > 0 && this.#chance(0.8) ? this.#pick(keys) : this.#pick(["managedFields", "ownerReferences", "uid", "resourceVersion", "__proto__", "constructor", "x"]);
    Object.defineProperty(at, Array.isArray(at) ? 0 : key, { value: this.#any(3), enumerable: true, configurable: true, writable: true });
  }

  #any(depth: number): unknown {
    switch (this.#below(depth > 0 ? 9 : 6)) {
      case 0:
        return null;
      case 1:
        return this.#pick([0, -1, 1.5, 1e300, 2 ** 53]);
      case 2:
        return this.#chance(0.5);
      case 3:
        return this.#pick(odd);
      case 4:
        return "";
      case 5:
        return this.#pick([[], {}, [[]], [null], { "": null }]);
      case 6:
        return Array.from({ length: this.#below(4) }, () => this.#any(depth - 1));
      default:
        return Object.fromEntries(
          Array.from({ length: this.#below(4) }, () => [
            this.#pick(["name", "f:a", "k:{}", ".", "$patch", "$setElementOrder/x", "apiVersion", "kind", "metadata", "spec", "type", "key", ...odd]),
            this.#any(depth - 1),
          ]),
        );
    }
  }

  #jsonPatch(object: unknown): unknown {
    if (this.#chance(0.1)) return this.#any(3);
    const paths = [
      "",
      "/",
      "/metadata",
      "/metadata/labels",
      "/metadata/labels/x",
      "/spec",
      "/status",
      "/data",
      "/spec/containers/0",
      "/spec/containers/-",
      "/metadata/name",
      "/__proto__/x",
      "/metadata/finalizers/-1",
      "/metadata/managedFields",
    ];
    return Array.from({ length: this.#below(4) }, () => ({
      op: this.#pick(["add", "remove", "replace", "move", "copy", "test", "x"]),
      path: this.#pick(paths),
      from: this.#pick(paths),
      value: this.#chance(0.5) ? this.#any(2) : object,
    }));
  }

  #damage(text: string): string {
    const at = this.#below(text.length + 1);
    switch (this.#below(4)) {
      case 0:
        return text.slice(0, at);
      case 1:
        return `${text.slice(0, at)}${this.#pick(odd)}${text.slice(at)}`;
      case 2:
        return text.slice(0, at) + text.slice(at + 1 + this.#below(5));
      default:
        return text + text.slice(at);
    }
  }

  #name(): string {
    return this.#chance(0.9) ? this.#pick(names) : this.#pick(odd);
  }
  #chance(probability: number): boolean {
    return this.#random.next() < probability;
  }
  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }
  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }
}

/** Half a surrogate pair cannot be said in a URL. */
const encode = (text: string): string => encodeURIComponent(text.replaceAll(/[\ud800-\udfff]/g, "?"));
