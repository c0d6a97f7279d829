import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateImmutable } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { resourceClaims } from "../generated/resources.ts";
import type { ResourceClaim, ResourceClaimStatus } from "../generated/types/resource-v1.ts";
import { kind } from "../kind.ts";
import { defaultDeviceClaim, validateDeviceClaim } from "./device-requests.ts";

const maxConsumers = 256;

/** @upstream pkg/registry/resource/resourceclaim/strategy.go */
export const resourceClaimKind = kind<ResourceClaim>({
  resource: resourceClaims,
  generation: "none",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {};
    draft.spec.devices ??= {};
    defaultDeviceClaim(draft.spec.devices);
    draft.status ??= {};
  },
  validate: ({ spec }) => validateDeviceClaim(new FieldPath("spec.devices"), spec.devices ?? {}),
  validateUpdate: ({ spec }, previous) => validateImmutable(spec, previous.spec, new FieldPath("spec")),
  validateStatusUpdate: ({ metadata, status }, previous) => validateStatus(status ?? {}, previous.status ?? {}, metadata.deletionTimestamp !== undefined),
  columns: [nameColumn, { name: "State", type: "string", value: stateText }, ageColumn],
});

/** `allocated,reserved`. @upstream pkg/printers/internalversion/printers.go resourceClaimState */
function stateText({ metadata, status }: ResourceClaim): string {
  const deleted = metadata.deletionTimestamp !== undefined;
  const states = deleted ? ["deleted"] : [];
  if (status?.allocation === undefined) {
    if (!deleted) states.push("pending");
  } else {
    states.push("allocated");
    if ((status.reservedFor ?? []).length > 0) states.push("reserved");
  }
  return states.join(",");
}

/** @upstream pkg/apis/resource/validation/validation.go ValidateResourceClaimStatusUpdate */
function* validateStatus({ allocation, reservedFor = [] }: ResourceClaimStatus, previous: ResourceClaimStatus, deleting: boolean): Iterable<FieldError> {
  const path = new FieldPath("status");
  const reservedPath = path.child("reservedFor");
  if (reservedFor.length > maxConsumers) yield reservedPath.tooMany(reservedFor.length, maxConsumers);
  const uids = new Set<string>();
  for (const [index, { resource = "", name = "", uid = "" }] of (
    reservedFor as readonly { readonly resource?: string; readonly name?: string; readonly uid?: string }[]
  ).entries()) {
    const at = reservedPath.index(index);
    if (resource === "") yield at.child("resource").required();
    if (name === "") yield at.child("name").required();
    if (uid === "") yield at.child("uid").required();
    if (uids.has(uid)) yield at.duplicate(uid);
    uids.add(uid);
  }
  if (reservedFor.length > 0) {
    if (allocation === undefined) yield reservedPath.forbidden("may not be specified when `allocated` is not set");
    const known = new Set((previous.reservedFor ?? []).map(({ uid }) => uid));
    if (deleting && reservedFor.some(({ uid }) => !known.has(uid)))
      yield reservedPath.forbidden("new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set");
  }
  if (previous.allocation !== undefined && allocation !== undefined) yield* validateImmutable(allocation, previous.allocation, path.child("allocation"));
}
