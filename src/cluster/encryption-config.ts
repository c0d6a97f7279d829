import { readFileSync } from "node:fs";
import { builtinResources } from "../api/resource-facts.ts";
import { parseYaml } from "../meta/yaml-codec.ts";
import type { Ciphers } from "../platform/ciphers.ts";
import { storageOf } from "../server/resources/storage-layout.ts";
import type { TransformerFor } from "../store/encrypted/encrypted-store.ts";
import { type NamedCipher, Transformer } from "../store/encrypted/transformer.ts";
import { UserError } from "./user-error.ts";

type Json = Readonly<Record<string, unknown>>;
const providers = ["aescbc", "aesgcm", "secretbox"] as const;

/** Reads an EncryptionConfiguration from a file of YAML or JSON. */
export function readEncryptionConfig(path: string, ciphers: Ciphers): TransformerFor {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new UserError(`cannot read the encryption configuration ${path}`, "check the path given with --encryption-config");
  }
  try {
    return transformersOf(parseYaml(text).value, ciphers);
  } catch (error) {
    throw new UserError(`the encryption configuration ${path} is not valid: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** How each key's values are kept: the first entry that names its resource decides. @upstream apiserver/pkg/server/options/encryptionconfig/config.go */
export function transformersOf(value: unknown, ciphers: Ciphers): TransformerFor {
  const { apiVersion, kind, resources } = objectAt(value, "it");
  if (apiVersion !== "apiserver.config.k8s.io/v1" || kind !== "EncryptionConfiguration") throw new Error("it must be an EncryptionConfiguration of apiserver.config.k8s.io/v1");
  const rules = listAt(resources, "resources").map((entry, index) => ruleOf(objectAt(entry, `resources[${index}]`), `resources[${index}]`, ciphers));
  const known = new Map<string, Transformer | undefined>();
  return (key) => {
    const resource = resourceOf(key);
    if (resource === undefined) return undefined;
    if (!known.has(resource)) known.set(resource, rules.find(({ patterns }) => patterns.some((pattern) => matches(pattern, resource)))?.transformer);
    return known.get(resource);
  };
}

function ruleOf(rule: Json, place: string, ciphers: Ciphers): { readonly patterns: readonly string[]; readonly transformer: Transformer } {
  const patterns = listAt(rule["resources"], `${place}.resources`).map((pattern) => {
    if (typeof pattern !== "string" || pattern === "" || pattern === "*") throw new Error(`${place}.resources: use *.<group> to encrypt all resources of a group, and *.* for all`);
    return pattern;
  });
  const named = listAt(rule["providers"], `${place}.providers`).flatMap((provider, index) =>
    ciphersOf(objectAt(provider, `${place}.providers[${index}]`), `${place}.providers[${index}]`, ciphers),
  );
  return { patterns, transformer: new Transformer(named) };
}

function ciphersOf(provider: Json, place: string, ciphers: Ciphers): NamedCipher[] {
  const names = Object.keys(provider);
  const [name = ""] = names;
  if (names.length !== 1) throw new Error(`${place} must name exactly one provider`);
  if (name === "identity") return [{ prefix: "" }];
  const known = providers.find((candidate) => candidate === name);
  if (known === undefined) throw new Error(`${place}: ${name} is not among ${providers.join(", ")}, identity`);
  const at = `${place}.${name}.keys`;
  const seen = new Set<string>();
  return listAt(objectAt(provider[name], `${place}.${name}`)["keys"], at).map((item, index) => {
    const key = objectAt(item, `${at}[${index}]`);
    const label = key["name"];
    if (typeof label !== "string" || label === "" || label.includes(":") || seen.has(label)) throw new Error(`${at}[${index}].name must be a text of its own without colons`);
    seen.add(label);
    const secret = key["secret"];
    if (typeof secret !== "string" || !/^[A-Za-z0-9+/]+={0,2}$/.test(secret.trim())) throw new Error(`${at}[${index}].secret must be base64`);
    try {
      return { prefix: `k8s:enc:${name}:v1:${label}:`, cipher: ciphers[known](new Uint8Array(Buffer.from(secret, "base64"))) };
    } catch (error) {
      throw new Error(`${at}[${index}].secret: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  });
}

function objectAt(value: unknown, place: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${place} must hold names and values`);
  return value as Json;
}

function listAt(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw new Error(`${place} must be a list that is not empty`);
  return value;
}

let builtin: ReadonlyMap<string, string> | undefined;

/** `secrets`, `deployments.apps` of a key in the store; undefined for what is no object. */
function resourceOf(key: string): string | undefined {
  builtin ??= new Map(builtinResources.map((fact) => [storageOf(fact).prefix, fact.group === "" ? fact.resource : `${fact.resource}.${fact.group}`]));
  const [, root, first = "", second = ""] = key.split("/");
  if (root !== "registry") return undefined;
  const known = builtin.get(`/registry/${first}/${second}/`) ?? builtin.get(`/registry/${first}/`);
  return known ?? (first.includes(".") ? `${second}.${first}` : undefined);
}

function matches(pattern: string, resource: string): boolean {
  if (pattern === "*.*" || pattern === resource || pattern === `${resource}.`) return true;
  const dot = resource.indexOf(".");
  return pattern.startsWith("*.") && pattern.slice(2) === (dot < 0 ? "" : resource.slice(dot + 1));
}
