import type { Draft } from "../../base/values.ts";
import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { checkPathSegment } from "../field-checks.ts";
import type { MatchResources, NamedRuleWithOperations, RuleWithOperations } from "../generated/types/admissionregistration-v1.ts";
import { validateLabelSelector } from "../../meta/validation.ts";

// What requests a webhook or policy is asked about. @upstream pkg/apis/admissionregistration/validation/validation.go

export const matchPolicies = ["Equivalent", "Exact"];
const operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const scopes = ["*", "Cluster", "Namespaced"];

export function defaultRules(rules: Draft<readonly RuleWithOperations[]> | undefined): void {
  for (const rule of rules ?? []) rule.scope ??= "*";
}

export function defaultMatchResources(match: Draft<MatchResources> | undefined): void {
  if (match === undefined) return;
  match.matchPolicy ??= "Equivalent";
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  defaultRules(match.resourceRules);
  defaultRules(match.excludeResourceRules);
}

/** @upstream validateRuleWithOperations */
export function* validateRule(path: FieldPath, rule: RuleWithOperations): Iterable<FieldError> {
  const { operations: wanted = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  const at = path.child("operations");
  if (wanted.length === 0) yield at.required();
  if (wanted.length > 1 && wanted.includes("*")) yield at.invalid(wanted, "if '*' is present, must not specify other operations");
  for (const [index, operation] of wanted.entries()) if (!operations.includes(operation)) yield at.index(index).notSupported(operation, operations);
  if (apiGroups.length === 0) yield path.child("apiGroups").required();
  if (apiGroups.length > 1 && apiGroups.includes("*")) yield path.child("apiGroups").invalid(apiGroups, "if '*' is present, must not specify other API groups");
  const versionsPath = path.child("apiVersions");
  if (apiVersions.length === 0) yield versionsPath.required();
  if (apiVersions.length > 1 && apiVersions.includes("*")) yield versionsPath.invalid(apiVersions, "if '*' is present, must not specify other API versions");
  for (const [index, version] of apiVersions.entries()) if (version === "") yield versionsPath.index(index).required();
  yield* validateResources(path.child("resources"), resources);
  if (scope !== undefined && !scopes.includes(scope)) yield path.child("scope").notSupported(scope, scopes);
}

/** `pods`, `pods/status`, `pods/*`, `*`, and slash-star forms that must not overlap. */
function* validateResources(path: FieldPath, resources: readonly string[]): Iterable<FieldError> {
  if (resources.length === 0) yield path.required();
  const wholeResources = new Set<string>();
  const wholeSubresources = new Set<string>();
  let plain = false;
  for (const [index, text] of resources.entries()) {
    const at = path.index(index);
    if (text === "") {
      yield at.required();
      continue;
    }
    const slash = text.indexOf("/");
    if (slash < 0) {
      // Upstream keeps only what the last one without a slash was.
      plain = text !== "*";
      continue;
    }
    const [resource, subresource] = [text.slice(0, slash), text.slice(slash + 1)];
    if (wholeResources.has(resource)) yield at.invalid(text, `if '${resource}/*' is present, must not specify ${text}`);
    if (wholeSubresources.has(subresource)) yield at.invalid(text, `if '*/${subresource}' is present, must not specify ${text}`);
    if (subresource === "*") wholeResources.add(resource);
    if (resource === "*") wholeSubresources.add(subresource);
  }
  if (resources.length > 1 && resources.includes("*/*")) yield path.invalid(resources, "if '*/*' is present, must not specify other resources");
  if (resources.includes("*") && plain) yield path.invalid(resources, "if '*' is present, must not specify other resources without subresources");
}

/** @upstream validateMatchResources */
export function* validateMatchResources(path: FieldPath, match: MatchResources): Iterable<FieldError> {
  const { matchPolicy, namespaceSelector, objectSelector, resourceRules = [], excludeResourceRules = [] } = match;
  if (matchPolicy === undefined) yield path.child("matchPolicy").required();
  else if (!matchPolicies.includes(matchPolicy)) yield path.child("matchPolicy").notSupported(matchPolicy, matchPolicies);
  if (namespaceSelector === undefined) yield path.child("namespaceSelector").required();
  else yield* validateLabelSelector(namespaceSelector, path.child("namespaceSelector"));
  if (objectSelector === undefined) yield path.child("objectSelector").required();
  else yield* validateLabelSelector(objectSelector, path.child("objectSelector"));
  for (const [index, rule] of resourceRules.entries()) yield* validateNamedRule(path.child("resourceRules").index(index), rule);
  for (const [index, rule] of excludeResourceRules.entries()) yield* validateNamedRule(path.child("excludeResourceRules").index(index), rule);
}

function* validateNamedRule(path: FieldPath, rule: NamedRuleWithOperations): Iterable<FieldError> {
  const names = rule.resourceNames ?? [];
  for (const [index, name] of names.entries()) {
    const at = path.child("resourceNames").index(index);
    yield* checkPathSegment(at, name);
    if (names.indexOf(name) < index) yield at.duplicate(name);
  }
  yield* validateRule(path, rule);
}
