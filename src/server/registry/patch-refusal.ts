import type { Misfit } from "../../meta/decode.ts";
import { goText, isJsonObject, jsonWord } from "../../meta/patch/json-value.ts";
import { badRequest, invalid, type StatusError } from "../../meta/status-error.ts";
import { patchTypes } from "./patch-types.ts";

/** What a patch has to be, before it is applied, unless nobody wants its fields looked at. @upstream apiserver/pkg/endpoints/handlers/patch.go applyJSPatch */
export function checkPatchShape(type: string, patch: unknown): void {
  if (type === patchTypes.merge && !isJsonObject(patch)) throw undecodable(patch, "map[string]interface {}");
  if (type !== patchTypes.json) return;
  if (!Array.isArray(patch)) throw undecodable(patch, "[]handlers.jsonPatchOp");
  for (const operation of patch as readonly unknown[]) {
    if (!isJsonObject(operation)) throw undecodable(operation, "handlers.jsonPatchOp");
    for (const field of ["op", "path", "from"]) {
      const value = Object.hasOwn(operation, field) ? operation[field] : undefined;
      if (value !== undefined && value !== null && typeof value !== "string")
        throw badRequest(`error decoding patch: json: cannot unmarshal ${jsonWord(value)} into Go struct field jsonPatchOp.${field} of type string`);
    }
  }
}

const undecodable = (value: unknown, goType: string): StatusError => badRequest(`error decoding patch: json: cannot unmarshal ${jsonWord(value)} into Go value of type ${goType}`);

/**
 * 422 for a patch after which the object cannot be read: the field `patch` is what is wrong, and its value the patch itself
 * when it is a strategic one, or else the object as it would have been. @upstream apiserver/pkg/endpoints/handlers/patch.go
 */
export function patchRefusal(type: string, patch: unknown, changed: unknown): (misfit: Misfit) => StatusError {
  const isStrategic = type === patchTypes.strategic;
  return ({ why, wrong }) =>
    invalid({ group: "", kind: "", name: "" }, [
      {
        type: "FieldValueInvalid",
        field: "patch",
        value: isStrategic ? goText(patch) : JSON.stringify(changed),
        detail: isStrategic && wrong !== undefined ? misfitText(wrong) : why,
      },
    ]);
}

/** Upstream takes strategically patched objects apart without JSON, and says so. @upstream apimachinery/pkg/runtime/converter.go fromUnstructured */
function misfitText({ value, type }: NonNullable<Misfit["wrong"]>): string {
  const given = goKind(value);
  if (type === "map") return `cannot restore map from ${given}`;
  if (type === "array" || type === "bytes") return `cannot restore slice from ${given}`;
  if (type === "object") return `cannot restore struct from: ${given}`;
  const wanted = goScalars[type] ?? "string";
  const isConvertible = (given === "int64" && wanted !== "bool") || (given === "float64" && wanted !== "bool" && wanted !== "string");
  return isConvertible ? `cannot convert ${given} to ${wanted}` : `unrecognized type: ${wanted}`;
}

const goScalars: { readonly [type: string]: string | undefined } = { boolean: "bool", int32: "int32", int64: "int64", double: "float64" };

function goKind(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  if (typeof value === "boolean") return "bool";
  if (Array.isArray(value)) return "slice";
  return typeof value === "string" ? "string" : "map";
}
