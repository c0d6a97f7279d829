import type { Draft } from "../../base/values.ts";
import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { checkDnsLabel, checkDnsSubdomain } from "../field-checks.ts";
import type { DeviceClaim, DeviceConstraint, DeviceRequest, DeviceSelector, DeviceSubRequest, OpaqueDeviceConfiguration } from "../generated/types/resource-v1.ts";
import { unchecked } from "../unchecked.ts";
import { checkDriver, checkFullyQualifiedName } from "./device-names.ts";
import { compileDeviceSelector } from "./device-selector.ts";
import { checkDeviceToleration } from "./device-taints.ts";
import { checkList, checkSet } from "./lists.ts";

// What a claim asks for. @upstream pkg/apis/resource/validation/validation.go

const maxItems = 32;
const maxAlternatives = 8;
const maxSelectorBytes = 10 * 1024;
const maxParametersBytes = 10 * 1024;
const noSuchRequest = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

/** @upstream pkg/apis/resource/v1/defaults.go */
export function defaultDeviceClaim(claim: Draft<DeviceClaim> | undefined): void {
  for (const request of claim?.requests ?? []) {
    if (request.exactly !== undefined) defaultRequest(request.exactly);
    for (const alternative of request.firstAvailable ?? []) defaultRequest(alternative);
  }
}

function defaultRequest(request: Draft<Pick<DeviceSubRequest, "allocationMode" | "count" | "tolerations">>): void {
  if ((request.allocationMode ?? "") === "") request.allocationMode = "ExactCount";
  if (request.allocationMode === "ExactCount" && (request.count ?? 0) === 0) request.count = 1;
  for (const toleration of request.tolerations ?? []) if ((toleration.operator ?? "") === "") toleration.operator = "Equal";
}

/** `gpu` and `gpu/large` for the alternative `large` of it. */
export type RequestNames = ReadonlySet<string>;

export function requestNamesOf({ requests = [] }: DeviceClaim): RequestNames {
  return new Set(requests.flatMap(({ name, firstAvailable = [] }) => [name, ...firstAvailable.map((alternative) => `${name}/${alternative.name}`)]));
}

export function* validateDeviceClaim(path: FieldPath, claim: DeviceClaim): Iterable<FieldError> {
  const { requests = [], constraints = [], config = [] } = claim;
  const names = requestNamesOf(claim);
  yield* checkSet(path.child("requests"), requests, maxItems, checkRequest, ({ name }) => name);
  yield* checkList(path.child("constraints"), constraints, maxItems, (at, constraint) => checkConstraint(at, constraint, names));
  yield* checkList(path.child("config"), config, maxItems, function* (at, entry) {
    yield* checkRequestNames(at.child("requests"), entry.requests ?? [], names);
    yield* checkOpaque(at, entry.opaque);
  });
}

function* checkRequest(path: FieldPath, { name, exactly, firstAvailable = [] }: DeviceRequest): Iterable<FieldError> {
  yield* checkRequestName(path.child("name"), name);
  const choice = "exactly one of `exactly` or `firstAvailable` is required";
  if (exactly !== undefined && firstAvailable.length > 0) yield path.invalid(null, `${choice}, but multiple fields are set`);
  else if (exactly !== undefined) yield* checkDevices(path.child("exactly"), exactly);
  else if (firstAvailable.length === 0) yield path.required(choice);
  else
    yield* checkSet(
      path.child("firstAvailable"),
      firstAvailable,
      maxAlternatives,
      function* (at, alternative) {
        yield* checkRequestName(at.child("name"), alternative.name);
        yield* checkDevices(at, alternative);
      },
      (alternative) => alternative.name,
    );
}

function* checkRequestName(path: FieldPath, name = ""): Iterable<FieldError> {
  if (name === "") yield path.required();
  else yield* checkDnsLabel(path, name);
}

function* checkDevices(
  path: FieldPath,
  { deviceClassName = "", selectors = [], allocationMode = "", count = 0, tolerations = [] }: Partial<DeviceSubRequest>,
): Iterable<FieldError> {
  if (deviceClassName === "") yield path.child("deviceClassName").required();
  else yield* checkDnsSubdomain(path.child("deviceClassName"), deviceClassName);
  yield* validateSelectors(path.child("selectors"), selectors);
  if (allocationMode === "ExactCount") {
    if (count <= 0) yield path.child("count").invalid(count, "must be greater than zero");
  } else if (allocationMode === "All") {
    if (count !== 0) yield path.child("count").invalid(count, "must not be specified when allocationMode is 'All'");
  } else yield path.child("allocationMode").notSupported(allocationMode, ["All", "ExactCount"]);
  for (const [index, toleration] of tolerations.entries()) yield* checkDeviceToleration(path.child("tolerations").index(index), toleration);
}

export function validateSelectors(path: FieldPath, selectors: readonly DeviceSelector[]): Iterable<FieldError> {
  return checkList(path, selectors, maxItems, function* (at, { cel }) {
    if (cel === undefined) {
      yield at.child("cel").required();
      return;
    }
    const { expression = "" } = unchecked(cel);
    const where = at.child("cel", "expression");
    if (expression === "") yield where.required();
    else if (expression.length > maxSelectorBytes) yield where.tooLong(maxSelectorBytes);
    else {
      const selector = compileDeviceSelector(expression);
      if ("error" in selector) yield where.invalid(expression, selector.error);
    }
  });
}

function* checkConstraint(path: FieldPath, { requests = [], matchAttribute, distinctAttribute }: DeviceConstraint, names: RequestNames): Iterable<FieldError> {
  yield* checkRequestNames(path.child("requests"), requests, names);
  if (matchAttribute !== undefined) yield* checkFullyQualifiedName(path.child("matchAttribute"), matchAttribute);
  else if (distinctAttribute !== undefined) yield* checkFullyQualifiedName(path.child("distinctAttribute"), distinctAttribute);
  else yield path.required('exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set');
}

export function checkRequestNames(path: FieldPath, requests: readonly string[], names: RequestNames): Iterable<FieldError> {
  return checkSet(
    path,
    requests,
    maxItems,
    (at, name) => checkRequestReference(at, name, names),
    (name) => name,
  );
}

/** @upstream validateRequestNameRef */
export function* checkRequestReference(path: FieldPath, name: string, names: RequestNames): Iterable<FieldError> {
  const parts = name.split("/");
  if (parts.length <= 2) for (const part of parts) yield* checkRequestName(path, part);
  if (!names.has(name)) yield path.invalid(name, noSuchRequest);
}

/** Parameters for a driver, of which only the driver knows the meaning. */
export function* checkOpaque(path: FieldPath, opaque: OpaqueDeviceConfiguration | undefined): Iterable<FieldError> {
  const at = path.child("opaque");
  if (opaque === undefined) {
    yield at.required();
    return;
  }
  yield* checkDriver(at.child("driver"), opaque.driver);
  yield* checkRawObject(at.child("parameters"), opaque.parameters, maxParametersBytes);
}

/** Any JSON object that is not too large. @upstream validateRawExtension */
export function* checkRawObject(path: FieldPath, value: unknown, most: number): Iterable<FieldError> {
  if (value === undefined || value === null) yield path.required();
  else if (new TextEncoder().encode(JSON.stringify(value)).length > most) yield path.tooLong(most);
  else if (typeof value !== "object" || Array.isArray(value)) yield path.invalid("<value omitted>", "must be a valid JSON object");
}
