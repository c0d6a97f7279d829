import { builtinResources } from "../../api/resource-facts.ts";
import { storageOf } from "../../server/resources/storage-layout.ts";

let builtin: ReadonlyMap<string, string> | undefined;

/** `secrets`, `deployments.apps` of a key in the store; undefined for what is no object. */
export function resourceOf(key: string): string | undefined {
  builtin ??= new Map(builtinResources.map((fact) => [storageOf(fact).prefix, fact.group === "" ? fact.resource : `${fact.resource}.${fact.group}`]));
  const [, root, first = "", second = ""] = key.split("/");
  if (root !== "registry") return undefined;
  const known = builtin.get(`/registry/${first}/${second}/`) ?? builtin.get(`/registry/${first}/`);
  return known ?? (first.includes(".") ? `${second}.${first}` : undefined);
}
