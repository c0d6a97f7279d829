import { failure, methodNotAllowed, type StatusError } from "../meta/status-error.ts";
import type { ApiRequest, ApiResponse, UserInfo } from "../meta/wire.ts";
import type { WorkTime } from "./bounds/work-time.ts";
import type { ResourceContext, ServerParts } from "./context.ts";
import type { ResourceRequest } from "./request-info.ts";
import { create } from "./registry/create.ts";
import { deleteCollection, deleteOne } from "./registry/delete.ts";
import { get } from "./registry/get.ts";
import { list } from "./registry/list.ts";
import { patch } from "./registry/patch.ts";
import { update } from "./registry/update.ts";
import { watch } from "./registry/watch.ts";

/** Serves one subresource, or a resource that is not stored. */
export type SpecialHandler = (parts: ServerParts, context: ResourceContext) => Promise<ApiResponse>;

/** By `group/resource/subresource`, with `*` for any group and resource, or `group/resource` for what is not stored. */
export type SpecialHandlers = ReadonlyMap<string, SpecialHandler>;

/** 404 for a path that is nobody's. @upstream apiserver/pkg/endpoints/handlers: http.NotFound */
export function noSuchPath(): StatusError {
  return failure("NotFound", "the server could not find the requested resource");
}

/** Finds who serves a request for a resource and lets them. Throws, or rejects with, StatusErrors. */
export function dispatch(
  parts: ServerParts,
  special: SpecialHandlers,
  request: ApiRequest,
  target: ResourceRequest,
  user: UserInfo,
  query: URLSearchParams,
  passage: Pick<ResourceContext, "warnings" | "audit">,
  work: WorkTime,
): Promise<ApiResponse> {
  const served = parts.table.get(target.group, target.version, target.resource);
  if (served === undefined) throw noSuchPath();
  const { namespaced } = served.resource;
  // Only a namespace stands in itself: what was allowed inside one namespace must not reach another, nor the cluster's objects.
  if (!namespaced && target.namespace !== "" && (target.resource !== "namespaces" || target.name !== target.namespace)) throw noSuchPath();
  const place = namespaced ? target : { ...target, namespace: "" };
  if (namespaced && place.namespace === "" && (place.name !== "" || (place.verb !== "list" && place.verb !== "watch"))) throw noSuchPath();
  const context: ResourceContext = { request, query, target: place, served, user, work, warnings: passage.warnings, audit: passage.audit };
  if (place.subresource !== "") return dispatchSubresource(parts, special, context);
  const handler = special.get(`${target.group}/${target.resource}`);
  if (handler !== undefined && served.verbs.has(place.verb) && (place.name === "" || served.storage === undefined)) return handler(parts, context);
  return dispatchStored(parts, context);
}

function dispatchSubresource(parts: ServerParts, special: SpecialHandlers, context: ResourceContext): Promise<ApiResponse> {
  const { served, target } = context;
  const { group, resource, subresource, verb } = target;
  const fact = served.subresources.get(subresource);
  if (fact === undefined) throw noSuchPath();
  if (!fact.verbs.includes(verb) && (verb !== "" || subresource !== "proxy")) throw methodNotAllowed({ ...served.resource, name: target.name }, verbText(verb));
  const handler = special.get(`${group}/${resource}/${subresource}`) ?? special.get(`*/${subresource}`);
  if (handler !== undefined) return handler(parts, context);
  if (subresource === "status") return dispatchStored(parts, context);
  throw noSuchPath();
}

function dispatchStored(parts: ServerParts, context: ResourceContext): Promise<ApiResponse> {
  const { served, target } = context;
  const { storage } = served;
  const verb = target.verb === "watch" ? "watch" : target.verb;
  if (storage === undefined || (target.subresource === "" && !served.verbs.has(verb === "watch" ? "list" : verb)))
    throw methodNotAllowed({ ...served.resource, name: target.name }, verbText(verb));
  // Only a collection takes what has no name, and only an object what changes one.
  if (target.name === "" && (verb === "update" || verb === "patch")) throw failure("MethodNotAllowed", "the server does not allow this method on the requested resource", {});
  switch (verb) {
    case "get":
      return get(parts, context, storage);
    case "list":
      return list(parts, context, storage);
    case "watch":
      return watch(parts, context, storage);
    case "create":
      if (target.name !== "") throw methodNotAllowed({ ...served.resource, name: target.name }, "post");
      return create(parts, context, storage);
    case "update":
      return update(parts, context, storage);
    case "patch":
      return patch(parts, context, storage);
    case "delete":
      return deleteOne(parts, context, storage);
    default:
      return deleteCollection(parts, context, storage);
  }
}

function verbText(verb: string): string {
  return verb === "deletecollection" ? "delete" : verb;
}
