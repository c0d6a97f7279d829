import type { Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateImmutable } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { checkDnsSubdomain } from "../field-checks.ts";
import { resourceSlices } from "../generated/resources.ts";
import type { ResourceSlice, ResourceSliceSpec } from "../generated/types/resource-v1.ts";
import { kind } from "../kind.ts";
import { validateNodeSelector } from "../pod/validate-affinity.ts";
import { checkDriver, checkPoolName } from "./device-names.ts";
import { checkSet } from "./lists.ts";
import { checkCounterSet, checkDevice } from "./validate-device.ts";

const maxDevices = 128;
const maxIntricateDevices = 64;
const maxCounterSets = 8;
const specPath = new FieldPath("spec");

/** @upstream pkg/registry/resource/resourceslice/strategy.go */
export const resourceSliceKind = kind<ResourceSlice>({
  resource: resourceSlices,
  generation: "spec",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= { driver: "", pool: { name: "", generation: 0, resourceSliceCount: 0 } };
    draft.spec.pool ??= { name: "", generation: 0, resourceSliceCount: 0 };
  },
  prepareCreate: dropUnserved,
  prepareUpdate: dropUnserved,
  validate: ({ spec }) => validateSlice(spec),
  *validateUpdate({ spec }, { spec: before }) {
    yield* validateImmutable(spec.pool.name, before.pool.name, specPath.child("pool", "name"));
    yield* validateImmutable(spec.driver, before.driver, specPath.child("driver"));
    yield* validateImmutable(spec.nodeName, before.nodeName, specPath.child("nodeName"));
  },
  columns: [
    nameColumn,
    { name: "Node", type: "string", value: ({ spec }) => spec.nodeName ?? "" },
    { name: "Driver", type: "string", value: ({ spec }) => spec.driver },
    { name: "Pool", type: "string", value: ({ spec }) => spec.pool.name },
    ageColumn,
  ],
  fieldSelectors: { "spec.nodeName": ({ spec }) => spec.nodeName ?? "", "spec.driver": ({ spec }) => spec.driver },
  indexedFields: ["spec.nodeName", "spec.driver"],
});

/** Fields that belong to features which are off: attributes that are lists, and what devices take of their node. @upstream dropDisabledFields */
function dropUnserved({ spec }: Draft<ResourceSlice>): void {
  for (const device of spec.devices ?? []) {
    delete device.nodeAllocatableResourceMappings;
    for (const attribute of Object.values(device.attributes ?? {})) for (const field of ["bools", "ints", "strings", "versions"] as const) delete attribute[field];
  }
}

/** @upstream pkg/apis/resource/validation/validation.go validateResourceSliceSpec */
function* validateSlice(spec: ResourceSliceSpec): Iterable<FieldError> {
  const { driver, pool, devices, sharedCounters, perDeviceNodeSelection } = spec;
  yield* checkDriver(specPath.child("driver"), driver);
  yield* checkPool(specPath.child("pool"), pool);
  yield* checkPlace(spec);
  if (sharedCounters !== undefined && devices !== undefined) yield specPath.invalid("", "only one of `sharedCounters` or `devices` is allowed");
  const isIntricate = (devices ?? []).some(({ taints = [], consumesCounters = [] }) => taints.length > 0 || consumesCounters.length > 0);
  yield* checkSet(
    specPath.child("devices"),
    devices ?? [],
    isIntricate ? maxIntricateDevices : maxDevices,
    (at, device) => checkDevice(at, device, perDeviceNodeSelection === true),
    ({ name }) => name,
  );
  yield* checkSet(specPath.child("sharedCounters"), sharedCounters ?? [], maxCounterSets, checkCounterSet, ({ name }) => name);
}

function* checkPlace({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection }: ResourceSliceSpec): Iterable<FieldError> {
  const set: string[] = [];
  if (nodeName === "") yield specPath.child("nodeName").invalid(nodeName, "must be either unset or set to a non-empty string");
  else if (nodeName !== undefined) {
    set.push("`nodeName`");
    yield* checkDnsSubdomain(specPath.child("nodeName"), nodeName);
  }
  if (nodeSelector !== undefined) {
    set.push("`nodeSelector`");
    const terms = (nodeSelector as Partial<typeof nodeSelector>).nodeSelectorTerms;
    yield* validateNodeSelector(nodeSelector, specPath.child("nodeSelector"));
    if (terms?.length !== 1) yield specPath.child("nodeSelector", "nodeSelectorTerms").invalid(terms ?? null, "must have exactly one node selector term");
  }
  for (const [field, value] of [
    ["allNodes", allNodes],
    ["perDeviceNodeSelection", perDeviceNodeSelection],
  ] as const) {
    if (value === true) set.push(`\`${field}\``);
    else if (value === false) yield specPath.child(field).invalid(value, "must be either unset or set to true");
  }
  const choice = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  if (set.length === 0) yield specPath.required(choice);
  else if (set.length > 1) yield specPath.invalid(`{${set.join(", ")}}`, `${choice}, but multiple fields are set`);
}

function* checkPool(path: FieldPath, { name = "", generation = 0, resourceSliceCount = 0 }: Partial<ResourceSliceSpec["pool"]>): Iterable<FieldError> {
  yield* checkPoolName(path.child("name"), name);
  if (resourceSliceCount <= 0) yield path.child("resourceSliceCount").invalid(resourceSliceCount, "must be greater than zero");
  if (generation < 0) yield path.child("generation").invalid(generation, "must be greater than or equal to zero");
}
