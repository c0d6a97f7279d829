import type { Draft } from "../../base/values.ts";
import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { checkDnsLabel, checkDnsSubdomain } from "../field-checks.ts";
import type { DeviceClaim, DeviceConstraint, DeviceRequest, DeviceSelector, DeviceSubRequest, OpaqueDeviceConfiguration } from "../generated/types/resource-v1.ts";

// What a claim asks for. @upstream pkg/apis/resource/validation/validation.go

const maxItems = 32;
const maxAlternatives = 8;
const maxSelectorBytes = 10 * 1024;

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

export function* validateDeviceClaim(path: FieldPath, { requests = [], constraints = [], config = [] }: DeviceClaim): Iterable<FieldError> {
  const names = new Set<string>();
  if (requests.length > maxItems) yield path.child("requests").tooMany(requests.length, maxItems);
  for (const [index, request] of requests.entries()) {
    const at = path.child("requests").index(index);
    yield* validateRequest(at, request);
    if (names.has(request.name)) yield at.duplicate(request.name);
    names.add(request.name);
    for (const { name } of request.firstAvailable ?? []) names.add(`${request.name}/${name}`);
  }
  if (constraints.length > maxItems) yield path.child("constraints").tooMany(constraints.length, maxItems);
  for (const [index, constraint] of constraints.entries()) yield* validateConstraint(path.child("constraints").index(index), constraint, names);
  if (config.length > maxItems) yield path.child("config").tooMany(config.length, maxItems);
  for (const [index, entry] of config.entries()) {
    const at = path.child("config").index(index);
    yield* checkRequestNames(at.child("requests"), entry.requests ?? [], names);
    yield* validateOpaque(at, entry.opaque);
  }
}

function* validateRequest(path: FieldPath, { name, exactly, firstAvailable = [] }: DeviceRequest): Iterable<FieldError> {
  yield* requiredLabel(path.child("name"), name);
  if (exactly !== undefined && firstAvailable.length > 0) yield path.invalid("{exactly, firstAvailable}", "must specify exactly one of: `exactly`, `firstAvailable`");
  else if (exactly !== undefined) yield* validateDevices(path.child("exactly"), exactly);
  else if (firstAvailable.length === 0) yield path.required("exactly one of `exactly` or `firstAvailable` is required");
  if (firstAvailable.length > maxAlternatives) yield path.child("firstAvailable").tooMany(firstAvailable.length, maxAlternatives);
  for (const [index, alternative] of firstAvailable.entries()) {
    const at = path.child("firstAvailable").index(index);
    yield* requiredLabel(at.child("name"), alternative.name);
    if (firstAvailable.findIndex((other) => other.name === alternative.name) < index) yield at.duplicate(alternative.name);
    yield* validateDevices(at, alternative);
  }
}

function* requiredLabel(path: FieldPath, name = ""): Iterable<FieldError> {
  if (name === "") yield path.required();
  else yield* checkDnsLabel(path, name);
}

function* validateDevices(path: FieldPath, { deviceClassName = "", selectors, allocationMode = "", count = 0 }: Partial<DeviceSubRequest>): Iterable<FieldError> {
  if (deviceClassName === "") yield path.child("deviceClassName").required();
  else yield* checkDnsSubdomain(path.child("deviceClassName"), deviceClassName);
  yield* validateSelectors(path.child("selectors"), selectors ?? []);
  if (allocationMode === "ExactCount") {
    if (count <= 0) yield path.child("count").invalid(count, "must be greater than zero");
  } else if (allocationMode === "All") {
    if (count !== 0) yield path.child("count").invalid(count, "must not be specified when allocationMode is 'All'");
  } else yield path.child("allocationMode").notSupported(allocationMode, ["All", "ExactCount"]);
}

/** That the expressions compile is checked where they are evaluated. */
export function* validateSelectors(path: FieldPath, selectors: readonly DeviceSelector[]): Iterable<FieldError> {
  if (selectors.length > maxItems) yield path.tooMany(selectors.length, maxItems);
  for (const [index, { cel }] of selectors.entries()) {
    const at = path.index(index).child("cel");
    if (cel === undefined) yield at.required();
    else if ((cel.expression as string | undefined) === undefined || cel.expression === "") yield at.child("expression").required();
    else if (cel.expression.length > maxSelectorBytes) yield at.child("expression").tooLong(maxSelectorBytes);
  }
}

function* validateConstraint(path: FieldPath, { requests = [], matchAttribute, distinctAttribute }: DeviceConstraint, names: ReadonlySet<string>): Iterable<FieldError> {
  yield* checkRequestNames(path.child("requests"), requests, names);
  if (matchAttribute === undefined && distinctAttribute === undefined) yield path.child("matchAttribute").required();
  for (const [field, attribute] of [
    ["matchAttribute", matchAttribute],
    ["distinctAttribute", distinctAttribute],
  ] as const) {
    if (attribute === undefined) continue;
    if (attribute === "") yield path.child(field).required();
    else if (!attribute.includes("/")) yield path.child(field).invalid(attribute, "must include a domain");
  }
}

function* checkRequestNames(path: FieldPath, requests: readonly string[], names: ReadonlySet<string>): Iterable<FieldError> {
  if (requests.length > maxItems) yield path.tooMany(requests.length, maxItems);
  for (const [index, request] of requests.entries()) {
    if (requests.indexOf(request) < index) yield path.index(index).duplicate(request);
    if (!names.has(request)) yield path.index(index).invalid(request, "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'");
  }
}

/** Parameters for a driver, of which only the driver knows the meaning. */
export function* validateOpaque(path: FieldPath, opaque: OpaqueDeviceConfiguration | undefined): Iterable<FieldError> {
  const at = path.child("opaque");
  if (opaque === undefined) {
    yield at.required();
    return;
  }
  yield* checkDriver(at.child("driver"), opaque.driver);
  const { parameters } = opaque;
  if (parameters === undefined) yield at.child("parameters").required();
  else if (typeof parameters !== "object" || parameters === null || Array.isArray(parameters))
    yield at.child("parameters").invalid("<value omitted>", "parameters must be a valid JSON object");
}

export function* checkDriver(path: FieldPath, driver = ""): Iterable<FieldError> {
  if (driver === "") yield path.required();
  else yield* checkDnsSubdomain(path, driver);
  if (driver.length > 63) yield path.tooLong(63);
}
