import { deepEqual } from "../base/values.ts";
import { append } from "./field-errors.ts";
import { FieldPath } from "./field-path.ts";
import type { Condition, LabelSelector, LabelSelectorRequirement, ManagedFieldsEntry, ObjectMeta, OwnerReference } from "./generated/meta-v1.ts";
import { parseApiVersion } from "./resource.ts";
import type { FieldError } from "./status-error.ts";
import { labelValueErrors, nameErrors, patternError, qualifiedNameErrors, utf8Length, type NameRule } from "./text-rules.ts";

type Labels = { readonly [key: string]: string };

/** 256 KiB over all keys and values. */
export const maxAnnotationBytes = 256 * 1024;

/** One "Invalid value" per message. */
export function invalidEach(path: FieldPath, value: unknown, messages: readonly string[]): FieldError[] {
  return messages.length === 0 ? [] : messages.map((message) => path.invalid(value, message));
}

export interface ObjectMetaRules {
  readonly nameRule?: NameRule | undefined;
  readonly namespaced: boolean;
  readonly path?: FieldPath | undefined;
}

/** Metadata of a create, and of an update too. Names have been generated already. @upstream apimachinery/pkg/api/validation/objectmeta.go */
export function validateObjectMeta(meta: ObjectMeta, { nameRule = "dns-subdomain", namespaced, path = metadata }: ObjectMetaRules): FieldError[] {
  const { name = "", generateName = "", namespace = "", generation = 0 } = meta;
  const errors: FieldError[] = [];
  if (generateName !== "") append(errors, invalidEach(path.child("generateName"), generateName, nameErrors(nameRule, generateName, true)));
  if (name === "") errors.push(path.child("name").required("name or generateName is required"));
  else append(errors, invalidEach(path.child("name"), name, nameErrors(nameRule, name)));
  if (namespaced && namespace === "") errors.push(path.child("namespace").required());
  else if (namespaced) append(errors, invalidEach(path.child("namespace"), namespace, nameErrors("dns-label", namespace)));
  else if (namespace !== "") errors.push(path.child("namespace").forbidden("not allowed on this type"));
  append(errors, validateNonnegative(generation, path.child("generation")));
  if (meta.labels !== undefined) append(errors, validateLabels(meta.labels, path.child("labels")));
  if (meta.annotations !== undefined) append(errors, validateAnnotations(meta.annotations, path.child("annotations")));
  if (meta.ownerReferences !== undefined) append(errors, validateOwnerReferences(meta.ownerReferences, path.child("ownerReferences")));
  if (meta.finalizers !== undefined) append(errors, validateFinalizers(meta.finalizers, path.child("finalizers")));
  if (meta.managedFields !== undefined) append(errors, validateManagedFields(meta.managedFields, path.child("managedFields")));
  return errors;
}

const metadata = new FieldPath("metadata");

/** What an update may not change; `validateObjectMeta` runs besides. */
export function validateObjectMetaUpdate(next: ObjectMeta, previous: ObjectMeta, path: FieldPath = metadata): FieldError[] {
  const errors: FieldError[] = [];
  if (previous.deletionTimestamp !== undefined) {
    const added = [...new Set(next.finalizers)].filter((finalizer) => previous.finalizers?.includes(finalizer) !== true).sort();
    const list = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
    if (added.length > 0) errors.push(path.child("finalizers").forbidden(`no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`));
  }
  if ((next.resourceVersion ?? "") === "") errors.push(path.child("resourceVersion").invalid("", "must be specified for an update"));
  if ((next.generation ?? 0) < (previous.generation ?? 0)) errors.push(path.child("generation").invalid(next.generation ?? 0, "must not be decremented"));
  for (const field of ["name", "namespace", "uid"] as const) errors.push(...validateImmutable(next[field] ?? "", previous[field] ?? "", path.child(field)));
  for (const field of ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] as const)
    errors.push(...validateImmutable(next[field], previous[field], path.child(field)));
  return errors;
}

export function validateImmutable(next: unknown, previous: unknown, path: FieldPath): FieldError[] {
  return deepEqual(next, previous) ? [] : [path.invalid(next, "field is immutable")];
}
export function validateNonnegative(value: number, path: FieldPath): FieldError[] {
  return value < 0 ? [path.invalid(value, "must be greater than or equal to 0")] : [];
}

export function validateLabels(labels: Labels | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const key in labels) {
    const value = labels[key] ?? "";
    append(errors, validateLabelName(key, path), invalidEach(path, value, labelValueErrors(value)));
  }
  return errors;
}
export function validateLabelName(name: string, path: FieldPath): FieldError[] {
  return invalidEach(path, name, qualifiedNameErrors(name));
}

export function validateAnnotations(annotations: Labels | undefined, path: FieldPath): FieldError[] {
  if (annotations === undefined) return [];
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    errors.push(...invalidEach(path, key, qualifiedNameErrors(key.toLowerCase())));
    bytes += utf8Length(key) + utf8Length(value);
  }
  if (bytes > maxAnnotationBytes) errors.push(path.tooLong(maxAnnotationBytes));
  return errors;
}

export function validateFinalizers(finalizers: readonly string[] | undefined, path: FieldPath): FieldError[] {
  if (finalizers === undefined) return [];
  const errors = finalizers.flatMap((finalizer) => invalidEach(path, finalizer, qualifiedNameErrors(finalizer)));
  if (finalizers.includes("orphan") && finalizers.includes("foregroundDeletion"))
    errors.push(path.invalid(finalizers, "finalizer orphan and foregroundDeletion cannot be both set"));
  return errors;
}

export function validateOwnerReferences(owners: readonly Partial<OwnerReference>[] | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  let controller = "";
  for (const owner of owners ?? []) {
    const { apiVersion = "", kind = "", name = "", uid = "" } = owner;
    if (parseApiVersion(apiVersion).version === "") errors.push(path.child("apiVersion").invalid(apiVersion, "version must not be empty"));
    if (kind === "") errors.push(path.child("kind").invalid(kind, "must not be empty"));
    if (name === "") errors.push(path.child("name").invalid(name, "must not be empty"));
    if (uid === "") errors.push(path.child("uid").invalid(uid, "must not be empty"));
    if (apiVersion === "v1" && kind === "Event") errors.push(path.invalid(owner, "/v1, Kind=Event is disallowed from being an owner"));
    if (owner.controller !== true) continue;
    const text = `${kind}/${name}`;
    if (controller === "") controller = text;
    else errors.push(path.invalid(owners, `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${text}`));
  }
  return errors;
}

export function validateManagedFields(entries: readonly ManagedFieldsEntry[] | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { operation = "", fieldsType = "", manager = "", subresource = "" }] of (entries ?? []).entries()) {
    const entry = path.index(index);
    if (operation !== "Apply" && operation !== "Update") errors.push(entry.child("operation").invalid(operation, "must be `Apply` or `Update`"));
    if (fieldsType !== "" && fieldsType !== "FieldsV1") errors.push(entry.child("fieldsType").invalid(fieldsType, "must be `FieldsV1`"));
    append(errors, validateFieldManager(manager, entry.child("manager")));
    if (utf8Length(subresource) > 256) errors.push(entry.child("subresource").tooLong(256));
  }
  return errors;
}

/** Printable, and one byte each. */
const plainText = /^[ -~]*$/;

/** At most 128 bytes, all printable. */
export function validateFieldManager(manager: string, path: FieldPath): FieldError[] {
  const errors = utf8Length(manager) > 128 ? [path.tooLong(128)] : [];
  if (plainText.test(manager)) return errors;
  let position = 0;
  for (const char of manager) {
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(char)) {
      const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
      errors.push(path.invalid(manager, `invalid character U+${code} (at position ${position})`));
    }
    position += utf8Length(char);
  }
  return errors;
}

/** A LabelSelector of a spec. @upstream apimachinery/pkg/apis/meta/v1/validation/validation.go */
export function validateLabelSelector(selector: LabelSelector | undefined, path: FieldPath, options: { readonly allowInvalidValues?: boolean } = {}): FieldError[] {
  if (selector === undefined) return [];
  const errors = validateLabels(selector.matchLabels, path.child("matchLabels"));
  for (const [index, { key = "", operator = "", values = [] }] of ((selector.matchExpressions as readonly Partial<LabelSelectorRequirement>[] | undefined) ?? []).entries()) {
    const place = path.child("matchExpressions").index(index);
    if (operator === "In" || operator === "NotIn") {
      if (values.length === 0) errors.push(place.child("values").required("must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      if (values.length > 0) errors.push(place.child("values").forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    } else errors.push(place.child("operator").invalid(operator, "not a valid selector operator"));
    errors.push(...validateLabelName(key, place.child("key")));
    if (options.allowInvalidValues === true) continue;
    for (const [at, value] of values.entries()) errors.push(...invalidEach(place.child("values").index(at), value, labelValueErrors(value)));
  }
  return errors;
}

const conditionReason = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?";
const conditionReasonText =
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";

/** `metav1.Condition`s of a status: unique types, known statuses, bounded texts. */
export function validateConditions(conditions: readonly Partial<Condition>[] | undefined, path: FieldPath): FieldError[] {
  const types = new Set<string>();
  return (conditions ?? []).flatMap(({ type = "", status = "", observedGeneration = 0, lastTransitionTime = "", reason = "", message = "" }, index) => {
    const place = path.index(index);
    const errors = types.has(type) ? [place.child("type").duplicate(type)] : [];
    types.add(type);
    errors.push(...validateLabelName(type, place.child("type")));
    if (status !== "True" && status !== "False" && status !== "Unknown") errors.push(place.child("status").notSupported(status, ["False", "True", "Unknown"]));
    if (observedGeneration < 0) errors.push(place.child("observedGeneration").invalid(observedGeneration, "must be greater than or equal to zero"));
    if (lastTransitionTime === "") errors.push(place.child("lastTransitionTime").required("must be set"));
    if (reason === "") errors.push(place.child("reason").required("must be set"));
    else if (!new RegExp(`^${conditionReason}$`).test(reason))
      errors.push(place.child("reason").invalid(reason, patternError(conditionReasonText, conditionReason, "my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB")));
    if (utf8Length(reason) > 1024) errors.push(place.child("reason").tooLong(1024));
    if (utf8Length(message) > 32 * 1024) errors.push(place.child("message").tooLong(32 * 1024));
    return errors;
  });
}
