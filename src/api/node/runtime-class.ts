import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateImmutable, validateLabels } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { checkDnsLabel } from "../field-checks.ts";
import { runtimeClasses } from "../generated/resources.ts";
import type { RuntimeClass } from "../generated/types/node-v1.ts";
import { kind } from "../kind.ts";
import { validateContainerResources } from "../pod/validate-resources.ts";
import { validateTolerations } from "../pod/validate-scheduling.ts";

/** @upstream pkg/registry/node/runtimeclass/strategy.go */
export const runtimeClassKind = kind<RuntimeClass>({
  resource: runtimeClasses,
  generation: "none",
  validate: validateRuntimeClass,
  validateUpdate: ({ handler }, previous) => validateImmutable(handler, previous.handler, new FieldPath("handler")),
  columns: [nameColumn, { name: "Handler", type: "string", value: ({ handler }) => handler }, ageColumn],
});

/** @upstream pkg/apis/node/validation/validation.go */
function* validateRuntimeClass({ handler, overhead, scheduling }: RuntimeClass): Iterable<FieldError> {
  yield* checkDnsLabel(new FieldPath("handler"), handler);
  const { podFixed } = overhead ?? {};
  if (podFixed !== undefined) yield* validateContainerResources({ limits: podFixed }, new Set(), new FieldPath("overhead"));
  if (scheduling === undefined) return;
  const path = new FieldPath("scheduling");
  yield* validateLabels(scheduling.nodeSelector, path.child("nodeSelector"));
  yield* validateTolerations(scheduling.tolerations ?? [], path.child("tolerations"));
}
