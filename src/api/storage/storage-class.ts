import { deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { ObjectMeta } from "../../meta/generated/meta-v1.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateImmutable } from "../../meta/validation.ts";
import { ageColumn } from "../columns.ts";
import { storageClasses } from "../generated/resources.ts";
import type { TopologySelectorTerm } from "../generated/types/core-v1.ts";
import type { StorageClass } from "../generated/types/storage-v1.ts";
import { checkOneOf, checkQualifiedName } from "../field-checks.ts";
import { kind } from "../kind.ts";
import { validateClassParameters } from "./class-parameters.ts";

const reclaimPolicies = ["Delete", "Retain"];

/** @upstream pkg/registry/storage/storageclass/strategy.go */
export const storageClassKind = kind<StorageClass>({
  resource: storageClasses,
  shortNames: ["sc"],
  generation: "none",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.reclaimPolicy ??= "Delete";
    draft.volumeBindingMode ??= "Immediate";
  },
  *validate(object) {
    yield* validateProvisioner(object.provisioner);
    yield* validateClassParameters(new FieldPath("parameters"), object.parameters ?? {});
    const { reclaimPolicy = "" } = object;
    if (reclaimPolicy !== "" && !reclaimPolicies.includes(reclaimPolicy)) yield new FieldPath("reclaimPolicy").notSupported(reclaimPolicy, reclaimPolicies);
    yield* checkOneOf(new FieldPath("volumeBindingMode"), object.volumeBindingMode, ["Immediate", "WaitForFirstConsumer"]);
    yield* validateTopologies(object.allowedTopologies ?? []);
  },
  *validateUpdate(next, previous) {
    if (!deepEqual(next.parameters ?? {}, previous.parameters ?? {})) yield new FieldPath("parameters").forbidden("updates to parameters are forbidden.");
    if (next.provisioner !== previous.provisioner) yield new FieldPath("provisioner").forbidden("updates to provisioner are forbidden.");
    if (next.reclaimPolicy !== previous.reclaimPolicy) yield new FieldPath("reclaimPolicy").forbidden("updates to reclaimPolicy are forbidden.");
    yield* validateImmutable(next.volumeBindingMode, previous.volumeBindingMode, new FieldPath("volumeBindingMode"));
  },
  columns: [
    { name: "Name", type: "string", format: "name", value: ({ metadata }) => `${metadata.name ?? ""}${isDefaultClass(metadata) ? " (default)" : ""}` },
    { name: "Provisioner", type: "string", value: ({ provisioner }) => provisioner },
    { name: "ReclaimPolicy", type: "string", value: ({ reclaimPolicy }) => reclaimPolicy ?? "Delete" },
    { name: "VolumeBindingMode", type: "string", value: ({ volumeBindingMode }) => volumeBindingMode ?? "Immediate" },
    { name: "AllowVolumeExpansion", type: "string", value: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false },
    ageColumn,
  ],
});

/** Whether claims that name no class get this one. @upstream pkg/apis/storage/util/helpers.go IsDefaultAnnotation */
export function isDefaultClass({ annotations }: ObjectMeta): boolean {
  return annotations?.["storageclass.kubernetes.io/is-default-class"] === "true" || annotations?.["storageclass.beta.kubernetes.io/is-default-class"] === "true";
}

function* validateProvisioner(provisioner = ""): Iterable<FieldError> {
  const path = new FieldPath("provisioner");
  if (provisioner === "") yield path.required();
  // Upper case is let through, and shown as it was written.
  else for (const error of checkQualifiedName(path, provisioner.toLowerCase())) yield { ...error, value: provisioner };
}

/** @upstream pkg/apis/core/validation/validation.go ValidateTopologySelectorTerm */
function* validateTopologies(terms: readonly TopologySelectorTerm[]): Iterable<FieldError> {
  for (const [index, { matchLabelExpressions = [] }] of terms.entries()) {
    const path = new FieldPath("allowedTopologies").index(index).child("matchLabelExpressions");
    const keys = new Set<string>();
    for (const [at, { key, values }] of matchLabelExpressions.entries()) {
      const place = path.index(at);
      if ((values as readonly string[] | undefined)?.length === 0 || (values as readonly string[] | undefined) === undefined) yield place.child("values").required();
      else for (const [position, value] of values.entries()) if (values.indexOf(value) < position) yield place.child("values").index(position).duplicate(value);
      yield* checkQualifiedName(place.child("key"), key);
      if (keys.has(key)) yield place.child("key").duplicate(key);
      keys.add(key);
    }
  }
}
