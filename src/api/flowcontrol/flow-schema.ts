import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { checkDnsSubdomain } from "../field-checks.ts";
import { flowSchemas } from "../generated/resources.ts";
import type { FlowSchema } from "../generated/types/flowcontrol-v1.ts";
import { kind } from "../kind.ts";
import { validateFlowConditions } from "./conditions.ts";
import { validateFlowRules } from "./flow-rules.ts";
import { checkFixedSchema } from "./mandatory.ts";

const maxPrecedence = 10_000;
const methods = ["ByNamespace", "ByUser"];

/** @upstream pkg/registry/flowcontrol/flowschema/strategy.go */
export const flowSchemaKind = kind<FlowSchema>({
  resource: flowSchemas,
  generation: "spec",
  defaults(draft) {
    draft.spec ??= { priorityLevelConfiguration: { name: "" } };
    draft.spec.priorityLevelConfiguration ??= { name: "" };
    if ((draft.spec.matchingPrecedence ?? 0) === 0) draft.spec.matchingPrecedence = 1000;
    draft.status ??= {};
  },
  validate: validateFlowSchema,
  validateStatusUpdate: ({ status }) => validateFlowConditions(status?.conditions),
  columns: [
    nameColumn,
    { name: "PriorityLevel", type: "string", value: ({ spec }) => spec.priorityLevelConfiguration.name },
    { name: "MatchingPrecedence", type: "string", value: ({ spec }) => spec.matchingPrecedence ?? 0 },
    { name: "DistinguisherMethod", type: "string", value: ({ spec }) => spec.distinguisherMethod?.type ?? "<none>" },
    ageColumn,
    { name: "MissingPL", type: "string", value: ({ status }) => status?.conditions?.find(({ type }) => type === "Dangling")?.status ?? "?" },
  ],
});

/** @upstream pkg/apis/flowcontrol/validation/validation.go ValidateFlowSchemaSpec */
function* validateFlowSchema({ metadata, spec }: FlowSchema): Iterable<FieldError> {
  const path = new FieldPath("spec");
  const { matchingPrecedence: precedence = 0, distinguisherMethod, priorityLevelConfiguration, rules = [] } = spec;
  const at = path.child("matchingPrecedence");
  if (precedence <= 0) yield at.invalid(precedence, "must be a positive value");
  if (precedence > maxPrecedence) yield at.invalid(precedence, `must not be greater than ${maxPrecedence}`);
  if (precedence === 1 && metadata.name !== "exempt") yield at.invalid(precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
  if (distinguisherMethod !== undefined && !methods.includes(distinguisherMethod.type))
    yield path.child("distinguisherMethod", "type").notSupported(distinguisherMethod.type, methods);
  const namePath = path.child("priorityLevelConfiguration", "name");
  if ((priorityLevelConfiguration.name ?? "") === "") yield namePath.required("must reference a priority level");
  else yield* checkDnsSubdomain(namePath, priorityLevelConfiguration.name);
  yield* validateFlowRules(path.child("rules"), rules);
  yield* checkFixedSchema(path, metadata.name ?? "", spec);
}
