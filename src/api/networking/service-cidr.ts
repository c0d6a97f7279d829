import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { cidrErrors, invalidEach, parseCidr } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { serviceCIDRs } from "../generated/resources.ts";
import type { ServiceCIDR } from "../generated/types/networking-v1.ts";
import { kind } from "../kind.ts";

const path = new FieldPath("spec.cidrs");
const unchangeable = "field is immutable";

/** @upstream pkg/registry/networking/servicecidr/strategy.go */
export const serviceCIDRKind = kind<ServiceCIDR>({
  resource: serviceCIDRs,
  generation: "none",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {};
    draft.status ??= {};
  },
  validate: ({ spec }) => validateRanges(spec.cidrs ?? []),
  *validateUpdate({ spec: { cidrs = [] } }, { spec: { cidrs: previous = [] } }) {
    // A second family may be added; nothing else changes.
    const grows = previous.length === 1 && cidrs.length === 2;
    if (previous.length !== cidrs.length && !grows) yield path.invalid(cidrs, unchangeable);
    else for (const [index, cidr] of previous.entries()) if (cidrs[index] !== cidr) yield path.index(index).invalid(cidrs[index], unchangeable);
  },
  columns: [nameColumn, { name: "CIDRs", type: "string", value: ({ spec }) => (spec.cidrs ?? []).join(",") }, ageColumn],
});

/** @upstream pkg/apis/networking/validation/validation.go validateServiceCIDRSpec */
function* validateRanges(cidrs: readonly string[]): Iterable<FieldError> {
  if (cidrs.length === 0) {
    yield path.required("at least one CIDR required");
    return;
  }
  if (cidrs.length > 2) {
    yield path.invalid({ CIDRs: cidrs }, "may only hold up to 2 values");
    return;
  }
  for (const [index, cidr] of cidrs.entries()) yield* invalidEach(path.index(index), cidr, cidrErrors(cidr));
  const [first, second] = cidrs.map((cidr) => parseCidr(cidr)?.address.family);
  if (first !== undefined && first === second) yield path.invalid(cidrs, "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64");
}
