import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";

const shortForms: readonly (readonly [mode: string, short: string])[] = [
  ["ReadWriteOnce", "RWO"],
  ["ReadOnlyMany", "ROX"],
  ["ReadWriteMany", "RWX"],
  ["ReadWriteOncePod", "RWOP"],
];
const known = shortForms.map(([mode]) => mode);

/** `RWO,ROX`. @upstream pkg/apis/core/helper/helpers.go GetAccessModesAsString */
export function accessModesText(modes: readonly string[] | undefined): string {
  return shortForms.flatMap(([mode, short]) => (modes?.includes(mode) === true ? [short] : [])).join(",");
}

/** `missing`: what to say when there is none. @upstream pkg/apis/core/validation/validation.go */
export function* checkAccessModes(path: FieldPath, modes: readonly string[], missing = ""): Iterable<FieldError> {
  if (modes.length === 0) yield path.required(missing);
  for (const mode of modes) if (!known.includes(mode)) yield path.notSupported(mode, known);
  const exclusive = modes.includes("ReadWriteOncePod");
  if (exclusive && modes.some((mode) => mode !== "ReadWriteOncePod" && known.includes(mode))) yield path.forbidden("may not use ReadWriteOncePod with other access modes");
}
