import type { MatchResources, NamedRuleWithOperations } from "../../../api/generated/types/admissionregistration-v1.ts";
import type { KubeObject } from "../../../meta/object.ts";
import { LabelSelector } from "../../../meta/label-selector.ts";
import type { StateCache } from "../../cache/state-cache.ts";
import type { ResourceTable } from "../../resources/resource-table.ts";
import { type ServedResource, toStorage } from "../../resources/served-resource.ts";
import type { AdmissionRequest } from "../admission.ts";

const NAMESPACES = "/registry/namespaces/";

export interface MatchDeps {
  readonly cache: StateCache;
  readonly table: ResourceTable;
}

export const namespaceOf = ({ cache }: MatchDeps, name: string): KubeObject | undefined => cache.resource(NAMESPACES).get(`${NAMESPACES}${name}`)?.object;

/** What decides about webhooks and policies must not be decided by them. */
export const isExempt = ({ served }: AdmissionRequest): boolean => served.resource.group === "admissionregistration.k8s.io";

const has = (list: readonly string[] | undefined, value: string): boolean => list?.some((item) => item === "*" || item === value) === true;

/** @upstream apiserver/pkg/admission/plugin/webhook/predicates/rules/rules.go */
function ruleMatches(rule: NamedRuleWithOperations, request: AdmissionRequest, { resource }: ServedResource): boolean {
  if (!has(rule.operations, request.operation) || !has(rule.apiGroups, resource.group) || !has(rule.apiVersions, resource.version)) return false;
  const { scope = "*", resourceNames = [] } = rule;
  const namespaced = request.namespace !== "" && resource.resource !== "namespaces";
  if (scope !== "*" && (scope === "Namespaced") !== namespaced) return false;
  if (resourceNames.length > 0 && !resourceNames.includes(request.name)) return false;
  return (rule.resources ?? []).some((text) => {
    const [name = "", subresource = ""] = text.split("/");
    return (name === "*" || name === resource.resource) && (subresource === "*" || subresource === request.subresource);
  });
}

/** Other versions that the same objects are served in. */
function equivalents(served: ServedResource, table: ResourceTable): readonly ServedResource[] {
  const { storage } = served;
  return storage === undefined ? [] : table.all().filter((other) => other !== served && other.storage?.prefix === storage.prefix);
}

/** In which version the rules want a request; undefined when they do not. */
export function matchRules(
  request: AdmissionRequest,
  { resourceRules = [], excludeResourceRules = [], matchPolicy }: MatchResources,
  { table }: MatchDeps,
): ServedResource | undefined {
  const versions = [request.served, ...(matchPolicy === "Exact" ? [] : equivalents(request.served, table))];
  if (versions.some((served) => excludeResourceRules.some((rule) => ruleMatches(rule, request, served)))) return undefined;
  return versions.find((served) => resourceRules.some((rule) => ruleMatches(rule, request, served)));
}

/** Whether namespace and labels are those that are asked for. */
export function matchSelectors(
  request: AdmissionRequest,
  { namespaceSelector, objectSelector }: Pick<MatchResources, "namespaceSelector" | "objectSelector">,
  deps: MatchDeps,
): boolean {
  const { object, previous, namespace, served } = request;
  const isNamespace = served.resource.resource === "namespaces" && served.resource.group === "";
  if (namespaceSelector !== undefined && (isNamespace || namespace !== "")) {
    const labels = isNamespace ? (object ?? previous)?.metadata.labels : namespaceOf(deps, namespace)?.metadata.labels;
    if (!LabelSelector.of(namespaceSelector).matches(labels ?? {})) return false;
  }
  if (objectSelector === undefined) return true;
  const selector = LabelSelector.of(objectSelector);
  return [object, previous].some((found) => found !== undefined && selector.matches(found.metadata.labels ?? {}));
}

/** Both; without rules every resource matches. */
export function matchResources(request: AdmissionRequest, resources: MatchResources | undefined, deps: MatchDeps): ServedResource | undefined {
  if (resources === undefined) return request.served;
  if (!matchSelectors(request, resources, deps)) return undefined;
  const { resourceRules = [], excludeResourceRules = [] } = resources;
  if (resourceRules.length > 0) return matchRules(request, resources, deps);
  return excludeResourceRules.some((rule) => ruleMatches(rule, request, request.served)) ? undefined : request.served;
}

/** An object in another version of its resource. */
export async function inVersion(object: KubeObject | undefined, from: ServedResource, to: ServedResource): Promise<KubeObject | undefined> {
  if (object === undefined || from === to) return object;
  // A custom object goes from any version to any other at once.
  const stored = from.prune === undefined ? await toStorage(from, object) : object;
  const converted = to.conversion === undefined ? stored : await to.conversion.fromStorage(stored);
  return converted.apiVersion === to.apiVersion ? converted : { ...converted, apiVersion: to.apiVersion };
}
