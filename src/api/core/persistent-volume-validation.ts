import { deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateImmutable } from "../../meta/validation.ts";
import { changeText } from "../change-text.ts";
import { checkDnsSubdomain, checkPositive } from "../field-checks.ts";
import type { PersistentVolume, PersistentVolumeSpec, VolumeNodeAffinity } from "../generated/types/core-v1.ts";
import { validateNodeSelector } from "../pod/validate-affinity.ts";
import { checkAccessModes } from "./access-modes.ts";
import { validateVolumeSource, volumeSourceOf } from "./volume-sources.ts";

const specPath = new FieldPath("spec");
const reclaimPolicies = ["Delete", "Recycle", "Retain"];
const volumeModes = ["Block", "Filesystem"];

/** @upstream pkg/apis/core/validation/validation.go ValidatePersistentVolumeSpec */
export function* validatePersistentVolume({ metadata, spec }: PersistentVolume): Iterable<FieldError> {
  yield* checkAccessModes(specPath.child("accessModes"), spec.accessModes ?? []);
  yield* validateCapacity(spec.capacity ?? {});
  const { persistentVolumeReclaimPolicy: policy = "", volumeMode } = spec;
  if (policy !== "" && !reclaimPolicies.includes(policy)) yield specPath.child("persistentVolumeReclaimPolicy").notSupported(policy, reclaimPolicies);
  if (spec.nodeAffinity !== undefined) yield* validateNodeAffinity(specPath.child("nodeAffinity"), spec.nodeAffinity);
  yield* validateVolumeSource(specPath, spec, metadata.name ?? "");
  if (policy === "Recycle" && spec.hostPath !== undefined && /^\/+(?:\.?\/+)*\.?$/.test(spec.hostPath.path)) {
    yield specPath.child("persistentVolumeReclaimPolicy").forbidden("may not be 'recycle' for a hostPath mount of '/'");
  }
  if ((spec.storageClassName ?? "") !== "") yield* checkDnsSubdomain(specPath.child("storageClassName"), spec.storageClassName);
  if (volumeMode !== undefined && !volumeModes.includes(volumeMode)) yield specPath.child("volumeMode").notSupported(volumeMode, volumeModes);
  yield* validateAttributesClass(spec);
}

function* validateCapacity(capacity: { readonly [name: string]: string }): Iterable<FieldError> {
  const path = specPath.child("capacity");
  const names = Object.keys(capacity);
  if (names.length === 0) yield path.required();
  if (capacity["storage"] === undefined || names.length > 1) yield path.notSupported(capacity, ["storage"]);
  for (const [name, amount] of Object.entries(capacity)) {
    const quantity = Quantity.parse(amount);
    if (quantity.sign < 0) yield path.key(name).invalid(quantity.value(), "must be a valid resource quantity");
    yield* checkPositive(path.key(name), amount);
  }
}

function* validateNodeAffinity(path: FieldPath, { required }: VolumeNodeAffinity): Iterable<FieldError> {
  if (required === undefined) yield path.child("required").required("must specify required node constraints");
  else yield* validateNodeSelector(required, path.child("required"));
}

function* validateAttributesClass({ volumeAttributesClassName: name, csi }: PersistentVolumeSpec): Iterable<FieldError> {
  if (name === undefined) return;
  const path = specPath.child("volumeAttributesClassName");
  if (name === "") yield path.required("an empty string is disallowed");
  else yield* checkDnsSubdomain(path, name);
  if (csi === undefined) yield specPath.child("csi").required("has to be specified when using volumeAttributesClassName");
}

/** @upstream ValidatePersistentVolumeUpdate */
export function* validatePersistentVolumeUpdate({ spec }: PersistentVolume, { spec: before }: PersistentVolume): Iterable<FieldError> {
  const previous = volumeSourceOf(before);
  const mayAddSecret = before.csi !== undefined && before.csi.controllerExpandSecretRef === undefined && spec.csi !== undefined;
  const next = mayAddSecret ? { ...volumeSourceOf(spec), csi: { ...spec.csi, controllerExpandSecretRef: undefined } } : volumeSourceOf(spec);
  if (!deepEqual(next, previous)) {
    yield specPath.child("persistentvolumesource").forbidden(`spec.persistentvolumesource is immutable after creation\n${changeText(previous, next)}`);
  }
  yield* validateImmutable(spec.volumeMode, before.volumeMode, new FieldPath("volumeMode"));
  if (before.nodeAffinity !== undefined && !deepEqual(withStableKeys(spec.nodeAffinity, before.nodeAffinity), before.nodeAffinity)) {
    yield new FieldPath("nodeAffinity").invalid(spec.nodeAffinity, "field is immutable, except for updating from beta label to GA");
  }
  if (before.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    yield specPath.child("volumeAttributesClassName").forbidden("update from non-nil value to nil is forbidden");
  }
}

const stableLabels = new Map([
  ["failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"],
  ["failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"],
  ["beta.kubernetes.io/os", "kubernetes.io/os"],
  ["beta.kubernetes.io/arch", "kubernetes.io/arch"],
  ["beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"],
]);

/** The affinity with keys put back that only moved from a beta label to its successor. */
function withStableKeys(next: VolumeNodeAffinity | undefined, previous: VolumeNodeAffinity): unknown {
  const terms = next?.required?.nodeSelectorTerms.map((term, at) => ({
    ...term,
    ...(term.matchExpressions === undefined
      ? {}
      : {
          matchExpressions: term.matchExpressions.map((expression, index) => {
            const old = previous.required?.nodeSelectorTerms[at]?.matchExpressions?.[index]?.key;
            return old !== undefined && stableLabels.get(old) === expression.key ? { ...expression, key: old } : expression;
          }),
        }),
  }));
  return terms === undefined ? next : { ...next, required: { ...next?.required, nodeSelectorTerms: terms } };
}
