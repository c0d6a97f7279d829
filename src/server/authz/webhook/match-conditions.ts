import type { SubjectAccessReviewSpec } from "../../../api/generated/types/authorization-v1.ts";
import { fromJson } from "../../../meta/cel/json.ts";
import { kubernetesFunctions } from "../../../meta/cel/library/kubernetes-functions.ts";
import { compileCel, Program } from "../../../meta/cel/program.ts";
import { type CelType, listOf, mapOf, declaredOf, string, typeText } from "../../../meta/cel/type.ts";
import { CelError } from "../../../meta/cel/value.ts";

const requirement = declaredOf("kubernetes.SelectorRequirement", { key: string, operator: string, values: listOf(string) });
const selector = (name: string): CelType => declaredOf(name, { rawSelector: string, requirements: listOf(requirement) });
const requestType = declaredOf("kubernetes.SubjectAccessReviewSpec", {
  resourceAttributes: declaredOf("kubernetes.ResourceAttributes", {
    namespace: string,
    verb: string,
    group: string,
    version: string,
    resource: string,
    subresource: string,
    name: string,
    fieldSelector: selector("kubernetes.FieldSelectorAttributes"),
    labelSelector: selector("kubernetes.LabelSelectorAttributes"),
  }),
  nonResourceAttributes: declaredOf("kubernetes.NonResourceAttributes", { path: string, verb: string }),
  user: string,
  groups: listOf(string),
  extra: mapOf(string, listOf(string)),
  uid: string,
});
const env = { functions: kubernetesFunctions, variables: { request: requestType } };

/** Throws Error with upstream's detail when the expression does not compile, or yields no yes or no. @upstream apiserver/pkg/authorization/cel/compile.go */
export function compileMatchCondition(text: string): Program {
  const program = compileCel(text, env);
  if (!(program instanceof Program)) throw new Error(`compilation failed: ${program.message}`);
  if (program.type.kind !== "bool") throw new Error(`must evaluate to bool but got ${typeText(program.type)}`);
  return program;
}

export interface MatchCondition {
  readonly text: string;
  readonly program: Program;
}

/** False when a condition does not hold; an Error when none is false and some could not be told. @upstream apiserver/pkg/authorization/cel/matcher.go */
export function matches(conditions: readonly MatchCondition[], spec: SubjectAccessReviewSpec): boolean | Error {
  const request = fromJson(whole(spec), requestType);
  const errors: string[] = [];
  for (const { text, program } of conditions) {
    const { value } = program.evaluate({ request });
    if (value === false) return false;
    if (value instanceof CelError) errors.push(`cel evaluation error: expression '${text}' resulted in error: ${value.message}`);
  }
  const [only = ""] = errors;
  return errors.length === 0 ? true : new Error(errors.length === 1 ? only : `[${errors.join(", ")}]`);
}

/** With the fields that are texts even where they are empty: an expression need not ask whether they are there. */
function whole({ user = "", groups = [], uid = "", extra = {}, resourceAttributes: about, nonResourceAttributes: path }: SubjectAccessReviewSpec): unknown {
  return {
    user,
    groups,
    uid,
    extra,
    ...(about === undefined ? {} : { resourceAttributes: { namespace: "", verb: "", group: "", version: "", resource: "", subresource: "", name: "", ...about } }),
    ...(path === undefined ? {} : { nonResourceAttributes: { verb: path.verb ?? "", path: path.path ?? "" } }),
  };
}
