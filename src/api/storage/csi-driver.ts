import { deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { utf8Length, validateImmutable } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { csiDrivers } from "../generated/resources.ts";
import type { CSIDriver, CSIDriverSpec, TokenRequest } from "../generated/types/storage-v1.ts";
import { kind } from "../kind.ts";

const maxNameBytes = 63;
const groupPolicies = ["File", "None", "ReadWriteOnceWithFSType"];
const lifecycleModes = ["Ephemeral", "Persistent"];
const [minTokenSeconds, maxTokenSeconds] = [600, 2 ** 32];

/** @upstream pkg/registry/storage/csidriver/strategy.go */
export const csiDriverKind = kind<CSIDriver>({
  resource: csiDrivers,
  generation: "spec",
  defaults(draft) {
    draft.spec ??= {};
    const { spec } = draft;
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= "ReadWriteOnceWithFSType";
    if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ["Persistent"];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  *validate({ metadata, spec }) {
    if (utf8Length(metadata.name ?? "") > maxNameBytes) yield new FieldPath("metadata.name").tooLong(maxNameBytes);
    yield* validateSpec(new FieldPath("spec"), spec);
  },
  *validateUpdate({ spec }, { spec: before }) {
    yield* validateImmutable(spec.attachRequired, before.attachRequired, new FieldPath("spec.attachedRequired"));
    if (!deepEqual(spec.volumeLifecycleModes, before.volumeLifecycleModes))
      yield new FieldPath("spec.volumeLifecycleModes").invalid(spec.volumeLifecycleModes, "field is immutable");
  },
  columns: [
    nameColumn,
    { name: "AttachRequired", type: "boolean", value: ({ spec }) => spec.attachRequired ?? true },
    { name: "PodInfoOnMount", type: "boolean", value: ({ spec }) => spec.podInfoOnMount ?? false },
    { name: "StorageCapacity", type: "boolean", value: ({ spec }) => spec.storageCapacity ?? false },
    { name: "TokenRequests", type: "string", value: ({ spec }) => (spec.tokenRequests === undefined ? "<unset>" : spec.tokenRequests.map(({ audience }) => audience).join(",")) },
    { name: "RequiresRepublish", type: "boolean", value: ({ spec }) => spec.requiresRepublish ?? false },
    { name: "Modes", type: "string", value: ({ spec }) => (spec.volumeLifecycleModes ?? []).join(",") || "<none>" },
    ageColumn,
  ],
});

/** @upstream pkg/apis/storage/validation/validation.go validateCSIDriverSpec */
function* validateSpec(path: FieldPath, spec: CSIDriverSpec): Iterable<FieldError> {
  const { fsGroupPolicy, volumeLifecycleModes = [], nodeAllocatableUpdatePeriodSeconds: period } = spec;
  if (fsGroupPolicy !== undefined && !groupPolicies.includes(fsGroupPolicy)) yield path.child("fsGroupPolicy").notSupported(fsGroupPolicy, groupPolicies);
  yield* validateTokenRequests(path.child("tokenRequests"), spec.tokenRequests ?? []);
  for (const mode of volumeLifecycleModes) if (!lifecycleModes.includes(mode)) yield path.child("volumeLifecycleModes").notSupported(mode, lifecycleModes);
  if (period !== undefined && period < 10) yield path.child("nodeAllocatableUpdatePeriodSeconds").invalid(period, "must be greater than or equal to 10 seconds");
  if (spec.serviceAccountTokenInSecrets !== undefined && (spec.tokenRequests ?? []).length === 0) {
    yield path.child("serviceAccountTokenInSecrets").invalid(spec.serviceAccountTokenInSecrets, "must not be set when tokenRequests is empty");
  }
}

function* validateTokenRequests(path: FieldPath, requests: readonly TokenRequest[]): Iterable<FieldError> {
  const audiences = new Set<string>();
  for (const [index, { audience = "", expirationSeconds }] of (requests as readonly Partial<TokenRequest>[]).entries()) {
    const at = path.index(index);
    if (audiences.has(audience)) yield at.child("audience").duplicate(audience);
    audiences.add(audience);
    if (expirationSeconds === undefined) continue;
    if (expirationSeconds < minTokenSeconds) yield at.child("expirationSeconds").invalid(expirationSeconds, "may not specify a duration less than 10 minutes");
    if (expirationSeconds > maxTokenSeconds) yield at.child("expirationSeconds").invalid(expirationSeconds, "may not specify a duration larger than 2^32 seconds");
  }
}
