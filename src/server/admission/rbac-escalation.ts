import type { ClusterRole, PolicyRule, Role, RoleBinding } from "../../api/generated/types/rbac-v1.ts";
import { deepEqual } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import { forbidden, notFound } from "../../meta/status-error.ts";
import type { RbacAuthorizer } from "../authz/rbac-authorizer.ts";
import { describePermissions, uncovered } from "../authz/rule-covers.ts";
import type { Authorizer } from "../authz/authorizer.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";

const GROUP = "rbac.authorization.k8s.io";
const everything: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

/** Nobody gives what they do not have, unless they may `escalate` roles or `bind` them. @upstream pkg/registry/rbac/{role,rolebinding}/policybased/storage.go */
export function rbacEscalation(deps: { readonly rbac: RbacAuthorizer; readonly authorizer: Authorizer }): AdmissionPlugin {
  const may = async (request: AdmissionRequest, verb: string, resource: string, name: string): Promise<boolean> => {
    const { user, namespace, served } = request;
    const attributes = { user, verb, group: GROUP, version: served.resource.version, resource, subresource: "", namespace, name, path: "", isResource: true };
    return (await deps.authorizer.authorize(attributes)).verdict === "allow";
  };
  const mustHold = (request: AdmissionRequest, rules: readonly PolicyRule[], text?: string): void => {
    const { user, namespace, served, name } = request;
    const missing = uncovered(deps.rbac.rulesFor(user, namespace), rules);
    if (missing.length === 0) return;
    const who = `user ${JSON.stringify(user.name)} (groups=[${user.groups.map((group) => JSON.stringify(group)).join(" ")}])`;
    const why = text ?? `${who} is attempting to grant RBAC permissions not currently held:\n${describePermissions(missing).join("\n")}`;
    throw forbidden({ ...served.resource, name }, why);
  };
  const mayGive = async (request: AdmissionRequest, object: KubeObject): Promise<void> => {
    const { previous, user } = request;
    const { resource } = request.served.resource;
    if (user.groups.includes("system:masters") || (previous !== undefined && changesOnlyForDeletion(object, previous))) return;
    const name = object.metadata.name ?? "";
    if (resource === "roles" || resource === "clusterroles") {
      if (await may(request, "escalate", resource, name)) return;
      const { rules, aggregationRule } = object as Role & Pick<ClusterRole, "aggregationRule">;
      mustHold(request, rules ?? []);
      if ((aggregationRule?.clusterRoleSelectors ?? []).length > 0) mustHold(request, everything, "must have cluster-admin privileges to use the aggregationRule");
      return;
    }
    const { roleRef } = object as RoleBinding;
    const roles = roleRef.kind === "ClusterRole" ? "clusterroles" : "roles";
    if (await may(request, "bind", roles, roleRef.name)) return;
    const rules = deps.rbac.rulesOf(roleRef, request.namespace);
    if (rules === undefined) throw notFound({ group: GROUP, resource: roles, name: roleRef.name });
    mustHold(request, rules);
  };
  return {
    name: "RBACEscalation",
    validate(request) {
      const { served, object, operation } = request;
      if (served.resource.group !== GROUP || object === undefined || (operation !== "CREATE" && operation !== "UPDATE")) return undefined;
      return mayGive(request, object as KubeObject);
    },
  };
}

/** Finalizers and owners may always change: objects must be able to go. @upstream pkg/registry/rbac/helpers.go IsOnlyMutatingGCFields */
function changesOnlyForDeletion(object: KubeObject, previous: KubeObject): boolean {
  const without = (one: KubeObject): KubeObject => {
    const { finalizers: _finalizers, ownerReferences: _owners, managedFields: _managed, resourceVersion: _version, ...metadata } = one.metadata;
    return { ...one, metadata };
  };
  return deepEqual(without(object), without(previous));
}
