import type { Draft } from "../../../base/values.ts";
import { decode } from "../../../meta/decode.ts";
import type { KubeObject } from "../../../meta/object.ts";
import { failure } from "../../../meta/status-error.ts";
import type { AdmissionRequest } from "../admission.ts";

/** Puts a changed object in the draft's place: read again by its schema, defaults filled in. */
export function replaceDraft({ object, served }: AdmissionRequest, changed: unknown): void {
  if (object === undefined) return;
  if (typeof changed !== "object" || changed === null || Array.isArray(changed)) throw failure("InternalError", "the mutated object is no object");
  const { version, kind } = served.resource;
  const whole = { ...(changed as Record<string, unknown>), apiVersion: served.apiVersion, kind };
  const { value } = served.prune?.(whole) ?? decode(served.schema, whole, { gvk: { version, kind } });
  const target = object as unknown as Record<string, unknown>;
  for (const key of Object.keys(target)) delete target[key];
  Object.assign(target, value);
  target["metadata"] ??= {};
  served.definition.defaults?.(object as Draft<KubeObject>);
}
