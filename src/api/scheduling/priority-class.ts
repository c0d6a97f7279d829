import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateImmutable } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { priorityClasses } from "../generated/resources.ts";
import type { PriorityClass } from "../generated/types/scheduling-v1.ts";
import { kind } from "../kind.ts";

const policies = ["Never", "PreemptLowerPriority"];
const highestUserPriority = 1_000_000_000;
const systemPrefix = "system-";
/** Classes that every cluster has. @upstream pkg/apis/scheduling/v1/helpers.go */
export const systemPriorityClasses: readonly { readonly name: string; readonly value: number; readonly description: string }[] = [
  { name: "system-node-critical", value: 2_000_001_000, description: "Used for system critical pods that must not be moved from their current node." },
  {
    name: "system-cluster-critical",
    value: 2_000_000_000,
    description: "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
  },
];

/** @upstream pkg/registry/scheduling/priorityclass/strategy.go */
export const priorityClassKind = kind<PriorityClass>({
  resource: priorityClasses,
  shortNames: ["pc"],
  generation: "none",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.value ??= 0;
    draft.preemptionPolicy ??= "PreemptLowerPriority";
  },
  prepareCreate(draft) {
    // It never rises, because what could make it rise may not change.
    draft.metadata.generation = 1;
  },
  validate: validatePriorityClass,
  *validateUpdate(next, previous) {
    if (next.value !== previous.value) yield new FieldPath("value").forbidden("may not be changed in an update.");
    yield* validateImmutable(next.preemptionPolicy, previous.preemptionPolicy, new FieldPath("preemptionPolicy"));
  },
  columns: [
    nameColumn,
    { name: "Value", type: "integer", value: ({ value }) => value ?? 0 },
    { name: "Global-Default", type: "boolean", value: ({ globalDefault }) => globalDefault ?? false },
    ageColumn,
    { name: "PreemptionPolicy", type: "string", value: ({ preemptionPolicy }) => preemptionPolicy ?? "" },
  ],
});

/** @upstream pkg/apis/scheduling/validation/validation.go */
function* validatePriorityClass(priorityClass: PriorityClass): Iterable<FieldError> {
  const { name = "" } = priorityClass.metadata;
  if (name.startsWith(systemPrefix)) {
    const fault = systemClassFault(name, priorityClass);
    if (fault !== undefined) yield new FieldPath("metadata.name").forbidden(`priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${fault}`);
  } else if ((priorityClass.value ?? 0) > highestUserPriority) {
    yield new FieldPath("value").forbidden(`maximum allowed value of a user defined priority is ${highestUserPriority}`);
  }
  const { preemptionPolicy } = priorityClass;
  if (preemptionPolicy !== undefined && !policies.includes(preemptionPolicy)) yield new FieldPath("preemptionPolicy").notSupported(preemptionPolicy, policies);
}

function systemClassFault(name: string, { value, globalDefault = false }: PriorityClass): string | undefined {
  const known = systemPriorityClasses.find((system) => system.name === name);
  if (known === undefined) return `${name} is not a known system priority class`;
  if (known.value !== value) return `value of ${name} PriorityClass must be ${known.value}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}
