import { deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { utf8Length } from "../../meta/validation.ts";
import { base64Length } from "../base64.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { configMaps } from "../generated/resources.ts";
import type { ConfigMap } from "../generated/types/core-v1.ts";
import { kind } from "../kind.ts";
import { checkDataKeys, checkImmutableData, maxDataBytes } from "./data-limits.ts";

/** @upstream pkg/registry/core/configmap/strategy.go */
export const configMapKind = kind<ConfigMap>({
  resource: configMaps,
  shortNames: ["cm"],
  allowUnconditionalUpdate: true,
  validate: validateConfigMap,
  validateUpdate: (next, previous) => checkImmutableData(next, previous, deepEqual),
  columns: [nameColumn, { name: "Data", type: "string", value: ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length }, ageColumn],
});

/** @upstream pkg/apis/core/validation/validation.go ValidateConfigMap */
function* validateConfigMap({ data = {}, binaryData = {} }: ConfigMap): Iterable<FieldError> {
  const dataPath = new FieldPath("data");
  yield* checkDataKeys(dataPath, data);
  for (const key of Object.keys(data)) if (Object.hasOwn(binaryData, key)) yield dataPath.key(key).invalid(key, "duplicate of key present in binaryData");
  yield* checkDataKeys(new FieldPath("binaryData"), binaryData);
  let bytes = 0;
  for (const value of Object.values(data)) bytes += utf8Length(value);
  for (const value of Object.values(binaryData)) bytes += base64Length(value);
  // The whole object's path, as Go prints an empty one.
  if (bytes > maxDataBytes) yield new FieldPath("[]").tooLong(maxDataBytes);
}
