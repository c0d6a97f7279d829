import type { AuthorizationAttributes } from "./authorizer.ts";

/** `User "x" cannot list resource "pods" in API group "" in the namespace "a"`. @upstream apiserver/pkg/endpoints/handlers/responsewriters/errors.go */
export function forbiddenMessage(attributes: AuthorizationAttributes, reason: string | undefined): string {
  const { user, verb, resource, subresource, group, namespace, path } = attributes;
  const who = JSON.stringify(user.name);
  const tail = reason === undefined || reason === "" ? "" : `: ${reason}`;
  if (!attributes.isResource) return `User ${who} cannot ${verb} path ${JSON.stringify(path)}${tail}`;
  const what = JSON.stringify(subresource === "" ? resource : `${resource}/${subresource}`);
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  return `User ${who} cannot ${verb} resource ${what} in API group ${JSON.stringify(group)} ${where}${tail}`;
}
