import type { ExpressionWarning, ValidatingAdmissionPolicy } from "../../../api/generated/types/admissionregistration-v1.ts";
import { Program } from "../../../meta/cel/program.ts";
import type { CelEnv } from "../../../meta/cel/scope.ts";
import type { CelType } from "../../../meta/cel/type.ts";
import { type GroupVersionKind, parseApiVersion } from "../../../meta/resource.ts";
import { admissionEnv, compileVariables, expression } from "./expressions.ts";

/** What is known of the kinds that policies speak of. */
export interface KindTypes {
  /** The kind that a resource of a group and version has. */
  kindOf(group: string, version: string, resource: string): GroupVersionKind | undefined;
  typeOf(kind: GroupVersionKind): CelType | undefined;
}

/** So many kinds of one rule are looked at. */
const mostKinds = 10;

/**
 * What can be told of a policy's expressions before they meet an object: for each kind that the policy names, without
 * wildcards, what does not fit its type. Such an expression goes on being evaluated all the same.
 * @upstream apiserver/pkg/admission/plugin/policy/validating/typechecking.go
 */
export function expressionWarnings(policy: ValidatingAdmissionPolicy, types: KindTypes): readonly ExpressionWarning[] {
  const environments = environmentsOf(policy, types);
  const warnings: ExpressionWarning[] = [];
  const look = (fieldRef: string, text: string): void => {
    const found = environments.flatMap(({ kind, env }) => {
      const { program } = expression(text, env);
      return program instanceof Program ? [] : [`${kindText(kind)}: ${program.message}\n`];
    });
    if (found.length > 0) warnings.push({ fieldRef, warning: found.join("\n") });
  };
  for (const [index, validation] of (policy.spec.validations ?? []).entries()) {
    look(`spec.validations[${index}].expression`, validation.expression);
    if ((validation.messageExpression ?? "") !== "") look(`spec.validations[${index}].messageExpression`, validation.messageExpression ?? "");
  }
  return warnings;
}

const kindText = ({ group, version, kind }: GroupVersionKind): string => `${group}/${version}, Kind=${kind}`;

function environmentsOf({ spec }: ValidatingAdmissionPolicy, types: KindTypes): readonly { readonly kind: GroupVersionKind; readonly env: CelEnv }[] {
  const { group, version } = parseApiVersion(spec.paramKind?.apiVersion ?? "");
  const params = spec.paramKind === undefined ? undefined : types.typeOf({ group, version, kind: spec.paramKind.kind ?? "" });
  return kindsOf(spec.matchConstraints, types).flatMap((kind) => {
    const object = types.typeOf(kind);
    if (object === undefined) return [];
    const typed = { object, oldObject: object, ...(params === undefined ? {} : { params }) };
    const options = { params: params !== undefined, typed };
    return [{ kind, env: admissionEnv({ ...options, variables: compileVariables(spec.variables ?? [], options).types }) }];
  });
}

/** In the order of group, version and kind. */
function kindsOf(constraints: ValidatingAdmissionPolicy["spec"]["matchConstraints"], types: KindTypes): readonly GroupVersionKind[] {
  const found = new Map<string, GroupVersionKind>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of constraints?.resourceRules ?? []) {
    if ([...apiGroups, ...apiVersions].some((name) => name.includes("*"))) continue;
    let left = mostKinds;
    for (const group of [...apiGroups].sort())
      for (const version of [...apiVersions].sort())
        for (const resource of [...resources].sort()) {
          const kind = /[*/]/.test(resource) || left === 0 ? undefined : types.kindOf(group, version, resource);
          if (kind === undefined) continue;
          left -= 1;
          found.set(kindText(kind), kind);
        }
  }
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...found.values()].sort((a, b) => compare(a.group, b.group) || compare(a.version, b.version) || compare(a.kind, b.kind));
}
