/**
 * What a request is about, read from its method, path and query.
 * `GET /api/v1/namespaces/a/pods/b/log` is `{ resource: { verb: "get", version: "v1", namespace: "a", resource: "pods",
 * name: "b", subresource: "log" } }`; `/healthz` has no resource. @upstream apiserver/pkg/endpoints/request/requestinfo.go
 */
export interface RequestInfo {
  readonly path: string;
  /** Lower-case HTTP method, or the API verb for resources. */
  readonly verb: string;
  readonly resource?: ResourceRequest;
}

export interface ResourceRequest {
  readonly verb: Verb;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** What follows the subresource: the path inside a proxy. */
  readonly rest: string;
}

/** Empty for OPTIONS, which only a proxy takes. */
export type Verb = "" | "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

const verbOfMethod: ReadonlyMap<string, Verb> = new Map([
  ["POST", "create"],
  ["GET", "get"],
  ["HEAD", "get"],
  ["PUT", "update"],
  ["PATCH", "patch"],
  ["DELETE", "delete"],
  ["OPTIONS", ""],
]);
/** Subresources of namespaces; any other word after a namespace's name is a resource inside it. */
const namespaceSubresources = new Set(["status", "finalize"]);

/** Undefined when the path is not percent-encoded properly. */
export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo | undefined {
  const parts: string[] = [];
  try {
    for (const part of path.split("/")) if (part !== "") parts.push(part.includes("%") ? decodeURIComponent(part) : part);
  } catch {
    return undefined;
  }
  const other: RequestInfo = { path, verb: method.toLowerCase() };
  const isCore = parts[0] === "api";
  if ((!isCore && parts[0] !== "apis") || parts.length < (isCore ? 3 : 4)) return other;
  let verb = verbOfMethod.get(method);
  if (verb === undefined) return other;
  const group = isCore ? "" : (parts[1] ?? "");
  const version = (isCore ? parts[1] : parts[2]) ?? "";
  let rest = parts.slice(isCore ? 2 : 3);
  if (rest[0] === "watch" && rest.length > 1) {
    verb = "watch";
    rest = rest.slice(1);
  }
  let namespace = "";
  if (rest[0] === "namespaces" && rest.length > 1) {
    namespace = rest[1] ?? "";
    if (rest.length > 2 && !namespaceSubresources.has(rest[2] ?? "")) rest = rest.slice(2);
  }
  const [resource = "", name = "", subresource = "", ...inner] = rest;
  if (name === "" && verb === "get") verb = isTrue(query.get("watch")) ? "watch" : "list";
  else if (name === "" && verb === "delete") verb = "deletecollection";
  else if (verb === "watch" && name !== "") verb = "watch";
  const slash = path.endsWith("/") && inner.length > 0 ? "/" : "";
  return {
    path,
    verb,
    resource: { verb, group, version, namespace, resource, name, subresource, rest: inner.length === 0 ? "" : `${inner.map(encodeURIComponent).join("/")}${slash}` },
  };
}

/** A boolean query parameter as Kubernetes reads it: present and not "0" or "false". */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== "0" && value.toLowerCase() !== "false";
}
