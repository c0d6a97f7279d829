import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { resourceQuotas } from "../generated/resources.ts";
import type { ResourceQuota } from "../generated/types/core-v1.ts";
import { kind } from "../kind.ts";
import { validateResourceQuantity } from "../pod/validate-resources.ts";
import { validateQuotaResourceName } from "./quota-resource.ts";
import { validateQuotaScopes } from "./quota-scopes.ts";

/** @upstream pkg/registry/core/resourcequota/strategy.go */
export const resourceQuotaKind = kind<ResourceQuota>({
  resource: resourceQuotas,
  shortNames: ["quota"],
  generation: "none",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {};
    draft.status ??= {};
  },
  *validate({ spec }) {
    yield* validateAmounts(new FieldPath("spec.hard"), spec.hard);
    yield* validateQuotaScopes(new FieldPath("spec"), spec);
  },
  *validateUpdate({ spec }, { spec: before }) {
    const [next, previous] = [new Set(spec.scopes), new Set(before.scopes)];
    if (next.size !== previous.size || [...next].some((scope) => !previous.has(scope))) yield new FieldPath("spec.scopes").invalid(spec.scopes ?? [], "field is immutable");
  },
  *validateStatusUpdate({ status }) {
    yield* validateAmounts(new FieldPath("status.hard"), status?.hard);
    yield* validateAmounts(new FieldPath("status.used"), status?.used);
  },
  columns: [
    nameColumn,
    { name: "Request", type: "string", value: (quota) => usageText(quota, (name) => !name.startsWith("limits.")) },
    { name: "Limit", type: "string", value: (quota) => usageText(quota, (name) => name.startsWith("limits.")) },
    ageColumn,
  ],
});

function* validateAmounts(path: FieldPath, amounts: { readonly [name: string]: string } | undefined): Iterable<FieldError> {
  for (const [name, amount] of Object.entries(amounts ?? {})) {
    yield* validateQuotaResourceName(name, path.key(name));
    yield* validateResourceQuantity(name, amount, path.key(name));
  }
}

/** `pods: 1/10, requests.cpu: 500m/2`. */
function usageText({ status }: ResourceQuota, belongs: (name: string) => boolean): string {
  const { hard = {}, used = {} } = status ?? {};
  const names = Object.keys(hard).sort().filter(belongs);
  return names.map((name) => `${name}: ${used[name] ?? "0"}/${hard[name] ?? "0"}`).join(", ");
}
