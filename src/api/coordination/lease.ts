import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { checkQualifiedName } from "../field-checks.ts";
import { leases } from "../generated/resources.ts";
import type { Lease } from "../generated/types/coordination-v1.ts";
import { kind } from "../kind.ts";

/** @upstream pkg/registry/coordination/lease/strategy.go */
export const leaseKind = kind<Lease>({
  resource: leases,
  allowCreateOnUpdate: true,
  defaults(draft) {
    draft.spec ??= {};
  },
  validate: validateLease,
  columns: [nameColumn, { name: "Holder", type: "string", value: ({ spec }) => spec?.holderIdentity ?? "" }, ageColumn],
});

/** @upstream pkg/apis/coordination/validation/validation.go ValidateLeaseSpec */
function* validateLease({ spec = {} }: Lease): Iterable<FieldError> {
  const path = new FieldPath("spec");
  const { leaseDurationSeconds, leaseTransitions, strategy, preferredHolder = "" } = spec;
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) yield path.child("leaseDurationSeconds").invalid(leaseDurationSeconds, "must be greater than 0");
  if (leaseTransitions !== undefined && leaseTransitions < 0) yield path.child("leaseTransitions").invalid(leaseTransitions, "must be greater than or equal to 0");
  if (strategy !== undefined && strategy !== "OldestEmulationVersion") yield* checkQualifiedName(path.child("strategy"), strategy);
  if (preferredHolder !== "" && (strategy ?? "") === "") yield path.child("preferredHolder").forbidden("may only be specified when `strategy` is defined");
}
