import { FieldSelector } from "../../meta/field-selector.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { RequestInfo } from "../request-info.ts";
import type { AuthorizationAttributes } from "./authorizer.ts";

/** What the authorizer is asked about a request. A list or watch of one name is about that name. @upstream apiserver/pkg/endpoints/request/requestinfo.go */
export function attributesOf(user: UserInfo, info: RequestInfo, query: URLSearchParams): AuthorizationAttributes {
  const { resource: target } = info;
  if (target === undefined) return { user, verb: info.verb, group: "", version: "", resource: "", subresource: "", namespace: "", name: "", path: info.path, isResource: false };
  const { verb, group, version, resource, subresource, namespace, name } = target;
  const base = { user, verb, group, version, resource, subresource, namespace, name, path: info.path, isResource: true };
  if (verb !== "list" && verb !== "watch" && verb !== "deletecollection") return base;
  const fieldSelector = query.get("fieldSelector") ?? "";
  const labelSelector = query.get("labelSelector") ?? "";
  if (fieldSelector === "" && labelSelector === "") return base;
  return {
    ...base,
    ...(fieldSelector === "" ? {} : { fieldSelector, name: name === "" ? nameIn(fieldSelector) : name }),
    ...(labelSelector === "" ? {} : { labelSelector }),
  };
}

function nameIn(selector: string): string {
  try {
    return FieldSelector.parse(selector).exactValue("metadata.name") ?? "";
  } catch {
    // Whoever serves the request will say what is wrong with it.
    return "";
  }
}
