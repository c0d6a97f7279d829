import { nearestName } from "../../base/nearest-name.ts";
import { builtinResources, optionalResources, type ResourceFact } from "../../api/resource-facts.ts";
import { UserError } from "../user-error.ts";

type Served = Pick<ResourceFact, "group" | "version" | "resource">;

const groupVersion = ({ group, version }: Pick<Served, "group" | "version">): string => (group === "" ? version : `${group}/${version}`);
const stageOf = (version: string): "api/alpha" | "api/beta" | "api/ga" => (version.includes("alpha") ? "api/alpha" : version.includes("beta") ? "api/beta" : "api/ga");

/**
 * Which versions before stable are served, as upstream's flag says it: `api/all`, `api/beta`, `api/alpha`, a group's version
 * or one of its resources, each `=true` or `=false`. The more particular decides. Throws UserError for what is unknown, and
 * for what cannot be turned off. @upstream apiserver/pkg/server/resourceconfig/helpers.go
 */
export function readRuntimeConfig(text: string): (fact: Served) => boolean {
  const wanted = new Map<string, boolean>();
  for (const part of text.split(",").map((one) => one.trim())) {
    if (part === "") continue;
    const [name = "", value = "true"] = part.split("=", 2);
    if (value !== "true" && value !== "false") throw new UserError(`--runtime-config: ${name} must be true or false, not ${JSON.stringify(value)}`);
    checkName(name, value === "true");
    wanted.set(name, value === "true");
  }
  return (fact) => {
    const version = groupVersion(fact);
    return wanted.get(`${version}/${fact.resource}`) ?? wanted.get(version) ?? wanted.get(stageOf(fact.version)) ?? wanted.get("api/all") ?? false;
  };
}

function checkName(name: string, isOn: boolean): void {
  const optional = new Set(["api/all", "api/beta", "api/alpha"]);
  for (const fact of optionalResources) optional.add(groupVersion(fact)).add(`${groupVersion(fact)}/${fact.resource}`);
  const always = new Set(["api/ga", "api/legacy"]);
  for (const fact of builtinResources) always.add(groupVersion(fact)).add(`${groupVersion(fact)}/${fact.resource}`);
  if ((always.has(name) || name === "api/all") && !isOn) throw new UserError(`--runtime-config: ${name} cannot be turned off`, "the cluster's own parts need it");
  if (optional.has(name) || always.has(name)) return;
  const nearest = nearestName(name, optional);
  throw new UserError(
    `--runtime-config: unknown: ${name}`,
    nearest === undefined ? `there are ${[...optional].filter((one) => one.split("/").length === 2).join(", ")}` : `did you mean ${nearest}?`,
  );
}
