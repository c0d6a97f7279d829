import { compileCel, Program } from "../../../meta/cel/program.ts";
import { kubernetesFunctions } from "../../../meta/cel/library/kubernetes-functions.ts";
import type { Expr } from "../../../meta/cel/ast.ts";
import { parse } from "../../../meta/cel/parse.ts";
import { dyn, listOf, mapOf, declaredOf, string } from "../../../meta/cel/type.ts";
import { CelError, CelList, type CelValue } from "../../../meta/cel/value.ts";
import type { CelEnv } from "../../../meta/cel/scope.ts";

export const claimsType = mapOf(string, dyn);
export const userType = declaredOf("kubernetes.UserInfo", { username: string, uid: string, groups: listOf(string), extra: mapOf(string, listOf(string)) });

/** An expression over the claims of a token. @upstream apiserver/pkg/authentication/cel/compile.go */
export const claimsEnv: CelEnv = { functions: kubernetesFunctions, variables: { claims: claimsType } };
/** An expression over the user that a token was mapped to. */
export const userEnv: CelEnv = { functions: kubernetesFunctions, variables: { user: userType } };

/** Throws Error with upstream's detail: why it does not compile, or that it yields no yes or no where one is needed. */
export function compileExpression(text: string, env: CelEnv, result: "any" | "bool"): Program {
  const program = compileCel(text, env);
  if (!(program instanceof Program)) throw new Error(`compilation failed: ${program.message}`);
  if (result === "bool" && program.type.kind !== "bool") throw new Error("must evaluate to bool");
  return program;
}

/** The value; throws Error with what went wrong. */
export function evaluate(program: Program, bindings: { readonly [name: string]: CelValue }, text: string): CelValue {
  const { value } = program.evaluate(bindings);
  if (value instanceof CelError) throw new Error(`expression '${text}' resulted in error: ${value.message}`);
  return value;
}

/** A text is a list of one; empty texts and null are left out. Undefined when it is anything else. */
export function textsOf(value: CelValue): readonly string[] | undefined {
  if (value === null || value === "") return [];
  if (typeof value === "string") return [value];
  if (!(value instanceof CelList)) return undefined;
  const texts: string[] = [];
  for (const item of value) {
    const inner = textsOf(item);
    if (inner === undefined) return undefined;
    texts.push(...inner);
  }
  return texts;
}

/** Whether an expression speaks of a field of a variable: `claims.email`, `claims.?email`, `has(claims.email)`. */
export function speaksOf(text: string, variable: string, field: string): boolean {
  return selects(parse(text), variable, field);
}

function selects(expr: Expr | undefined, variable: string, field: string): boolean {
  if (expr === undefined) return false;
  const among = (list: readonly (Expr | undefined)[]): boolean => list.some((item) => selects(item, variable, field));
  switch (expr.kind) {
    case "select":
      return (expr.field === field && expr.operand.kind === "ident" && expr.operand.name === variable) || selects(expr.operand, variable, field);
    case "call":
      return among([expr.target, ...expr.args]);
    case "list":
      return among(expr.items.map(({ value }) => value));
    case "map":
      return among(expr.entries.flatMap(({ key, value }) => [key, value]));
    case "struct":
      return among(expr.fields.map(({ value }) => value));
    case "fold":
      return among([expr.range, expr.filter, expr.body]);
    default:
      return false;
  }
}
