import { type Draft, clone, deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { changeText } from "../change-text.ts";
import type { Pod } from "../generated/types/core-v1.ts";
import { mirrorAnnotation, validatePodAnnotationUpdate } from "./validate-pod-annotations.ts";

const path = new FieldPath("spec.ephemeralContainers");

/** A write to `pods/ephemeralcontainers` changes nothing but these. @upstream pkg/registry/core/pod/strategy.go podEphemeralContainersStrategy */
export function prepareEphemeralContainers(draft: Draft<Pod>, previous: Pod): void {
  const { ephemeralContainers } = draft.spec;
  draft.spec = clone(previous.spec);
  if (ephemeralContainers === undefined) delete draft.spec.ephemeralContainers;
  else draft.spec.ephemeralContainers = ephemeralContainers;
  if (previous.status === undefined) delete draft.status;
  else draft.status = clone(previous.status);
}

/** Containers for debugging are added, never changed or taken away; the pod's own validation runs besides. @upstream ValidatePodEphemeralContainersUpdate */
export function validateEphemeralContainersUpdate(next: Pod, previous: Pod): FieldError[] {
  if (previous.metadata.annotations?.[mirrorAnnotation] !== undefined) return [new FieldPath().forbidden("static pods do not support ephemeral containers")];
  const errors = validatePodAnnotationUpdate(next.metadata.annotations, previous.metadata.annotations, new FieldPath("metadata.annotations"));
  const now = new Map((next.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  for (const old of previous.spec.ephemeralContainers ?? []) {
    const container = now.get(old.name);
    const named = `existing ephemeral containers ${JSON.stringify(old.name)}`;
    if (container === undefined) errors.push(path.forbidden(`${named} may not be removed\n`));
    else if (!deepEqual(container, old)) errors.push(path.forbidden(`${named} may not be changed\n${changeText(old, container)}`));
  }
  return errors;
}
