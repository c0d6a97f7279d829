import { deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateImmutable, validateLabelSelector } from "../../meta/validation.ts";
import { checkDnsSubdomain, checkNotNegative, checkPositive } from "../field-checks.ts";
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from "../generated/types/core-v1.ts";
import { changeText } from "../change-text.ts";
import { checkAccessModes } from "./access-modes.ts";
import { validateDataSources } from "./claim-data-source.ts";

const volumeModes = ["Block", "Filesystem"];
const classAnnotation = "volume.beta.kubernetes.io/storage-class";

/** Also of a template's claims: `path` is that of the spec. @upstream pkg/apis/core/validation/validation.go ValidatePersistentVolumeClaimSpec */
export function* validateClaimSpec(path: FieldPath, spec: PersistentVolumeClaimSpec): Iterable<FieldError> {
  yield* checkAccessModes(path.child("accessModes"), spec.accessModes ?? [], "at least 1 access mode is required");
  yield* validateLabelSelector(spec.selector, path.child("selector"));
  const storage = spec.resources?.requests?.["storage"];
  const storagePath = path.child("resources").key("storage");
  if (storage === undefined) yield storagePath.required();
  else yield* checkPositive(storagePath, storage);
  if ((spec.storageClassName ?? "") !== "") yield* checkDnsSubdomain(path.child("storageClassName"), spec.storageClassName);
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode)) yield path.child("volumeMode").notSupported(spec.volumeMode, volumeModes);
  yield* validateDataSources(path, spec);
  if ((spec.volumeAttributesClassName ?? "") !== "") yield* checkDnsSubdomain(path.child("volumeAttributesClassName"), spec.volumeAttributesClassName);
}

const storageOf = (amounts: { readonly [name: string]: string } | undefined): Quantity => Quantity.parse(amounts?.["storage"] ?? "0");

/** Binding may set volumeName and a class once; a bound claim may grow. @upstream ValidatePersistentVolumeClaimUpdate */
export function* validateClaimUpdate(next: PersistentVolumeClaim, previous: PersistentVolumeClaim): Iterable<FieldError> {
  const { spec, metadata } = next;
  const { spec: before } = previous;
  const annotation = metadata.annotations?.[classAnnotation];
  const previousAnnotation = previous.metadata.annotations?.[classAnnotation];
  const bound = next.status?.phase === "Bound";
  const mayName = (before.volumeName ?? "") === "";
  const fromAnnotation =
    previousAnnotation !== undefined &&
    before.storageClassName === undefined &&
    spec.storageClassName === previousAnnotation &&
    (annotation ?? previousAnnotation) === previousAnnotation;
  if (!fromAnnotation && (annotation ?? "") !== (previousAnnotation ?? "")) {
    yield new FieldPath("metadata.annotations").child(classAnnotation).invalid(annotation ?? "", "field is immutable");
  }
  const fromNothing = spec.storageClassName !== undefined && before.storageClassName === undefined && (previousAnnotation ?? spec.storageClassName) === spec.storageClassName;
  const comparable = {
    ...spec,
    ...(mayName ? { volumeName: before.volumeName } : {}),
    ...(fromAnnotation || fromNothing ? { storageClassName: before.storageClassName } : {}),
    ...(bound && spec.volumeAttributesClassName !== undefined ? { volumeAttributesClassName: before.volumeAttributesClassName } : {}),
    ...(bound && spec.resources?.requests !== undefined
      ? { resources: { ...spec.resources, requests: { ...spec.resources.requests, storage: before.resources?.requests?.["storage"] } } }
      : {}),
  };
  if (!deepEqual(comparable, before)) {
    const text = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    yield new FieldPath("spec").forbidden(`${text}\n${changeText(before, comparable)}`);
  }
  const size = storageOf(spec.resources?.requests);
  if (size.compare(storageOf(before.resources?.requests)) < 0 && size.compare(storageOf(previous.status?.capacity)) <= 0) {
    yield new FieldPath("spec.resources.requests.storage").forbidden("field can not be less than status.capacity");
  }
  yield* validateImmutable(spec.volumeMode, before.volumeMode, new FieldPath("volumeMode"));
  if (before.volumeAttributesClassName === undefined) return;
  const path = new FieldPath("spec.volumeAttributesClassName");
  if (spec.volumeAttributesClassName === undefined) yield path.forbidden("update from non-nil value to nil is forbidden");
  else if (spec.volumeAttributesClassName === "" && before.volumeAttributesClassName !== "") yield path.forbidden("update from non-nil value to an empty string is forbidden");
}

const resizeStatuses = ["ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizePending", "NodeResizeInProgress", "NodeResizeInfeasible"];

/** @upstream ValidatePersistentVolumeClaimStatusUpdate */
export function* validateClaimStatus({ spec, status = {} }: PersistentVolumeClaim): Iterable<FieldError> {
  if ((spec.accessModes ?? []).length === 0) yield new FieldPath("Spec.accessModes").required();
  for (const [name, amount] of Object.entries(status.capacity ?? {})) {
    const quantity = Quantity.parse(amount);
    if (quantity.sign < 0) yield new FieldPath("status.capacity").key(name).invalid(quantity.value(), "must be a valid resource quantity");
  }
  const statusPath = new FieldPath("status.allocatedResourceStatus");
  for (const [name, value] of Object.entries(status.allocatedResourceStatuses ?? {})) if (!resizeStatuses.includes(value)) yield statusPath.notSupported(name, resizeStatuses);
  for (const [name, amount] of Object.entries(status.allocatedResources ?? {})) yield* checkNotNegative(new FieldPath("status.allocatedResources").key(name), amount);
}
