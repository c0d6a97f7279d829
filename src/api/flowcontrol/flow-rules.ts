import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsLabelErrors, dnsSubdomainErrors, invalidEach } from "../../meta/validation.ts";
import type { NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from "../generated/types/flowcontrol-v1.ts";

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

/** @upstream pkg/apis/flowcontrol/validation/validation.go ValidateFlowSchemaPolicyRulesWithSubjects */
export function* validateFlowRules(path: FieldPath, rules: readonly Partial<PolicyRulesWithSubjects>[]): Iterable<FieldError> {
  for (const [index, { subjects = [], resourceRules = [], nonResourceRules = [] }] of rules.entries()) {
    const at = path.index(index);
    if (subjects.length === 0) yield at.child("subjects").required("subjects must contain at least one value");
    for (const [position, subject] of subjects.entries()) yield* validateSubject(at.child("subjects").index(position), subject);
    if (resourceRules.length === 0 && nonResourceRules.length === 0) yield at.required("at least one of resourceRules and nonResourceRules has to be non-empty");
    for (const [position, rule] of resourceRules.entries()) yield* validateResourceRule(at.child("resourceRules").index(position), rule);
    for (const [position, rule] of nonResourceRules.entries()) yield* validateNonResourceRule(at.child("nonResourceRules").index(position), rule);
  }
}

const subjectFields = [
  { kind: "ServiceAccount", field: "serviceAccount" },
  { kind: "User", field: "user" },
  { kind: "Group", field: "group" },
] as const;

function* validateSubject(path: FieldPath, subject: Subject): Iterable<FieldError> {
  const own = subjectFields.find(({ kind }) => kind === subject.kind);
  if (own === undefined) {
    yield path.child("kind").notSupported(subject.kind, ["Group", "ServiceAccount", "User"]);
    return;
  }
  const at = path.child(own.field);
  if (subject[own.field] === undefined) yield at.required(`${own.field} is required when subject kind is '${own.kind}'`);
  else yield* validateNamedSubject(at, subject);
  for (const { kind, field } of subjectFields) {
    if (kind !== own.kind && subject[field] !== undefined) yield path.child(field).forbidden(`${field} is forbidden when subject kind is not '${kind}'`);
  }
}

function* validateNamedSubject(path: FieldPath, { kind, serviceAccount, user, group }: Subject): Iterable<FieldError> {
  const name = (kind === "ServiceAccount" ? serviceAccount?.name : kind === "User" ? user?.name : group?.name) ?? "";
  if (name === "") yield path.child("name").required();
  if (kind !== "ServiceAccount") return;
  if (name !== "" && name !== "*") yield* invalidEach(path.child("name"), name, dnsSubdomainErrors(name));
  const namespace = serviceAccount?.namespace ?? "";
  if (namespace === "") yield path.child("namespace").required("must specify namespace for service account");
  else yield* invalidEach(path.child("namespace"), namespace, dnsLabelErrors(namespace));
}

function* checkVerbs(path: FieldPath, list: readonly string[] = []): Iterable<FieldError> {
  if (list.length === 0) yield path.required("verbs must contain at least one value");
  else if (list.includes("*")) {
    if (list.length > 1) yield path.invalid(list, "if '*' is present, must not specify other verbs");
  } else if (list.some((verb) => !verbs.includes(verb))) yield path.notSupported(list, verbs);
}

function* validateResourceRule(path: FieldPath, rule: Partial<ResourcePolicyRule>): Iterable<FieldError> {
  const { apiGroups = [], resources = [], namespaces = [], clusterScope = false } = rule;
  yield* checkVerbs(path.child("verbs"), rule.verbs);
  const groupsPath = path.child("apiGroups");
  if (apiGroups.length === 0) yield groupsPath.required("resource rules must supply at least one api group");
  else if (apiGroups.length > 1 && apiGroups.includes("*")) yield groupsPath.invalid(apiGroups, "if '*' is present, must not specify other api groups");
  const resourcesPath = path.child("resources");
  if (resources.length === 0) yield resourcesPath.required("resource rules must supply at least one resource");
  else if (resources.length > 1 && resources.includes("*")) yield resourcesPath.invalid(resources, "if '*' is present, must not specify other resources");
  const namespacesPath = path.child("namespaces");
  if (namespaces.length === 0 && !clusterScope) yield namespacesPath.required("resource rules that are not cluster scoped must supply at least one namespace");
  else if (namespaces.includes("*")) {
    if (namespaces.length > 1) yield namespacesPath.invalid(namespaces, "if '*' is present, must not specify other namespaces");
  } else {
    const intro = "each member of this list must be '*' or a DNS-1123 label; ";
    for (const [index, name] of namespaces.entries()) {
      yield* invalidEach(
        namespacesPath.index(index),
        name,
        dnsLabelErrors(name).map((message) => intro + message),
      );
    }
  }
}

function* validateNonResourceRule(path: FieldPath, rule: Partial<NonResourcePolicyRule>): Iterable<FieldError> {
  yield* checkVerbs(path.child("verbs"), rule.verbs);
  const { nonResourceURLs: urls = [] } = rule;
  const at = path.child("nonResourceURLs");
  if (urls.length === 0) yield at.required("nonResourceURLs must contain at least one value");
  else if (urls.includes("*")) {
    if (urls.length > 1) yield at.invalid(urls, "if '*' is present, must not specify other non-resource URLs");
  } else
    for (const [index, url] of urls.entries()) {
      const fault = urlFault(url);
      if (fault !== undefined) yield at.index(index).invalid(url, fault);
    }
}

/** @upstream ValidateNonResourceURLPath */
function urlFault(url: string): string | undefined {
  if (url === "") return "must not be empty";
  if (url === "/") return undefined;
  if (!url.startsWith("/")) return "must start with slash";
  if (url.includes(" ")) return "must not contain white-space";
  if (url.includes("//")) return "must not contain double slash";
  const stars = url.split("*").length - 1;
  return stars > 1 || (stars === 1 && !url.endsWith("/*")) ? "wildcard can only do suffix matching" : undefined;
}
