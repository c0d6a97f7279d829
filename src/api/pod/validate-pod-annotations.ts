import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import type { AppArmorProfile, PodSpec, SeccompProfile } from "../generated/types/core-v1.ts";
import { isBlank } from "./choice.ts";
import { containersWithPath } from "./validate-os.ts";

type Annotations = { readonly [key: string]: string } | undefined;

export const mirrorAnnotation = "kubernetes.io/config.mirror";
const deletionCost = "controller.kubernetes.io/pod-deletion-cost";
const appArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";
const seccompPod = "seccomp.security.alpha.kubernetes.io/pod";
const seccompContainerPrefix = "container.seccomp.security.alpha.kubernetes.io/";

/** Annotations that mean something to a pod. @upstream pkg/apis/core/validation/validation.go ValidatePodSpecificAnnotations */
export function validatePodAnnotations(annotations: Annotations, spec: PodSpec, path: FieldPath): FieldError[] {
  if (annotations === undefined) return [];
  const errors: FieldError[] = [];
  const mirror = annotations[mirrorAnnotation];
  if (mirror !== undefined && isBlank(spec.nodeName)) errors.push(path.key(mirrorAnnotation).invalid(mirror, "must set spec.nodeName if mirror pod annotation is set"));
  const cost = annotations[deletionCost];
  if (cost !== undefined && !isDeletionCost(cost)) errors.push(path.key(deletionCost).invalid(cost, "must be a 32bit integer"));
  const names = new Set(containersWithPath(spec, path).map(([{ name }]) => name));
  for (const [key, value] of Object.entries(annotations)) {
    if (key === seccompPod || key.startsWith(seccompContainerPrefix)) {
      if (!/^(?:runtime\/default|docker\/default|unconfined|localhost\/.*)$/s.test(value)) errors.push(path.child(key).invalid(value, "must be a valid seccomp profile"));
    } else if (key.startsWith(appArmorPrefix)) {
      const container = key.slice(appArmorPrefix.length);
      if (!names.has(container)) errors.push(path.key(key).invalid(container, "container not found"));
      if (!/^(?:|runtime\/default|unconfined|localhost\/.*)$/s.test(value)) errors.push(path.key(key).invalid(value, `invalid AppArmor profile name: ${JSON.stringify(value)}`));
    }
  }
  return errors;
}

/** A decimal int32 without a plus or leading zeros. @upstream pkg/apis/core/helper/helpers.go GetDeletionCostFromPodAnnotations */
function isDeletionCost(text: string): boolean {
  return /^(?:0|-?[1-9][0-9]*)$/.test(text) && Number(text) >= -(2 ** 31) && Number(text) < 2 ** 31;
}

/** Neither what makes a pod a mirror nor its AppArmor profiles can change. @upstream ValidatePodSpecificAnnotationUpdates */
export function validatePodAnnotationUpdate(next: Annotations, previous: Annotations, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const key of new Set([...Object.keys(previous ?? {}), ...Object.keys(next ?? {})])) {
    if (next?.[key] === previous?.[key]) continue;
    const verb = previous?.[key] === undefined ? "add" : "remove or update";
    if (key.startsWith(appArmorPrefix)) errors.push(path.key(key).forbidden(`may not ${verb} AppArmor annotations`));
    if (key === mirrorAnnotation) errors.push(path.key(key).forbidden(`may not ${verb} mirror pod annotation`));
  }
  return errors;
}

/** Where an old annotation and the field that took its place are both there, they say the same. @upstream validateSeccompAnnotationsAndFields */
export function validateProfileAnnotations(annotations: Annotations, spec: PodSpec, path: FieldPath): FieldError[] {
  if (annotations === undefined) return [];
  const errors: FieldError[] = [];
  const ofPod = spec.securityContext;
  if (ofPod?.seccompProfile !== undefined)
    errors.push(...compare(annotations[seccompPod], ofPod.seccompProfile, ["seccomp type", "seccomp profile"], path.child("securityContext", "seccompProfile")));
  for (const [{ name, securityContext }, place] of containersWithPath(spec, path)) {
    const inContext = place.child("securityContext");
    if (securityContext?.seccompProfile !== undefined)
      errors.push(
        ...compare(annotations[`${seccompContainerPrefix}${name}`], securityContext.seccompProfile, ["seccomp type", "seccomp profile"], inContext.child("seccompProfile")),
      );
    const appArmor = securityContext?.appArmorProfile ?? ofPod?.appArmorProfile;
    if (appArmor !== undefined && spec.os?.name !== "windows")
      errors.push(...compare(annotations[`${appArmorPrefix}${name}`], appArmor, ["apparmor type", "apparmor profile"], inContext.child("appArmorProfile")));
  }
  return errors;
}

function compare(annotation: string | undefined, profile: SeccompProfile | AppArmorProfile, [type, named]: readonly [string, string], path: FieldPath): FieldError[] {
  if (annotation === undefined) return [];
  const prefix = "localhost/";
  const asType =
    annotation === "unconfined" ? "Unconfined" : annotation.startsWith(prefix) ? "Localhost" : /^(?:runtime|docker)\/default$/.test(annotation) ? "RuntimeDefault" : "";
  if (asType !== profile.type) return [path.child("type").forbidden(`${type} in annotation and field must match`)];
  const same = profile.type !== "Localhost" || annotation.slice(prefix.length) === profile.localhostProfile;
  return same ? [] : [path.child("localhostProfile").forbidden(`${named} in annotation and field must match`)];
}
