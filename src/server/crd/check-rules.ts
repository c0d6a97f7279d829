import type { ValidationRule } from "../../api/generated/types/apiextensions-v1.ts";
import { kubernetesFunctions } from "../../meta/cel/library/kubernetes-functions.ts";
import { mostCost } from "../../meta/cel/program.ts";
import type { CelType } from "../../meta/cel/type.ts";
import { optionalOf } from "../../meta/cel/type.ts";
import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { celTypeOf } from "./cel-type.ts";
import { type Declared, declaredSize, mostOccurrences, sizeIn } from "./declared-size.ts";
import { isEmbedded, type Structural } from "./structural.ts";
import { compileRule } from "./validation-rules.ts";

/** @upstream apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go StaticEstimatedCostLimit */
const ruleLimit = 10_000_000;
const schemaLimit = 100_000_000;
/** So many of the rules that cost most are named where all together cost too much. */
const mostNamed = 4;

interface Place {
  readonly schema: Structural;
  readonly path: FieldPath;
  readonly isObject: boolean;
  /** How often values of this schema can stand in one object; undefined where nothing limits it. */
  readonly occurrences: number | undefined;
  /** Above here it cannot be told what stood in a value's place before. */
  readonly uncorrelated: FieldPath | undefined;
}

interface Spent {
  total: number;
  readonly rules: { readonly path: FieldPath; readonly cost: number }[];
}

/** Whether all rules of a sound schema compile, and what they may cost. @upstream apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go */
export function* checkSchemaRules(schema: Structural, path: FieldPath): Iterable<FieldError> {
  const spent: Spent = { total: 0, rules: [] };
  yield* walk({ schema, path, isObject: true, occurrences: 1, uncorrelated: undefined }, spent);
  if (spent.total <= schemaLimit) return;
  const dearest = spent.rules
    .filter(({ cost }) => cost >= schemaLimit / 100)
    .sort((a, b) => b.cost - a.cost)
    .slice(0, mostNamed);
  for (const rule of dearest) yield rule.path.forbidden("contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema");
  yield path.forbidden(tooDear("x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema", spent.total, schemaLimit));
}

function* walk(place: Place, spent: Spent): Iterable<FieldError> {
  const { schema, path, uncorrelated } = place;
  const occurrences = place.occurrences === undefined ? undefined : timesMost(place.occurrences, schema);
  const below = (child: Structural, at: FieldPath, isCorrelated: boolean): Place => ({
    schema: child,
    path: at,
    isObject: isEmbedded(child),
    occurrences,
    uncorrelated: uncorrelated ?? (isCorrelated ? undefined : path),
  });
  const { properties = {}, additionalProperties, items } = schema;
  const isCorrelatedMap = schema["x-kubernetes-map-type"] !== "atomic";
  if (typeof additionalProperties === "object") yield* walk(below(additionalProperties, path.child("additionalProperties"), true), spent);
  for (const [name, property] of Object.entries(properties)) yield* walk(below(property, path.child("properties").key(name), isCorrelatedMap), spent);
  if (items !== undefined) yield* walk(below(items, path.child("items"), schema["x-kubernetes-list-type"] === "map"), spent);
  const rules = schema["x-kubernetes-validations"] ?? [];
  if (rules.length === 0) return;
  const self = celTypeOf(schema, place.isObject);
  const declared = declaredSize(schema, place.isObject);
  for (const [index, rule] of rules.entries()) yield* checkRule(rule, path.child("x-kubernetes-validations").index(index), { ...place, self, declared }, spent);
}

function* checkRule(
  rule: ValidationRule,
  path: FieldPath,
  { self, declared, occurrences, uncorrelated }: Place & { readonly self: CelType; readonly declared: Declared | undefined },
  spent: Spent,
): Iterable<FieldError> {
  const compiled = compileRule(rule, self);
  const env = { variables: { self, oldSelf: rule.optionalOldSelf === true ? optionalOf(self) : self }, functions: kubernetesFunctions };
  const costOf = (text: string): number => (declared === undefined ? undefined : mostCost(text, env, sizeIn(declared))) ?? 0;
  const observe = function* (part: "rule" | "messageExpression", cost: number): Iterable<FieldError> {
    const at = path.child(part);
    if (cost > ruleLimit) yield at.forbidden(tooDear(`estimated ${part} cost`, cost, ruleLimit));
    spent.total += cost;
    spent.rules.push({ path: at, cost });
  };
  const times = occurrences ?? (declared === undefined ? 1 : mostOccurrences(declared));
  if (compiled.program !== undefined) yield* observe("rule", times === 0 ? 0 : costOf(rule.rule) * times);
  for (const { part, detail } of compiled.faults) yield path.child(part).invalid(rule, detail);
  if (compiled.message !== undefined) yield* observe("messageExpression", costOf(rule.messageExpression ?? ""));
  if (compiled.usesOld && uncorrelated !== undefined)
    yield path.child("rule").invalid(rule.rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated.toString()}`);
  if (compiled.program !== undefined && !compiled.usesOld && rule.optionalOldSelf !== undefined)
    yield path.child("optionalOldSelf").invalid(rule.optionalOldSelf, "may not be set if oldSelf is not used in rule");
}

/** What stands inside a list or map stands there as often as that has items. */
function timesMost(occurrences: number, { type, additionalProperties, maxItems, maxProperties }: Structural): number | undefined {
  const most = type === "array" ? maxItems : type === "object" && additionalProperties !== undefined ? maxProperties : 1;
  return most === undefined ? undefined : occurrences * Math.max(0, most);
}

/** @upstream apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go getCostErrorMessage */
export function tooDear(name: string, cost: number, limit: number): string {
  const times = cost / limit;
  const factor = times > 100 ? "more than 100x" : times < 1.5 ? `${times.toFixed(6)}x` : `${times.toFixed(1)}x`;
  return `${name} exceeds budget by factor of ${factor} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
