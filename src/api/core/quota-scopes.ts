import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import type { ResourceQuotaSpec, ScopedResourceSelectorRequirement } from "../generated/types/core-v1.ts";
import { isHugePages } from "../pod/resource-name.ts";
import { isStandardQuotaResource } from "./quota-resource.ts";

const podScopes = ["Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity"];
const scopes = [...podScopes, "BestEffort", "VolumeAttributesClass"];
const exclusive = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
] as const;
const podComputeResources = new Set(["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"]);
const claimResources = new Set(["persistentvolumeclaims", "requests.storage"]);

/** @upstream pkg/apis/core/helper/helpers.go IsResourceQuotaScopeValidForResource */
function isScopeFor(scope: string, resource: string): boolean {
  if (scope === "BestEffort") return resource === "pods";
  if (scope === "VolumeAttributesClass") return claimResources.has(resource);
  if (podScopes.includes(scope)) return resource === "pods" || podComputeResources.has(resource) || isHugePages(resource) || resource.startsWith("requests.hugepages-");
  return true;
}

/** spec.scopes and spec.scopeSelector. @upstream pkg/apis/core/validation/validation.go validateResourceQuotaScopes, validateScopeSelector */
export function* validateQuotaScopes(path: FieldPath, spec: ResourceQuotaSpec): Iterable<FieldError> {
  const resources = Object.keys(spec.hard ?? {})
    .sort()
    .filter(isStandardQuotaResource);
  const listed = spec.scopes ?? [];
  const listPath = path.child("scopes");
  for (const scope of listed) {
    if (!scopes.includes(scope)) yield listPath.invalid(listed, "unsupported scope");
    for (const resource of resources) if (!isScopeFor(scope, resource)) yield listPath.invalid(listed, "unsupported scope applied to resource");
  }
  if (conflicts(listed)) yield listPath.invalid(listed, "conflicting scopes");
  const required = spec.scopeSelector?.matchExpressions ?? [];
  const selectorPath = path.child("scopeSelector", "matchExpressions");
  for (const requirement of required) {
    if (!scopes.includes(requirement.scopeName)) yield selectorPath.child("scopeName").invalid(requirement.scopeName, "unsupported scope");
    for (const resource of resources) {
      if (!isScopeFor(requirement.scopeName, resource)) yield selectorPath.invalid(spec.scopeSelector, "unsupported scope applied to resource");
    }
    yield* validateRequirement(selectorPath, requirement);
  }
  if (conflicts(required.map(({ scopeName }) => scopeName))) yield selectorPath.invalid(listed, "conflicting scopes");
}

const conflicts = (chosen: readonly string[]): boolean => exclusive.some((pair) => pair.every((scope) => chosen.includes(scope)));

const existsOnly = ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"];
const existsOnlyText =
  "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";

function* validateRequirement(path: FieldPath, { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement): Iterable<FieldError> {
  if (existsOnly.includes(scopeName) && operator !== "Exists") yield path.child("operator").invalid(operator, existsOnlyText);
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0) yield path.child("values").required("must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
      break;
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0) yield path.child("values").invalid(values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector");
      break;
    default:
      yield path.child("operator").invalid(operator, "not a valid selector operator");
  }
}
