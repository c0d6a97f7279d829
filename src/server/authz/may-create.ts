import { forbidden } from "../../meta/status-error.ts";
import type { ResourceContext, ServerParts } from "../context.ts";

/** A write that would bring an object into being by another verb needs the right to create it too; 403 without. @upstream apiserver/pkg/endpoints/handlers/create.go withAuthorization */
export async function mustBeAllowedToCreate(
  parts: Pick<ServerParts, "authorizer">,
  { user, target, request }: Pick<ResourceContext, "user" | "target" | "request">,
): Promise<void> {
  const { group, version, resource, subresource, namespace, name } = target;
  const { verdict, reason = "" } = await parts.authorizer.authorize({
    user,
    verb: "create",
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    path: request.path,
    isResource: true,
  });
  if (verdict !== "allow") throw forbidden({ group, resource, name }, reason);
}
