import type { ValidationRule } from "../../api/generated/types/apiextensions-v1.ts";
import { deepEqual } from "../../base/values.ts";
import { fromJson } from "../../meta/cel/json.ts";
import { kubernetesFunctions } from "../../meta/cel/library/kubernetes-functions.ts";
import { compileCel, perCallCostLimit, Program } from "../../meta/cel/program.ts";
import { bool, type CelType, optionalOf } from "../../meta/cel/type.ts";
import { CelCostError, CelError, CelOptional } from "../../meta/cel/value.ts";
import type { FieldError, FieldErrorType } from "../../meta/status-error.ts";
import { celTypeOf } from "./cel-type.ts";
import { isRecord, type Structural } from "./structural.ts";

/** What all rules of one object may cost together. @upstream apiserver/pkg/apis/cel/config.go RuntimeCELCostBudget */
const objectBudget = 10_000_000;
const maxMessageLength = 5120;

interface Rule {
  readonly rule: ValidationRule;
  readonly program: Program;
  readonly message: Program | undefined;
  /** Speaks of what stood before: evaluated only on updates. */
  readonly transition: boolean;
}

/** The rules of a schema and of what lies below it; parts without any are absent. */
export interface RuleTree {
  readonly type: CelType;
  readonly typeName: string;
  readonly rules: readonly Rule[];
  readonly properties: ReadonlyMap<string, RuleTree>;
  readonly additional: RuleTree | undefined;
  readonly items: RuleTree | undefined;
  readonly keys: readonly string[] | undefined;
}

/** What became of a rule: `program` is absent where it does not compile. */
export interface CompiledRule {
  readonly program: Program | undefined;
  readonly message: Program | undefined;
  readonly usesOld: boolean;
  readonly faults: readonly { readonly part: "rule" | "messageExpression"; readonly detail: string }[];
}

/** Compiles every rule of a schema; those with faults are left out. */
export function compileRules(schema: Structural, isRoot = true): RuleTree | undefined {
  const type = celTypeOf(schema, isRoot);
  const rules = (schema["x-kubernetes-validations"] ?? []).flatMap((rule): Rule[] => {
    const { program, message, usesOld, faults } = compileRule(rule, type);
    return program === undefined || faults.length > 0 ? [] : [{ rule, program, message, transition: usesOld && rule.optionalOldSelf !== true }];
  });
  const properties = new Map<string, RuleTree>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const tree = compileRules(property, false);
    if (tree !== undefined) properties.set(name, tree);
  }
  const additional = typeof schema.additionalProperties === "object" ? compileRules(schema.additionalProperties, false) : undefined;
  const items = schema.items === undefined ? undefined : compileRules(schema.items, false);
  if (rules.length === 0 && properties.size === 0 && additional === undefined && items === undefined) return undefined;
  const keys = schema["x-kubernetes-list-type"] === "map" ? schema["x-kubernetes-list-map-keys"] : undefined;
  return { type, typeName: schema.type ?? "", rules, properties, additional, items, keys };
}

/** A rule over values of type `self`. */
export function compileRule(rule: ValidationRule, self: CelType): CompiledRule {
  const nothing = { program: undefined, message: undefined, usesOld: false };
  if (rule.rule.trim() === "") return { ...nothing, faults: [] };
  const oldSelf = rule.optionalOldSelf === true ? optionalOf(self) : self;
  const alone = compileCel(rule.rule, { variables: { self }, functions: kubernetesFunctions });
  const usesOld = !(alone instanceof Program);
  const program = usesOld ? compileCel(rule.rule, { variables: { self, oldSelf }, functions: kubernetesFunctions }) : alone;
  if (!(program instanceof Program)) return { ...nothing, faults: [{ part: "rule", detail: `compilation failed: ${program.message}` }] };
  if (program.type.kind !== bool.kind) return { ...nothing, faults: [{ part: "rule", detail: "cel expression must evaluate to a bool" }] };
  const message = compileMessage(rule, usesOld ? { self, oldSelf } : { self });
  if (typeof message === "string") return { program, message: undefined, usesOld, faults: [{ part: "messageExpression", detail: message }] };
  return { program, message, usesOld, faults: [] };
}

function compileMessage({ messageExpression }: ValidationRule, variables: { readonly [name: string]: CelType }): Program | string | undefined {
  if (messageExpression === undefined || messageExpression.trim() === "") return undefined;
  const program = compileCel(messageExpression, { variables, functions: kubernetesFunctions });
  if (!(program instanceof Program)) return `messageExpression compilation failed: ${program.message}`;
  return program.type.kind === "string" ? program : "messageExpression must evaluate to a string";
}

interface Budget {
  left: number;
}

/** What rules object to in a value; `old` is what stood at the same place, undefined when nothing did. @upstream apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go */
export function* checkRules(tree: RuleTree, value: unknown, old: unknown, path = "", budget: Budget = { left: objectBudget }): Iterable<FieldError> {
  if (value === undefined || value === null) return;
  yield* checkOwn(tree, value, old, path, budget);
  if (budget.left < 0) return;
  if (Array.isArray(value)) {
    if (tree.items === undefined) return;
    const before = correlated(old, tree.keys);
    for (const [index, item] of value.entries()) {
      yield* checkRules(tree.items, item, before?.get(idOf(item, tree.keys ?? [])), `${path}[${index}]`, budget);
      if (budget.left < 0) return;
    }
    return;
  }
  if (!isRecord(value)) return;
  const before = isRecord(old) ? old : {};
  for (const [name, item] of Object.entries(value)) {
    const known = tree.properties.get(name);
    const below = known ?? tree.additional;
    if (below === undefined) continue;
    const at = known === undefined ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`;
    yield* checkRules(below, item, before[name], at, budget);
    if (budget.left < 0) return;
  }
}

const idOf = (item: unknown, keys: readonly string[]): string => JSON.stringify(isRecord(item) ? keys.map((key) => item[key]) : item);

/** The former items by their keys; only those of keyed lists are known to be the same. */
function correlated(old: unknown, keys: readonly string[] | undefined): ReadonlyMap<string, unknown> | undefined {
  return keys === undefined || !Array.isArray(old) ? undefined : new Map(old.map((item: unknown) => [idOf(item, keys), item]));
}

function* checkOwn(tree: RuleTree, value: unknown, old: unknown, path: string, budget: Budget): Iterable<FieldError> {
  if (tree.rules.length === 0) return;
  const self = fromJson(value, tree.type);
  const before = old === undefined || old === null ? undefined : fromJson(old, tree.type);
  const unchanged = before !== undefined && deepEqual(value, old);
  for (const compiled of tree.rules) {
    const { rule, program, transition } = compiled;
    if (transition && before === undefined) continue;
    // What was there already stays, even if a newer rule would not have let it in.
    if (unchanged && !transition && rule.optionalOldSelf !== true) continue;
    const bindings = { self, oldSelf: rule.optionalOldSelf === true ? new CelOptional(before) : (before ?? null) };
    const { value: result, cost } = program.evaluate(bindings, perCallCostLimit);
    budget.left -= cost;
    if (result === true) {
      if (budget.left >= 0) continue;
    }
    const field = pathOf(path, rule.fieldPath);
    const wrong = (detail: string): FieldError => ({ type: "FieldValueInvalid", field: path === "" ? "<nil>" : path, value: tree.typeName, detail });
    if (budget.left < 0) {
      yield wrong("validation failed due to running out of cost budget, no further validation rules will be run");
      return;
    }
    if (result instanceof CelError) {
      yield wrong(errorDetail(result, rule));
      if (result instanceof CelCostError) {
        budget.left = -1;
        return;
      }
      continue;
    }
    yield { type: (rule.reason ?? "FieldValueInvalid") as FieldErrorType, field, value: tree.typeName, detail: messageOf(compiled, bindings) };
  }
}

const ruleText = ({ message = "", rule }: ValidationRule): string => (message === "" ? rule.trim() : message);

function errorDetail(error: CelError, rule: ValidationRule): string {
  if (error instanceof CelCostError) return `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${ruleText(rule)}`;
  if (error.message.startsWith("no such overload"))
    return `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${ruleText(rule)}`;
  return `${error.message} evaluating rule: ${ruleText(rule)}`;
}

function messageOf({ rule, message }: Rule, bindings: Parameters<Program["evaluate"]>[0]): string {
  const said = message?.evaluate(bindings).value;
  if (typeof said === "string" && said.trim() !== "" && !said.includes("\n") && said.length <= maxMessageLength) return said;
  const { message: fixed = "" } = rule;
  return fixed === "" ? `failed rule: ${rule.rule.trim()}` : fixed;
}

/** `spec` and `.a['b'].c` to `spec.a.b.c`. */
function pathOf(path: string, fieldPath = ""): string {
  const names = [...fieldPath.matchAll(/\.([^.[\]]+)|\['([^']*)'\]/g)].map(([, plain, quoted]) => plain ?? quoted ?? "");
  const text = [...(path === "" ? [] : [path]), ...names].join(".");
  return text === "" ? "<nil>" : text;
}
