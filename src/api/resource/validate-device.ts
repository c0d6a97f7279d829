import type { FieldPath } from "../../meta/field-path.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { checkDnsLabel, checkDnsSubdomain } from "../field-checks.ts";
import type { CounterSet, Device, DeviceAttribute, DeviceCounterConsumption } from "../generated/types/resource-v1.ts";
import { validateNodeSelector } from "../pod/validate-affinity.ts";
import { unchecked } from "../unchecked.ts";
import { checkBindingParameters } from "./binding-parameters.ts";
import { checkDeviceName, checkQualifiedDeviceName, maxQualifiedNameBytes } from "./device-names.ts";
import { checkDeviceTaint } from "./device-taints.ts";
import { checkList, checkMap, checkSet } from "./lists.ts";
import { checkRequestPolicy } from "./request-policy.ts";

const maxAttributesAndCapacities = 32;
const maxValueBytes = 64;
const maxTaints = 16;
const maxConsumptions = 2;
const maxCounters = 32;
const labelBytes = 63;
const numeric = String.raw`(0|[1-9]\d*)`;
const preRelease = String.raw`(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)`;
const semver = new RegExp(`^${numeric}\\.${numeric}\\.${numeric}(-${preRelease}(\\.${preRelease})*)?(\\+[0-9a-zA-Z-]+(\\.[0-9a-zA-Z-]+)*)?$`);

/** @upstream pkg/apis/resource/validation/validation.go validateDevice */
export function* checkDevice(path: FieldPath, device: Device, choosesNodes: boolean): Iterable<FieldError> {
  const { name, attributes = {}, capacity = {}, taints = [], consumesCounters = [], allowMultipleAllocations } = device;
  yield* checkDeviceName(path.child("name"), name);
  const facts = Object.keys(attributes).length + Object.keys(capacity).length;
  if (facts > maxAttributesAndCapacities) yield path.invalid(facts, `the total number of attributes and capacities must not exceed ${maxAttributesAndCapacities}`);
  yield* checkMap(path.child("attributes"), attributes, { keyLength: maxQualifiedNameBytes }, checkQualifiedDeviceName, checkAttribute);
  yield* checkMap(path.child("capacity"), capacity, { keyLength: maxQualifiedNameBytes }, checkQualifiedDeviceName, function* (at, { value, requestPolicy }) {
    if (requestPolicy === undefined) return;
    if (allowMultipleAllocations === true) yield* checkRequestPolicy(at.child("requestPolicy"), requestPolicy, Quantity.parse(value));
    else yield at.child("requestPolicy").forbidden("allowMultipleAllocations must be true");
  });
  yield* checkList(path.child("taints"), taints, maxTaints, checkDeviceTaint);
  yield* checkSet(path.child("consumesCounters"), consumesCounters, maxConsumptions, checkConsumption, ({ counterSet }) => counterSet);
  yield* checkPlace(path, device, choosesNodes);
  yield* checkBindingParameters(path, device);
}

function* checkAttribute(path: FieldPath, attribute: DeviceAttribute): Iterable<FieldError> {
  const { bool, int, string, version } = attribute;
  if (string !== undefined && string.length > maxValueBytes) yield path.child("string").tooLong(maxValueBytes);
  if (version !== undefined) {
    if (!semver.test(version)) yield path.child("version").invalid(version, "must be a string compatible with semver.org spec 2.0.0");
    if (version.length > maxValueBytes) yield path.child("version").tooLong(maxValueBytes);
  }
  const values = [bool, int, string, version].filter((value) => value !== undefined).length;
  if (values !== 1) yield path.invalid(values === 0 ? "" : attribute, "exactly one value must be specified");
}

function* checkConsumption(path: FieldPath, consumption: DeviceCounterConsumption): Iterable<FieldError> {
  const { counterSet = "", counters = {} } = unchecked(consumption);
  if (counterSet === "") yield path.child("counterSet").required();
  else yield* checkDnsLabel(path.child("counterSet"), counterSet);
  yield* checkCounters(path.child("counters"), counters);
}

function* checkCounters(path: FieldPath, counters: CounterSet["counters"]): Iterable<FieldError> {
  if (Object.keys(counters).length === 0) yield path.required();
  else yield* checkMap(path, counters, { most: maxCounters, keyLength: labelBytes }, checkDnsLabel, () => []);
}

/** @upstream validateCounterSet */
export function* checkCounterSet(path: FieldPath, set: CounterSet): Iterable<FieldError> {
  const { name = "", counters = {} } = unchecked(set);
  if (name === "") yield path.child("name").required();
  else yield* checkDnsLabel(path.child("name"), name);
  yield* checkCounters(path.child("counters"), counters);
}

function* checkPlace(path: FieldPath, { nodeName, nodeSelector, allNodes }: Device, choosesNodes: boolean): Iterable<FieldError> {
  if (!choosesNodes) {
    if (nodeName !== undefined || nodeSelector !== undefined || allNodes !== undefined)
      yield path.invalid(null, "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec");
    return;
  }
  const set: string[] = [];
  if (nodeName === "") yield path.child("nodeName").invalid(nodeName, "must not be empty");
  else if (nodeName !== undefined) {
    set.push("`nodeName`");
    yield* checkDnsSubdomain(path.child("nodeName"), nodeName);
  }
  if (nodeSelector !== undefined) {
    set.push("`nodeSelector`");
    yield* validateNodeSelector(nodeSelector, path.child("nodeSelector"));
  }
  if (allNodes === true) set.push("`allNodes`");
  else if (allNodes === false) yield path.child("allNodes").invalid(allNodes, "must be either unset or set to true");
  const choice = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
  if (set.length === 0) yield path.required(choice);
  else if (set.length > 1) yield path.invalid(`{${set.join(", ")}}`, choice);
}
