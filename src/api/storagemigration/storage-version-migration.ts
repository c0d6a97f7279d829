import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateConditions, validateImmutable } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { storageVersionMigrations } from "../generated/resources.ts";
import type { StorageVersionMigration } from "../generated/types/storagemigration-v1beta1.ts";
import { kind } from "../kind.ts";

/** @upstream pkg/registry/storagemigration/storagemigration/strategy.go */
export const storageVersionMigrationKind = kind<StorageVersionMigration>({
  resource: storageVersionMigrations,
  generation: "spec",
  defaults(draft) {
    draft.spec ??= { resource: { group: "", resource: "" } };
    draft.spec.resource ??= { group: "", resource: "" };
    draft.spec.resource.group ??= "";
    draft.spec.resource.resource ??= "";
  },
  prepareCreate(draft) {
    draft.status = {};
  },
  *validate({ spec }) {
    if (spec.resource.resource === "") yield new FieldPath("spec.resource.resource").required("resource is required");
  },
  *validateUpdate(next, previous) {
    yield* validateImmutable(next.spec.resource.group, previous.spec.resource.group, new FieldPath("spec.resource.group"));
    yield* validateImmutable(next.spec.resource.resource, previous.spec.resource.resource, new FieldPath("spec.resource.resource"));
  },
  validateStatusUpdate: validateStatus,
  columns: [
    nameColumn,
    { name: "Resource", type: "string", value: ({ spec }) => [spec.resource.resource, spec.resource.group].filter((part) => part !== "").join(".") },
    ageColumn,
  ],
});

export const isConditionTrue = ({ status }: StorageVersionMigration, type: "Running" | "Succeeded" | "Failed"): boolean =>
  status?.conditions?.some((condition) => condition.type === type && condition.status === "True") === true;

/** @upstream pkg/apis/storagemigration/validation/validation.go ValidateStorageVersionMigrationStatusUpdate */
function* validateStatus(next: StorageVersionMigration, previous: StorageVersionMigration): Iterable<FieldError> {
  const path = new FieldPath("status");
  const conditions = path.child("conditions");
  const [given, before] = [next.status?.resourceVersion ?? "", previous.status?.resourceVersion ?? ""];
  if (before !== "") yield* validateImmutable(given, before, path.child("resourceVersion"));
  yield* validateConditions(next.status?.conditions, conditions);
  const wrong = (detail: string): FieldError => conditions.invalid(next.status?.conditions ?? [], detail);
  const is = (type: "Running" | "Succeeded" | "Failed"): boolean => isConditionTrue(next, type);
  if (is("Succeeded") && is("Failed")) yield wrong("Both success and failed conditions cannot be true at the same time");
  if (is("Succeeded") && is("Running")) yield wrong("Running condition cannot be true when success condition is true");
  if (is("Failed") && is("Running")) yield wrong("Running condition cannot be true when failed condition is true");
  if (isConditionTrue(previous, "Succeeded") && !is("Succeeded")) yield wrong("Success condition cannot be set to false once it is true");
  if (isConditionTrue(previous, "Failed") && !is("Failed")) yield wrong("Failed condition cannot be set to false once it is true");
}
