import type { Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { invalidEach, qualifiedNameErrors } from "../../meta/validation.ts";
import { limitRanges } from "../generated/resources.ts";
import type { LimitRange, LimitRangeItem } from "../generated/types/core-v1.ts";
import { kind } from "../kind.ts";
import { isOvercommitAllowed } from "../pod/resource-name.ts";
import { validateContainerResourceName, validateResourceName } from "../pod/validate-resources.ts";

/** @upstream pkg/registry/core/limitrange/strategy.go */
export const limitRangeKind = kind<LimitRange>({
  resource: limitRanges,
  shortNames: ["limits"],
  allowUnconditionalUpdate: true,
  allowCreateOnUpdate: true,
  defaults(draft) {
    draft.spec ??= { limits: [] };
    draft.spec.limits ??= [];
    for (const item of draft.spec.limits) if (item.type === "Container") defaultItem(item);
  },
  *validate({ spec }) {
    const types = new Set<string>();
    for (const [index, item] of (spec?.limits ?? []).entries()) {
      const path = new FieldPath("spec.limits").index(index);
      yield* checkType(path.child("type"), item.type);
      if (types.has(item.type)) yield path.child("type").duplicate(item.type);
      types.add(item.type);
      yield* validateItem(path, item);
    }
  },
});

/** A limit's default falls back to the most allowed, a request's to the limit's and then to the least. @upstream SetDefaults_LimitRangeItem */
function defaultItem(item: Draft<LimitRangeItem>): void {
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  if (Object.keys(limits).length > 0) item.default = limits;
  if (Object.keys(requests).length > 0) item.defaultRequest = requests;
}

function* checkType(path: FieldPath, type = ""): Iterable<FieldError> {
  const messages = qualifiedNameErrors(type);
  yield* invalidEach(path, type, messages);
  if (messages.length === 0 && !type.includes("/") && !["Pod", "Container", "PersistentVolumeClaim"].includes(type)) {
    yield path.invalid(type, "must be a standard limit type or fully qualified");
  }
}

/** @upstream pkg/apis/core/validation/validation.go ValidateLimitRange */
function* validateItem(path: FieldPath, item: LimitRangeItem): Iterable<FieldError> {
  const checkName = item.type === "Pod" || item.type === "Container" ? validateContainerResourceName : validateResourceName;
  const isPod = item.type === "Pod";
  for (const bag of ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const) {
    const names = Object.keys(item[bag] ?? {});
    if (isPod && (bag === "default" || bag === "defaultRequest")) {
      if (names.length > 0) yield path.child(bag).forbidden("may not be specified when `type` is 'Pod'");
      continue;
    }
    if (bag === "maxLimitRequestRatio" && item.type === "PersistentVolumeClaim" && item.min?.["storage"] === undefined && item.max?.["storage"] === undefined) {
      yield path.child("limits").required("either minimum or maximum storage value is required, but neither was provided");
    }
    for (const name of names) yield* checkName(name, path.child(bag).key(name));
  }
  const bags = isPod ? { ...item, default: {}, defaultRequest: {} } : item;
  const names = new Set([bags.max, bags.min, bags.default, bags.defaultRequest, bags.maxLimitRequestRatio].flatMap((bag) => Object.keys(bag ?? {})));
  for (const name of [...names].sort()) yield* compareBags(path, bags, name);
}

function* compareBags(path: FieldPath, item: LimitRangeItem, name: string): Iterable<FieldError> {
  const read = (bag: { readonly [name: string]: string } | undefined): Quantity | undefined =>
    bag === undefined || !Object.hasOwn(bag, name) ? undefined : Quantity.parse(bag[name] ?? "0");
  const [min, max, limit, request, ratio] = [read(item.min), read(item.max), read(item.default), read(item.defaultRequest), read(item.maxLimitRequestRatio)];
  const above = (a: Quantity | undefined, b: Quantity | undefined): boolean => a !== undefined && b !== undefined && a.compare(b) > 0;
  const at = (bag: string): FieldPath => path.child(bag).key(name);
  const text = (quantity: Quantity | undefined): string => String(quantity);
  if (above(min, max)) yield at("min").invalid(text(min), `min value ${text(min)} is greater than max value ${text(max)}`);
  if (above(min, request)) yield at("defaultRequest").invalid(text(request), `min value ${text(min)} is greater than default request value ${text(request)}`);
  if (above(request, max)) yield at("defaultRequest").invalid(text(request), `default request value ${text(request)} is greater than max value ${text(max)}`);
  if (above(request, limit)) yield at("defaultRequest").invalid(text(request), `default request value ${text(request)} is greater than default limit value ${text(limit)}`);
  if (above(min, limit)) yield at("default").invalid(text(min), `min value ${text(min)} is greater than default value ${text(limit)}`);
  if (above(limit, max)) yield at("default").invalid(text(max), `default value ${text(limit)} is greater than max value ${text(max)}`);
  if (ratio !== undefined) {
    const ratioAt = at("maxLimitRequestRatio");
    if (above(Quantity.of(1), ratio)) yield ratioAt.invalid(text(ratio), `ratio ${text(ratio)} is less than 1`);
    if (min !== undefined && max !== undefined) {
      const most = max.toNumber() / min.toNumber();
      if (ratio.toNumber() > most) yield ratioAt.invalid(text(ratio), `ratio ${text(ratio)} is greater than max/min = ${most.toFixed(6)}`);
    }
  }
  if (!isOvercommitAllowed(name) && limit !== undefined && request !== undefined && !limit.equals(request)) {
    yield at("defaultRequest").invalid(text(request), `default value ${text(limit)} must equal to defaultRequest value ${text(request)} in ${name}`);
  }
}
