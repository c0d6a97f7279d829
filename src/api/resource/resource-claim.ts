import type { Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import { validateImmutable } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { resourceClaims } from "../generated/resources.ts";
import type { ResourceClaim } from "../generated/types/resource-v1.ts";
import { kind } from "../kind.ts";
import { defaultDeviceClaim, requestNamesOf, validateDeviceClaim } from "./device-requests.ts";
import { validateClaimStatus } from "./validate-claim-status.ts";

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
  // The spec never changes: what was valid when it was made is not looked at again.
  validateCreate: ({ spec }) => validateDeviceClaim(new FieldPath("spec.devices"), spec.devices ?? {}),
  validateUpdate: ({ spec }, previous) => validateImmutable(spec, previous.spec, new FieldPath("spec")),
  prepareStatusUpdate: dropGoneDevices,
  validateStatusUpdate: ({ metadata, spec, status }, previous) =>
    validateClaimStatus(new FieldPath("status"), status ?? {}, {
      previous: previous.status ?? {},
      isDeleting: metadata.deletionTimestamp !== undefined,
      names: requestNamesOf(spec.devices ?? {}),
    }),
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

/** What drivers said of devices that the claim had and no longer has goes with them. @upstream dropDeallocatedStatusDevices */
function dropGoneDevices(draft: Draft<ResourceClaim>, previous: ResourceClaim): void {
  const idOf = ({ driver, pool, device }: { readonly driver: string; readonly pool: string; readonly device: string }): string => `${driver}/${pool}/${device}`;
  const { status } = draft;
  if (status?.devices === undefined) return;
  const kept = new Set((status.allocation?.devices?.results ?? []).map(idOf));
  const gone = new Set((previous.status?.allocation?.devices?.results ?? []).map(idOf).filter((id) => !kept.has(id)));
  const left = status.devices.filter((device) => !gone.has(idOf(device)));
  if (left.length === 0) delete status.devices;
  else status.devices = left;
}
