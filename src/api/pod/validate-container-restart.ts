import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import type { Container } from "../generated/types/core-v1.ts";
import { unsupported, validateOptionalChoice } from "./choice.ts";

const maxRules = 20;
const maxExitCodes = 255;

/** A container's own restart policy and the rules that override it by exit code. @upstream pkg/apis/core/validation/validation.go validateContainerRestartPolicy */
export function validateContainerRestart({ restartPolicy, restartPolicyRules: rules = [] }: Container, path: FieldPath): FieldError[] {
  if (restartPolicy === undefined && rules.length === 0) return [];
  const errors = validateOptionalChoice(restartPolicy, ["Always", "Never", "OnFailure"], path.child("restartPolicy"));
  if (rules.length > 0 && restartPolicy === undefined) errors.push(path.child("restartPolicy").required("must specify restartPolicy when restart rules are used"));
  const list = path.child("restartPolicyRules");
  if (rules.length > maxRules) errors.push(list.tooMany(rules.length, maxRules));
  for (const [index, { action, exitCodes }] of rules.entries()) {
    const place = list.index(index);
    if (action !== "Restart" && action !== "RestartAllContainers") errors.push(unsupported(place.child("action"), action ?? "", ["Restart", "RestartAllContainers"]));
    if (exitCodes === undefined) {
      errors.push(place.child("exitCodes").required("must be specified"));
      continue;
    }
    const { operator, values = [] } = exitCodes;
    if (operator !== "In" && operator !== "NotIn") errors.push(unsupported(place.child("exitCodes", "operator"), operator ?? "", ["In", "NotIn"]));
    if (values.length > maxExitCodes) errors.push(place.child("exitCodes", "values").tooMany(values.length, maxExitCodes));
  }
  return errors;
}
