import { type FunctionTable, libraryTypes } from "../overload.ts";
import { CelOpaque } from "../value.ts";

/** What an expression asks about; without `resource` it is about a path. */
export interface AuthorizerQuestion {
  /** Another user than the one of the request: `system:serviceaccount:ns:name`. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string } | undefined;
  readonly path: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector: string;
  readonly labelSelector: string;
  readonly verb: string;
}

/** Answers at once. */
export interface AuthorizerPort {
  decide(question: AuthorizerQuestion): { readonly allowed: boolean; readonly reason: string; readonly error?: string | undefined };
}

interface Check {
  readonly port: AuthorizerPort;
  readonly question: AuthorizerQuestion;
}
const nothing: AuthorizerQuestion = { path: "", group: "", resource: "", subresource: "", namespace: "", name: "", fieldSelector: "", labelSelector: "", verb: "" };

/** The `authorizer` variable. */
export const authorizerValue = (port: AuthorizerPort): CelOpaque => new CelOpaque(libraryTypes.Authorizer, { port, question: nothing } satisfies Check, "authorizer");
/** The variable `authorizer.requestResource`'s value. */
export const resourceCheckValue = (port: AuthorizerPort, question: Partial<AuthorizerQuestion>): CelOpaque =>
  new CelOpaque(libraryTypes.ResourceCheck, { port, question: { ...nothing, ...question } } satisfies Check, "requestResource");

interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
  readonly error?: string | undefined;
}

const checkCost = 350_000;

/** authorizer.group("").resource("pods").check("get").allowed(). @upstream apiserver/pkg/cel/library/authz.go */
export function addAuthorizer(table: FunctionTable): void {
  const next = (typeName: string, value: CelOpaque, change: Partial<AuthorizerQuestion>): CelOpaque => {
    const { port, question } = value.value as Check;
    const changed = { ...question, ...change };
    return new CelOpaque(typeName, { port, question: changed } satisfies Check, JSON.stringify(changed));
  };
  table.add("path", "Authorizer.(string) PathCheck", (value: CelOpaque, path: string) => next(libraryTypes.PathCheck, value, { path }));
  table.add("group", "Authorizer.(string) GroupCheck", (value: CelOpaque, group: string) => next(libraryTypes.GroupCheck, value, { group }));
  table.add("serviceAccount", "Authorizer.(string, string) Authorizer", (value: CelOpaque, namespace: string, name: string) =>
    next(libraryTypes.Authorizer, value, { serviceAccount: { namespace, name } }),
  );
  table.add("resource", "GroupCheck.(string) ResourceCheck", (value: CelOpaque, resource: string) => next(libraryTypes.ResourceCheck, value, { resource }));
  for (const part of ["subresource", "namespace", "name", "fieldSelector", "labelSelector"] as const)
    table.add(part, "ResourceCheck.(string) ResourceCheck", (value: CelOpaque, text: string) => next(libraryTypes.ResourceCheck, value, { [part]: text }));
  const check = (value: CelOpaque, verb: string): CelOpaque => {
    const { port, question } = value.value as Check;
    const decision: Decision = port.decide({ ...question, verb });
    return new CelOpaque(libraryTypes.Decision, decision, JSON.stringify(decision));
  };
  table.add("check", "PathCheck.(string) Decision", check, () => checkCost);
  table.add("check", "ResourceCheck.(string) Decision", check, () => checkCost);
  const decisionOf = (value: CelOpaque): Decision => value.value as Decision;
  table.add("allowed", "Decision.() bool", (value: CelOpaque) => decisionOf(value).allowed);
  table.add("reason", "Decision.() string", (value: CelOpaque) => decisionOf(value).reason);
  table.add("errored", "Decision.() bool", (value: CelOpaque) => decisionOf(value).error !== undefined);
  table.add("error", "Decision.() string", (value: CelOpaque) => decisionOf(value).error ?? "");
}
