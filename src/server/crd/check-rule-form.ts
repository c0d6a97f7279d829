import type { ValidationRule } from "../../api/generated/types/apiextensions-v1.ts";
import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import type { Structural } from "./structural.ts";

const reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
const hasLineBreaks = (text: string): boolean => /[\n\r]/.test(text);

/** What is wrong with a rule beside its expressions. @upstream apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go */
export function* checkRuleForm({ rule, message = "", messageExpression = "", reason, fieldPath = "" }: ValidationRule, schema: Structural, path: FieldPath): Iterable<FieldError> {
  if (rule.trim() === "") yield path.child("rule").required("rule is not specified");
  else if (message !== "" && message.trim() === "") yield path.child("message").invalid(message, "message must be non-empty if specified");
  else if (hasLineBreaks(message.trim())) yield path.child("message").invalid(message, "message must not contain line breaks");
  else if (hasLineBreaks(rule.trim()) && message.trim() === "") yield path.child("message").required("message must be specified if rule contains line breaks");
  if (messageExpression !== "" && messageExpression.trim() === "") yield path.child("messageExpression").required("messageExpression must be non-empty if specified");
  if (reason !== undefined && !reasons.includes(reason)) yield path.child("reason").notSupported(reason, reasons);
  if (fieldPath === "") return;
  const at = path.child("fieldPath");
  if (fieldPath.trim() === "") yield at.invalid(fieldPath, "fieldPath must be non-empty if specified");
  if (hasLineBreaks(fieldPath)) yield at.invalid(fieldPath, "fieldPath must not contain line breaks");
  if (followFieldPath(fieldPath, schema) === undefined) yield at.invalid(fieldPath, "fieldPath must be a valid path");
}

const step = /^(?:\.([^.[\]']+)|\['((?:[^'\\]|\\.)+)'\])/;

/** `.spec.a` or `.spec['a.b']`, through objects and maps, to the schema of what is there. */
export function followFieldPath(fieldPath: string, schema: Structural): Structural | undefined {
  let current: Structural | undefined = schema;
  for (let rest = fieldPath; rest !== ""; ) {
    const match = step.exec(rest);
    if (match === null || current === undefined) return undefined;
    const name: string = match[1] ?? match[2]?.replace(/\\(.)/g, "$1") ?? "";
    const known: Structural | undefined = current.properties?.[name];
    current = known ?? (typeof current.additionalProperties === "object" ? current.additionalProperties : undefined);
    rest = rest.slice(match[0].length);
  }
  return current;
}
