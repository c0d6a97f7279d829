import type { Resource } from "../meta/resource.ts";
import { apiVersionOf, resourcePath } from "../meta/resource.ts";
import { badRequest } from "../meta/status-error.ts";
import type { KubeObject } from "../meta/object.ts";
import type { DeleteOptions, GetOptions, ListOptions, NewObject, Patch, Selection, WatchOptions, WriteOptions } from "./client.ts";

/** One request as both transports send it: `{ method: "GET", path: "/api/v1/pods", query: "limit=500" }`. */
export interface ApiCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query: string;
  readonly body?: { readonly contentType: string; readonly value: unknown };
}

type Parameters = { readonly [name: string]: string | number | boolean | undefined };

function queryText(parameters: Parameters): string {
  const parts: string[] = [];
  for (const name in parameters) {
    const value = parameters[name];
    if (value !== undefined && value !== "") parts.push(`${name}=${encodeURIComponent(value)}`);
  }
  return parts.join("&");
}

function itemPath(resource: Resource<unknown>, name: string, place: { readonly namespace?: string | undefined; readonly subresource?: string | undefined }): string {
  if (name === "") throw badRequest("resource name may not be empty");
  if (resource.namespaced && (place.namespace ?? "") === "") throw badRequest("an empty namespace may not be set when a resource name is provided");
  return resourcePath(resource, { namespace: place.namespace, name, subresource: place.subresource });
}

const json = (value: unknown): { contentType: string; value: unknown } => ({ contentType: "application/json", value });
// PERF: most writes ask for nothing particular.
const writeQuery = (options: WriteOptions): string => (options.dryRun === undefined && options.fieldManager === undefined ? "" : queryText(writeParameters(options)));
const writeParameters = (options: WriteOptions): Parameters => ({ dryRun: options.dryRun === true ? "All" : undefined, fieldManager: options.fieldManager });
const selectors = (options: Selection): Parameters => ({ labelSelector: options.labelSelector, fieldSelector: options.fieldSelector });

export function getCall(resource: Resource<unknown>, name: string, options: GetOptions): ApiCall {
  return { method: "GET", path: itemPath(resource, name, options), query: queryText({ resourceVersion: options.resourceVersion }) };
}

export function listCall(resource: Resource<unknown>, options: ListOptions): ApiCall {
  const query = queryText({
    ...selectors(options),
    limit: options.limit,
    continue: options.continue,
    resourceVersion: options.resourceVersion,
    resourceVersionMatch: options.resourceVersionMatch,
  });
  return { method: "GET", path: resourcePath(resource, { namespace: options.namespace }), query };
}

export function watchCall(resource: Resource<unknown>, options: WatchOptions): ApiCall {
  const query = queryText({
    watch: 1,
    ...selectors(options),
    resourceVersion: options.resourceVersion,
    allowWatchBookmarks: options.allowBookmarks === true ? true : undefined,
    timeoutSeconds: options.timeoutSeconds,
  });
  return { method: "GET", path: resourcePath(resource, { namespace: options.namespace }), query };
}

export function createCall<T extends KubeObject>(resource: Resource<T>, object: NewObject<T>, options: WriteOptions): ApiCall {
  const metadata = (object as unknown as KubeObject).metadata as KubeObject["metadata"] | undefined;
  const namespace = options.namespace ?? metadata?.namespace;
  if (resource.namespaced && (namespace ?? "") === "") throw badRequest("an empty namespace may not be set during creation");
  // With a subresource the object's own name says whose it is: POST …/pods/web/eviction.
  const path =
    options.subresource === undefined ? resourcePath(resource, { namespace }) : itemPath(resource, metadata?.name ?? "", { namespace, subresource: options.subresource });
  const { apiVersion, kind } = object as { readonly apiVersion?: string; readonly kind?: string };
  const whole = apiVersion !== undefined && kind !== undefined ? object : { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
  return { method: "POST", path, query: writeQuery(options), body: json(whole) };
}

export function updateCall<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions): ApiCall {
  const place = { namespace: options.namespace ?? object.metadata.namespace, subresource: options.subresource };
  return { method: "PUT", path: itemPath(resource, object.metadata.name ?? "", place), query: writeQuery(options), body: json(object) };
}

const patchTypes: Readonly<Record<Patch["type"], string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  // JSON is YAML too.
  apply: "application/apply-patch+yaml",
};

export function patchCall(resource: Resource<unknown>, name: string, patch: Patch, options: WriteOptions): ApiCall {
  const force = patch.type === "apply" ? patch.force : undefined;
  return {
    method: "PATCH",
    path: itemPath(resource, name, options),
    query: queryText({ ...writeParameters(options), force }),
    body: { contentType: patchTypes[patch.type], value: patch.type === "json" ? patch.operations : patch.value },
  };
}

function deleteBody({ gracePeriodSeconds, propagationPolicy, preconditions, dryRun }: DeleteOptions): { contentType: string; value: unknown } {
  return json({
    apiVersion: "v1",
    kind: "DeleteOptions",
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(dryRun === true ? { dryRun: ["All"] } : {}),
  });
}

export function deleteCall(resource: Resource<unknown>, name: string, options: DeleteOptions): ApiCall {
  return { method: "DELETE", path: itemPath(resource, name, options), query: "", body: deleteBody(options) };
}

export function deleteCollectionCall(resource: Resource<unknown>, options: DeleteOptions & Selection): ApiCall {
  return { method: "DELETE", path: resourcePath(resource, { namespace: options.namespace }), query: queryText(selectors(options)), body: deleteBody(options) };
}

export function createSubresourceCall(resource: Resource<unknown>, name: string, body: unknown, options: WriteOptions & { readonly subresource: string }): ApiCall {
  return { method: "POST", path: itemPath(resource, name, options), query: writeQuery(options), body: json(body) };
}

export function rawCall(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body: unknown): ApiCall {
  const mark = path.indexOf("?");
  return {
    method,
    path: mark < 0 ? path : path.slice(0, mark),
    query: mark < 0 ? "" : path.slice(mark + 1),
    ...(body === undefined ? {} : { body: json(body) }),
  };
}
