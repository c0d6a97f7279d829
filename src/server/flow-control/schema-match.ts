import type { FlowSchema, NonResourcePolicyRule, ResourcePolicyRule, Subject } from "../../api/generated/types/flowcontrol-v1.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { RequestInfo, ResourceRequest } from "../request-info.ts";

const ACCOUNT = "system:serviceaccount:";

/** Whether a schema is for a request: one of its rules names both who asks and what for. @upstream apiserver/pkg/util/flowcontrol/rule.go */
export function matchesSchema({ spec }: FlowSchema, user: UserInfo, info: RequestInfo): boolean {
  const { resource } = info;
  return (spec.rules ?? []).some(
    ({ subjects, resourceRules = [], nonResourceRules = [] }) =>
      subjects.some((subject) => matchesSubject(subject, user)) &&
      (resource === undefined ? nonResourceRules.some((rule) => matchesPath(rule, info)) : resourceRules.some((rule) => matchesResource(rule, resource))),
  );
}

function matchesSubject(subject: Subject, { name, groups }: UserInfo): boolean {
  if (subject.kind === "User") return subject.user !== undefined && (subject.user.name === "*" || subject.user.name === name);
  if (subject.kind === "Group") return subject.group !== undefined && (subject.group.name === "*" || groups.includes(subject.group.name));
  const account = subject.serviceAccount;
  if (account === undefined) return false;
  const prefix = `${ACCOUNT}${account.namespace}:`;
  return account.name === "*" ? name.startsWith(prefix) : name === prefix + account.name;
}

function matchesResource({ verbs, apiGroups, resources, namespaces = [], clusterScope = false }: ResourcePolicyRule, target: ResourceRequest): boolean {
  const resource = target.subresource === "" ? target.resource : `${target.resource}/${target.subresource}`;
  if (!among(verbs, target.verb) || !among(apiGroups, target.group) || !among(resources, resource)) return false;
  return target.namespace === "" ? clusterScope : among(namespaces, target.namespace);
}

function matchesPath({ verbs, nonResourceURLs }: NonResourcePolicyRule, { verb, path }: RequestInfo): boolean {
  return among(verbs, verb) && nonResourceURLs.some((url) => url === "*" || url === path || (url.endsWith("/*") && path.startsWith(url.slice(0, -1))));
}

function among(list: readonly string[], value: string): boolean {
  return list.includes("*") || list.includes(value);
}
