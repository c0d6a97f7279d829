import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateImmutable, validateLabelSelector } from "../../meta/validation.ts";
import { nameColumn } from "../columns.ts";
import { checkDnsSubdomain, checkNotNegative } from "../field-checks.ts";
import { csiStorageCapacities } from "../generated/resources.ts";
import type { CSIStorageCapacity } from "../generated/types/storage-v1.ts";
import { kind } from "../kind.ts";

/** @upstream pkg/registry/storage/csistoragecapacity/strategy.go */
export const csiStorageCapacityKind = kind<CSIStorageCapacity>({
  resource: csiStorageCapacities,
  generation: "none",
  validate: validateCapacity,
  *validateUpdate(next, previous) {
    yield* validateImmutable(next.nodeTopology, previous.nodeTopology, new FieldPath("nodeTopology"));
    yield* validateImmutable(next.storageClassName, previous.storageClassName, new FieldPath("storageClassName"));
  },
  columns: [
    nameColumn,
    { name: "StorageClassName", type: "string", value: ({ storageClassName }) => storageClassName },
    { name: "Capacity", type: "string", value: ({ capacity }) => capacity ?? "<unset>" },
  ],
});

/** @upstream pkg/apis/storage/validation/validation.go ValidateCSIStorageCapacity */
function* validateCapacity({ nodeTopology, storageClassName, capacity, maximumVolumeSize }: CSIStorageCapacity): Iterable<FieldError> {
  yield* validateLabelSelector(nodeTopology, new FieldPath("nodeTopology"));
  yield* checkDnsSubdomain(new FieldPath("storageClassName"), storageClassName);
  if (capacity !== undefined) yield* checkNotNegative(new FieldPath("capacity"), capacity);
  if (maximumVolumeSize !== undefined) yield* checkNotNegative(new FieldPath("maximumVolumeSize"), maximumVolumeSize);
}
