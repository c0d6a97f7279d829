import type { TransformerFor } from "../../store/encrypted/encrypted-store.ts";
import { type NamedCipher, Transformer } from "../../store/encrypted/transformer.ts";
import { resourceOf } from "./resource-of.ts";
import { ciphersOf, type Json, listAt, objectAt, type ProviderDeps } from "./read-provider.ts";

/**
 * How each key's values are kept: by the rules that name its resource, else by those for all of its group, else by those
 * for everything. @upstream apiserver/pkg/server/options/encryptionconfig/config.go
 */
export function transformersOf(value: unknown, deps: ProviderDeps): TransformerFor {
  const { apiVersion, kind, resources } = objectAt(value, "it");
  if (apiVersion !== "apiserver.config.k8s.io/v1" || kind !== "EncryptionConfiguration") throw new Error("it must be an EncryptionConfiguration of apiserver.config.k8s.io/v1");
  const rules = new Map<string, NamedCipher[]>();
  for (const [index, entry] of listAt(resources, "resources").entries()) addRule(rules, objectAt(entry, `resources[${index}]`), `resources[${index}]`, deps);
  const transformers = new Map([...rules].map(([pattern, ciphers]) => [pattern, new Transformer(ciphers)]));
  const known = new Map<string, Transformer | undefined>();
  return (key) => {
    const resource = resourceOf(key);
    if (resource === undefined) return undefined;
    if (!known.has(resource)) known.set(resource, transformers.get(resource) ?? transformers.get(`*.${groupOf(resource)}`) ?? transformers.get("*.*"));
    return known.get(resource);
  };
}

/** Takes the ciphers of one entry in for each of its resources; those named again are opened by the ciphers of both. */
function addRule(rules: Map<string, NamedCipher[]>, rule: Json, place: string, deps: ProviderDeps): void {
  const named = listAt(rule["providers"], `${place}.providers`).flatMap((provider, index) =>
    ciphersOf(objectAt(provider, `${place}.providers[${index}]`), `${place}.providers[${index}]`, deps),
  );
  const here = new Set<string>();
  for (const [index, item] of listAt(rule["resources"], `${place}.resources`).entries()) {
    const pattern = patternOf(item, `${place}.resources[${index}]`);
    for (const earlier of [`*.${groupOf(pattern)}`, "*.*"])
      if (pattern !== earlier && rules.has(earlier))
        throw new Error(`${place}.resources[${index}]: ${String(item)} is masked by ${here.has(earlier) ? "" : "an earlier rule for "}${earlier}`);
    here.add(pattern);
    rules.set(pattern, [...(rules.get(pattern) ?? []), ...named]);
  }
}

/** @upstream validation_encryption.go validateResourceNames */
function patternOf(item: unknown, place: string): string {
  if (typeof item !== "string" || item === "" || item === "*") throw new Error(`${place}: use *.<group> to encrypt all resources of a group, and *.* for all`);
  if (item !== item.toLowerCase()) throw new Error(`${place}: resource names are in lower case`);
  if (item === "events.k8s.io" || item === "events.events.k8s.io") throw new Error(`${place}: events are encrypted by the name events`);
  if (item.endsWith(".extensions")) throw new Error(`${place}: the group extensions has been removed`);
  const [resource = "", ...group] = item.split(".");
  if (resource === "*" && group.length > 1 && group.includes("*")) throw new Error(`${place}: a wildcard stands for a whole group or for all: *.<group>, *.*`);
  if (resource !== "*" && group.includes("*")) throw new Error(`${place}: wildcards of a resource in any group are not supported; use *.*`);
  // `secrets.` and `secrets` are the same, `*.` is the core group.
  return resource !== "*" && group.join(".") === "" ? resource : item;
}

const groupOf = (resource: string): string => resource.split(".").slice(1).join(".");
