import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { invalidEach, dnsSubdomainErrors, validateImmutable } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { checkDnsLabel, checkDnsSubdomain } from "../field-checks.ts";
import { resourceSlices } from "../generated/resources.ts";
import type { ResourceSlice, ResourceSliceSpec } from "../generated/types/resource-v1.ts";
import { kind } from "../kind.ts";
import { validateNodeSelector } from "../pod/validate-affinity.ts";
import { checkDriver } from "./device-requests.ts";

const maxDevices = 128;
const maxPoolNameBytes = 253;
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
  validate: ({ spec }) => validateSlice(spec),
  *validateUpdate({ spec }, { spec: before }) {
    yield* validateImmutable(spec.driver, before.driver, specPath.child("driver"));
    yield* validateImmutable(spec.pool.name, before.pool.name, specPath.child("pool", "name"));
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

/** @upstream pkg/apis/resource/validation/validation.go validateResourceSliceSpec */
function* validateSlice({ driver, pool, nodeName, nodeSelector, allNodes, perDeviceNodeSelection, devices = [] }: ResourceSliceSpec): Iterable<FieldError> {
  yield* checkDriver(specPath.child("driver"), driver);
  yield* validatePool(specPath.child("pool"), pool);
  const places = [
    nodeName !== undefined && "`nodeName`",
    nodeSelector !== undefined && "`nodeSelector`",
    allNodes === true && "`allNodes`",
    perDeviceNodeSelection === true && "`perDeviceNodeSelection`",
  ].filter((place) => place !== false);
  const choice = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  if (places.length === 0) yield specPath.required(choice);
  else if (places.length > 1) yield specPath.invalid(`{${places.join(", ")}}`, choice);
  if (nodeName === "") yield specPath.child("nodeName").invalid(nodeName, "must be either unset or set to a non-empty string");
  else if (nodeName !== undefined) yield* checkDnsSubdomain(specPath.child("nodeName"), nodeName);
  if (nodeSelector !== undefined) {
    if ((nodeSelector as Partial<typeof nodeSelector>).nodeSelectorTerms?.length !== 1)
      yield specPath.child("nodeSelector", "nodeSelectorTerms").invalid(nodeSelector.nodeSelectorTerms, "must have exactly one node selector term");
    yield* validateNodeSelector(nodeSelector, specPath.child("nodeSelector"));
  }
  if (devices.length > maxDevices) yield specPath.child("devices").tooMany(devices.length, maxDevices);
  const names = new Set<string>();
  for (const [index, { name }] of devices.entries()) {
    const at = specPath.child("devices").index(index);
    yield* checkDnsLabel(at.child("name"), name);
    if (names.has(name)) yield at.duplicate(name);
    names.add(name);
  }
}

function* validatePool(path: FieldPath, { name = "", generation = 0, resourceSliceCount = 0 }: Partial<ResourceSliceSpec["pool"]>): Iterable<FieldError> {
  const at = path.child("name");
  if (name === "") yield at.required();
  else {
    if (name.length > maxPoolNameBytes) yield at.tooLong(maxPoolNameBytes);
    for (const part of name.split("/")) yield* invalidEach(at, part, dnsSubdomainErrors(part));
  }
  if (resourceSliceCount <= 0) yield path.child("resourceSliceCount").invalid(resourceSliceCount, "must be greater than zero");
  if (generation < 0) yield path.child("generation").invalid(generation, "must be greater than or equal to zero");
}
