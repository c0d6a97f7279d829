import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { configMapKeyErrors, invalidEach } from "../../meta/validation.ts";

/** 1 MiB over all values. @upstream pkg/apis/core/types.go MaxSecretSize */
export const maxDataBytes = 1024 * 1024;

interface Bags {
  readonly data?: { readonly [key: string]: string } | undefined;
  readonly binaryData?: { readonly [key: string]: string } | undefined;
  readonly immutable?: boolean | undefined;
}

/** Each key of a bag of data must be able to be a file's name. */
export function checkDataKeys(path: FieldPath, data: Bags["data"]): readonly FieldError[] {
  return Object.keys(data ?? {}).flatMap((key) => invalidEach(path.key(key), key, configMapKeyErrors(key)));
}

/** What `immutable: true` forbids from then on. */
export function* checkImmutableData(next: Bags, previous: Bags, equal: (a: unknown, b: unknown) => boolean): Iterable<FieldError> {
  if (previous.immutable !== true) return;
  const text = "field is immutable when `immutable` is set";
  if (next.immutable !== true) yield new FieldPath("immutable").forbidden(text);
  if (!equal(next.data ?? {}, previous.data ?? {})) yield new FieldPath("data").forbidden(text);
  if (!equal(next.binaryData ?? {}, previous.binaryData ?? {})) yield new FieldPath("binaryData").forbidden(text);
}
