import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { utf8Length } from "../../meta/validation.ts";

const maxParameters = 512;
const maxParameterBytes = 256 * 1024;

/** What a provisioner is told. @upstream pkg/apis/storage/validation/validation.go validateParameters */
export function* validateClassParameters(path: FieldPath, parameters: { readonly [key: string]: string }): Iterable<FieldError> {
  const entries = Object.entries(parameters);
  if (entries.length > maxParameters) {
    yield path.tooLong(maxParameters);
    return;
  }
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === "") yield path.invalid(key, "field can not be empty.");
    bytes += utf8Length(key) + utf8Length(value);
  }
  if (bytes > maxParameterBytes) yield path.tooLong(maxParameterBytes);
}
