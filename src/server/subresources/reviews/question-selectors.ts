import type { FieldSelectorAttributes, LabelSelectorAttributes, ResourceAttributes } from "../../../api/generated/types/authorization-v1.ts";
import { FieldPath } from "../../../meta/field-path.ts";
import { FieldSelector } from "../../../meta/field-selector.ts";
import { LabelSelector } from "../../../meta/label-selector.ts";
import type { FieldError } from "../../../meta/status-error.ts";

/** The selectors that a question is about, as a request would have them, and what of them could not be understood. */
export interface AskedSelectors {
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  readonly problems: readonly string[];
}

/** Selectors only narrow: what cannot be understood of one is left out, and said so. @upstream pkg/registry/authorization/util/helpers.go */
export function selectorsOf({ fieldSelector, labelSelector }: ResourceAttributes): AskedSelectors {
  const problems: string[] = [];
  const fields = fieldSelector === undefined ? "" : fieldsOf(fieldSelector, problems);
  const labels = labelSelector === undefined ? "" : labelsOf(labelSelector, problems);
  return { ...(fields === "" ? {} : { fieldSelector: fields }), ...(labels === "" ? {} : { labelSelector: labels }), problems };
}

function fieldsOf({ rawSelector = "", requirements = [] }: FieldSelectorAttributes, problems: string[]): string {
  if (rawSelector !== "") return readable(() => FieldSelector.parse(rawSelector).toString(), problems);
  const understood = requirements.flatMap(({ key, operator, values = [] }) => {
    const [value = ""] = values;
    if ((operator === "In" || operator === "NotIn") && values.length === 1) return [{ field: key, operator: operator === "In" ? ("=" as const) : ("!=" as const), value }];
    problems.push(values.length > 1 ? "fieldSelectors do not yet support multiple values" : `field selector operator ${JSON.stringify(operator)} is not supported`);
    return [];
  });
  return new FieldSelector(understood).toString();
}

const labelOperators = new Set(["In", "NotIn", "Exists", "DoesNotExist"]);

function labelsOf({ rawSelector = "", requirements = [] }: LabelSelectorAttributes, problems: string[]): string {
  if (rawSelector !== "") return readable(() => LabelSelector.parse(rawSelector).toString(), problems);
  const understood = requirements.filter(({ operator }) => {
    if (!labelOperators.has(operator)) problems.push(`${JSON.stringify(operator)} is not a valid label selector operator`);
    return labelOperators.has(operator);
  });
  return readable(() => LabelSelector.of({ matchExpressions: understood }).toString(), problems);
}

function readable(read: () => string, problems: string[]): string {
  try {
    return read();
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return "";
  }
}

/** @upstream pkg/apis/authorization/validation/validation.go */
export function* selectorErrors({ fieldSelector, labelSelector }: ResourceAttributes): Generator<FieldError> {
  const root = new FieldPath("spec").child("resourceAttributes");
  if (fieldSelector !== undefined) yield* shapeErrors(fieldSelector, root.child("fieldSelector"));
  if (labelSelector !== undefined) yield* shapeErrors(labelSelector, root.child("labelSelector"));
}

function* shapeErrors({ rawSelector = "", requirements = [] }: FieldSelectorAttributes | LabelSelectorAttributes, path: FieldPath): Generator<FieldError> {
  if (rawSelector !== "" && requirements.length > 0) yield path.child("rawSelector").invalid(rawSelector, "may not specified at the same time as requirements");
  if (rawSelector === "" && requirements.length === 0) yield path.child("requirements").required(`when ${path.toString()} is specified, requirements or rawSelector is required`);
  for (const [index, { key, operator, values = [] }] of requirements.entries()) {
    const place = path.child("requirements").index(index);
    if (key === "") yield place.child("key").required("must be specified");
    if ((operator === "In" || operator === "NotIn") && values.length === 0) yield place.child("values").required("must be specified when `operator` is 'In' or 'NotIn'");
    if ((operator === "Exists" || operator === "DoesNotExist") && values.length > 0)
      yield place.child("values").forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  }
}
