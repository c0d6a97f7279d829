import type { FieldPath } from "../../meta/field-path.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { append, dnsLabelErrors, invalidEach, qualifiedNameErrors } from "../../meta/validation.ts";
import type { PodSpec, ResourceClaim, ResourceRequirements } from "../generated/types/core-v1.ts";
import type { Unchecked } from "../unchecked.ts";
import { unsupported } from "./choice.ts";
import { containerDemand } from "./pod-resources.ts";
import { parseResources, type ResourceList } from "./resource-list.ts";
import {
  isExtendedResource,
  isHugePages,
  isIntegerResource,
  isNativeResource,
  isOvercommitAllowed,
  isPodLevelResource,
  isStandardContainerResource,
  isStandardResource,
  isWholeHugePages,
} from "./resource-name.ts";

type NameCheck = (name: string, path: FieldPath) => FieldError[];

/** @upstream pkg/apis/core/validation/validation.go ValidateResourceQuantityValue */
export function validateResourceQuantity(name: string, text: string, path: FieldPath): FieldError[] {
  const quantity = Quantity.parse(text);
  const errors = quantity.sign < 0 ? [path.invalid(quantity.toString(), "must be greater than or equal to 0")] : [];
  if (isIntegerResource(name) && quantity.milliValue() % 1000 !== 0) errors.push(path.invalid(quantity.toString(), "must be an integer"));
  return errors;
}

/** @upstream validateResourceName */
export function validateResourceName(name: string, path: FieldPath): FieldError[] {
  const errors = invalidEach(path, name, qualifiedNameErrors(name));
  if (errors.length === 0 && !name.includes("/") && !isStandardResource(name)) errors.push(path.invalid(name, "must be a standard resource type or fully qualified"));
  return errors;
}

/** @upstream validateContainerResourceName */
export function validateContainerResourceName(name: string, path: FieldPath): FieldError[] {
  const errors = validateResourceName(name, path);
  if (!name.includes("/")) {
    if (!isStandardContainerResource(name)) errors.push(path.invalid(name, "must be a standard resource for containers"));
  } else if (!isNativeResource(name) && (!isExtendedResource(name) || qualifiedNameErrors(`requests.${name}`).length > 0)) {
    errors.push(path.invalid(name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

function validatePodResourceName(name: string, path: FieldPath): FieldError[] {
  const errors = validateResourceName(name, path);
  return errors.length > 0 || isPodLevelResource(name) ? errors : [unsupported(path, name, ["cpu", "memory"])];
}

/** Requests and limits of a container, or a pod's overhead as limits. `claimNames` are those of spec.resourceClaims. */
export function validateContainerResources(resources: ResourceRequirements, claimNames: ReadonlySet<string>, path: FieldPath): FieldError[] {
  return validateRequirements(resources, validateContainerResourceName, claimNames, path);
}

/** @upstream validateResourceRequirements */
function validateRequirements({ limits, requests, claims }: ResourceRequirements, checkName: NameCheck, claimNames: ReadonlySet<string>, path: FieldPath): FieldError[] {
  const errors = limits === undefined ? [] : validateList(limits, checkName, path.child("limits"));
  if (requests !== undefined) append(errors, validateList(requests, checkName, path.child("requests")), validateBounds(requests, limits, path));
  const names = (test: (name: string) => boolean): boolean => hasName(limits, test) || hasName(requests, test);
  if (names(isHugePages) && !names(isCpuOrMemory)) errors.push(path.forbidden("HugePages require cpu or memory"));
  if (claims !== undefined) append(errors, validateClaimNames(claims, claimNames, path.child("claims")));
  return errors;
}

const isCpuOrMemory = (name: string): boolean => name === "cpu" || name === "memory";

function hasName(list: ResourceList | undefined, test: (name: string) => boolean): boolean {
  for (const name in list) if (test(name)) return true;
  return false;
}

/** No request beyond its limit; what cannot be given twice has a limit, and asks for just that. */
function validateBounds(requests: ResourceList, limits: ResourceList | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const place = path.child("requests");
  for (const name in requests) {
    const request = Quantity.parse(requests[name] ?? "0");
    const limit = limits !== undefined && Object.hasOwn(limits, name) ? Quantity.parse(limits[name] ?? "0") : undefined;
    if (limit === undefined) {
      if (!isOvercommitAllowed(name)) errors.push(path.child("limits").required("Limit must be set for non overcommitable resources"));
    } else if (!request.equals(limit) && !isOvercommitAllowed(name)) {
      errors.push(place.invalid(request.toString(), `must be equal to ${name} limit of ${limit.toString()}`));
    } else if (request.compare(limit) > 0) errors.push(place.invalid(request.toString(), `must be less than or equal to ${name} limit of ${limit.toString()}`));
  }
  return errors;
}

function validateList(list: ResourceList, checkName: NameCheck, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const name in list) {
    const text = list[name] ?? "0";
    const place = path.key(name);
    append(errors, checkName(name, place), validateResourceQuantity(name, text, place));
    if (isHugePages(name) && !isWholeHugePages(name, Quantity.parse(text))) errors.push(place.invalid(text, `${text} is not positive integer multiple of ${name}`));
  }
  return errors;
}

/** Each claim is named once, as a whole or request by request. @upstream validateResourceClaimNames */
function validateClaimNames(claims: readonly Unchecked<ResourceClaim>[], known: ReadonlySet<string>, path: FieldPath): FieldError[] {
  const seen = new Set<string>();
  return claims.flatMap(({ name = "", request = "" }, index) => {
    const place = path.index(index);
    if (name === "") return [place.required()];
    const errors: FieldError[] = [];
    if (seen.has(name)) errors.push(place.duplicate(name));
    else {
      const key = request === "" ? name : `${name}/${request}`;
      if (request !== "") errors.push(...invalidEach(place.child("request"), request, dnsLabelErrors(request)));
      if (seen.has(key)) errors.push(place.duplicate(key));
      else if (request === "") for (const other of seen) if (other.startsWith(`${name}/`)) errors.push(place.duplicate(name));
      seen.add(key);
    }
    if (!known.has(name)) {
      const names = known.size === 0 ? " which is empty" : `: ${[...known].sort().join(", ")}`;
      errors.push({ ...place.notFound(name), detail: `must be one of the names in pod.spec.resourceClaims${names}` });
    }
    return errors;
  });
}

/** Requests and limits that stand on the pod itself. @upstream validatePodResources, validatePodResourceConsistency */
export function validatePodLevelResources(spec: PodSpec, claimNames: ReadonlySet<string>, path: FieldPath): FieldError[] {
  const { resources } = spec;
  if (resources === undefined) return [];
  const errors = resources.claims === undefined ? [] : [path.child("claims").forbidden("claims cannot be set for Resources at pod-level")];
  errors.push(...validateRequirements(resources, validatePodResourceName, claimNames, path));
  const requests = parseResources(resources.requests);
  for (const [name, needed] of containerDemand(spec, "requests")) {
    const given = requests.get(name) ?? Quantity.zero;
    if (isPodLevelResource(name) && needed.compare(given) > 0)
      errors.push(path.child("requests").key(name).invalid(given.toString(), `must be greater than or equal to aggregate container requests of ${needed.toString()}`));
  }
  const limits = parseResources(resources.limits);
  for (const [index, container] of (spec.containers ?? []).entries()) {
    for (const [name, limit] of parseResources(container.resources?.limits)) {
      const bound = limits.get(name);
      if (bound !== undefined && limit.compare(bound) > 0)
        errors.push(path.child("containers").index(index).key(name).child("limits").invalid(limit.toString(), `must be less than or equal to pod limits of ${bound.toString()}`));
    }
  }
  return errors;
}
