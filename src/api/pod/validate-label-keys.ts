import type { FieldPath } from "../../meta/field-path.ts";
import type { LabelSelector } from "../../meta/generated/meta-v1.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateLabelName } from "../../meta/validation.ts";

/**
 * Keys whose values are taken from the pod's own labels. With `conflictPath`, a key that the selector speaks of besides
 * is refused there: the expression made from the key itself is one mention, another is too many.
 * @upstream pkg/apis/core/validation/validation.go validateMatchLabelKeysAndMismatchLabelKeys
 */
export function validateLabelKeys(keys: readonly string[], selector: LabelSelector | undefined, path: FieldPath, conflictPath?: FieldPath): FieldError[] {
  if (keys.length === 0) return [];
  if (selector === undefined) return [path.forbidden("must not be specified when labelSelector is not set")];
  const errors = keys.flatMap((key, index) => validateLabelName(key, path.index(index)));
  if (conflictPath === undefined) return errors;
  const mentioned = new Set(Object.keys(selector.matchLabels ?? {}));
  for (const { key } of selector.matchExpressions ?? []) {
    const index = keys.lastIndexOf(key);
    if (index >= 0 && mentioned.has(key)) errors.push(conflictPath.index(index).invalid(key, "exists in both matchLabelKeys and labelSelector"));
    mentioned.add(key);
  }
  return errors;
}
