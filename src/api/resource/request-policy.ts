import type { FieldPath } from "../../meta/field-path.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { FieldError } from "../../meta/status-error.ts";
import type { CapacityRequestPolicy, CapacityRequestPolicyRange } from "../generated/types/resource-v1.ts";
import { unchecked } from "../unchecked.ts";
import { checkSet } from "./lists.ts";

const maxValues = 10;

/** In which parts a capacity is given out. @upstream pkg/apis/resource/validation/validation.go validateRequestPolicy */
export function* checkRequestPolicy(path: FieldPath, policy: CapacityRequestPolicy, capacity: Quantity): Iterable<FieldError> {
  const { validValues = [], validRange, default: standard } = policy;
  if (validValues.length > 0 && validRange !== undefined) {
    yield path.forbidden('exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time');
    return;
  }
  if (validValues.length > 0) {
    if (standard === undefined) yield path.child("default").required("required when validValues is defined");
    else yield* checkValues(path.child("validValues"), validValues.map(Quantity.parse), Quantity.parse(standard), capacity);
  } else if (validRange !== undefined) {
    if (standard === undefined) yield path.child("default").required("required when validRange is defined");
    else yield* checkRange(path.child("validRange"), validRange, Quantity.parse(standard), capacity);
  }
}

function* checkValues(path: FieldPath, values: readonly Quantity[], standard: Quantity, capacity: Quantity): Iterable<FieldError> {
  for (const [index, value] of values.entries()) {
    const before = values[index - 1];
    if (before !== undefined && before.compare(value) > 0) yield path.index(index).invalid(value.toString(), "values must be sorted in ascending order");
  }
  yield* checkSet(
    path,
    values,
    maxValues,
    function* (at, value) {
      if (value.compare(capacity) > 0) yield at.invalid(value.toString(), `option is larger than capacity value: ${capacity.toString()}`);
    },
    (value) => String(value.value()),
  );
  if (values.length <= maxValues && !values.some((value) => value.equals(standard)))
    yield path.invalid(standard.toString(), "default value is not valid according to the requestPolicy");
}

function* checkRange(path: FieldPath, range: CapacityRequestPolicyRange, standard: Quantity, capacity: Quantity): Iterable<FieldError> {
  const texts = unchecked(range);
  if (texts.min === undefined) {
    yield path.child("min").required("required when validRange is defined");
    return;
  }
  const min = Quantity.parse(texts.min);
  const max = texts.max === undefined ? undefined : Quantity.parse(texts.max);
  if (min.compare(capacity) > 0) yield path.child("min").invalid(min.toString(), `min is larger than capacity value: ${capacity.toString()}`);
  if (standard.compare(min) < 0) yield path.child("min").invalid(standard.toString(), `default is less than min: ${min.toString()}`);
  if (max !== undefined) {
    if (min.compare(max) > 0) yield path.child("max").invalid(min.toString(), `min is larger than max: ${max.toString()}`);
    if (max.compare(capacity) > 0) yield path.child("max").invalid(max.toString(), `max is larger than capacity value: ${capacity.toString()}`);
    if (standard.compare(max) > 0) yield path.child("max").invalid(standard.toString(), `default is more than max: ${max.toString()}`);
  }
  if (texts.step === undefined) return;
  const step = Quantity.parse(texts.step);
  const once = min.add(step);
  if (once.compare(capacity) > 0) yield path.child("step").invalid(step.toString(), `one step ${once.toString()} is larger than capacity value: ${capacity.toString()}`);
  for (const value of [standard, max])
    if (value !== undefined && step.sign > 0 && (value.nanos - min.nanos) % step.nanos !== 0n)
      yield path.child("step").invalid(value.toString(), `value is not a multiple of a given step (${step.toString()}) from (${min.toString()})`);
}
