import { builtinResources } from "../../api/resource-facts.ts";
import { storageOf } from "../../server/resources/storage-layout.ts";

const ROOT = "/registry/";
let builtin: ReadonlyMap<string, string> | undefined;

/** `secrets`, `deployments.apps` of a key in the store; undefined for what is no object. */
export function resourceOf(key: string): string | undefined {
  builtin ??= new Map(builtinResources.map((fact) => [storageOf(fact).prefix, fact.group === "" ? fact.resource : `${fact.resource}.${fact.group}`]));
  if (!key.startsWith(ROOT)) return undefined;
  // PERF: every write is counted by its resource: one or two look-ups, and no list of the key's parts.
  const [first, second] = partEnds(key);
  const known = (second < key.length ? builtin.get(key.slice(0, second + 1)) : undefined) ?? builtin.get(key.slice(0, first + 1));
  if (known !== undefined) return known;
  const group = key.slice(ROOT.length, first);
  return group.includes(".") ? `${key.slice(first + 1, second)}.${group}` : undefined;
}

/** Where the first and the second part after the root end. */
function partEnds(key: string): readonly [first: number, second: number] {
  const first = key.indexOf("/", ROOT.length);
  if (first < 0) return [key.length, key.length];
  const second = key.indexOf("/", first + 1);
  return [first, second < 0 ? key.length : second];
}
