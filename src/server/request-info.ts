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
  const parts = partsOf(path);
  if (parts === undefined) return undefined;
  const isCore = parts[0] === "api";
  let verb = verbOfMethod.get(method);
  if ((!isCore && parts[0] !== "apis") || parts.length < (isCore ? 3 : 4) || verb === undefined) return { path, verb: method.toLowerCase() };
  const group = isCore ? "" : (parts[1] ?? "");
  const version = (isCore ? parts[1] : parts[2]) ?? "";
  // Where in the path the resource stands.
  let at = isCore ? 2 : 3;
  if (parts[at] === "watch" && parts.length > at + 1) {
    verb = "watch";
    at += 1;
  }
  let namespace = "";
  if (parts[at] === "namespaces" && parts.length > at + 1) {
    namespace = parts[at + 1] ?? "";
    if (parts.length > at + 2 && !namespaceSubresources.has(parts[at + 2] ?? "")) at += 2;
  }
  const resource = parts[at] ?? "";
  const name = parts[at + 1] ?? "";
  const subresource = parts[at + 2] ?? "";
  if (name === "" && verb === "get") verb = isTrue(query.get("watch")) ? "watch" : "list";
  else if (name === "" && verb === "delete") verb = "deletecollection";
  else if (verb === "watch" && name !== "") verb = "watch";
  return { path, verb, resource: { verb, group, version, namespace, resource, name, subresource, rest: parts.length > at + 3 ? restOf(path, parts.slice(at + 3)) : "" } };
}

/** What stands between slashes, decoded; undefined when it is not encoded properly. PERF: every request comes through here. */
function partsOf(path: string): readonly string[] | undefined {
  const parts: string[] = [];
  for (let from = 0; from < path.length; ) {
    const slash = path.indexOf("/", from);
    const to = slash < 0 ? path.length : slash;
    if (to > from) parts.push(path.slice(from, to));
    from = to + 1;
  }
  if (!path.includes("%")) return parts;
  try {
    return parts.map((part) => decodeURIComponent(part));
  } catch {
    return undefined;
  }
}

function restOf(path: string, inner: readonly string[]): string {
  return `${inner.map(encodeURIComponent).join("/")}${path.endsWith("/") ? "/" : ""}`;
}

/** A boolean query parameter as Kubernetes reads it: present and not "0" or "false". */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== "0" && value.toLowerCase() !== "false";
}
