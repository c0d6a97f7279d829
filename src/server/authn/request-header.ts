import type { ApiRequest, ApiResponse, UserInfo } from "../../meta/wire.ts";
import type { Authenticator } from "./authenticator.ts";

/** In which headers a front proxy says who asks. Names are of lower case. */
export interface RequestHeaderOptions {
  /** Common names of the proxies that may; empty: every certificate of their authority. */
  readonly allowedNames: readonly string[];
  /** The first that is there counts. */
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  /** All that are there count. */
  readonly groupHeaders: readonly string[];
  readonly extraHeaderPrefixes: readonly string[];
}

export const defaultRequestHeaders: Omit<RequestHeaderOptions, "allowedNames"> = {
  usernameHeaders: ["x-remote-user"],
  uidHeaders: ["x-remote-uid"],
  groupHeaders: ["x-remote-group"],
  extraHeaderPrefixes: ["x-remote-extra-"],
};
const standardNames = new Set(["x-remote-user", "x-remote-uid", "x-remote-group"]);

/** Whether a header of this name, in lower case, says who asks, by the names that everybody uses. */
export function isIdentityHeader(name: string): boolean {
  return name.startsWith("x-remote-") && (standardNames.has(name) || name.startsWith("x-remote-extra-"));
}

/**
 * Believes the headers of front proxies, and of nobody else: the transport must have verified the connection's certificate
 * against their authority. @upstream apiserver/pkg/authentication/request/headerrequest/requestheader.go
 */
export function requestHeader(options: RequestHeaderOptions): Authenticator {
  return {
    authenticate(request) {
      const { caller, headers } = request;
      if (caller.type !== "network" || caller.frontProxy === undefined) return undefined;
      if (options.allowedNames.length > 0 && !options.allowedNames.includes(caller.frontProxy.commonName)) return undefined;
      const first = (names: readonly string[]): string => names.map((name) => valuesOf(request, name)[0] ?? "").find((value) => value !== "") ?? "";
      const name = first(options.usernameHeaders);
      if (name === "") return undefined;
      const uid = first(options.uidHeaders);
      const extra: Record<string, readonly string[]> = {};
      for (const header of Object.keys(headers)) {
        for (const prefix of options.extraHeaderPrefixes) {
          if (!header.startsWith(prefix)) continue;
          const key = decodeKey(header.slice(prefix.length));
          extra[key] = [...(extra[key] ?? []), ...valuesOf(request, header)];
        }
      }
      const user: UserInfo = {
        name,
        ...(uid === "" ? {} : { uid }),
        groups: options.groupHeaders.flatMap((header) => valuesOf(request, header)).filter((group) => group !== ""),
        ...(Object.keys(extra).length === 0 ? {} : { extra }),
      };
      return user;
    },
  };
}

/** One group each, also when its name holds a comma: joined texts are only taken apart where nothing else is known. */
export function valuesOf({ headers, values }: Pick<ApiRequest, "headers" | "values">, name: string): readonly string[] {
  if (values !== undefined) return values(name);
  return headers[name]?.split(", ") ?? [];
}

/** `example.com%2fscope` to `example.com/scope`; what is not encoded properly stays as it is. */
export function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** Which headers of a request say who asks, or as whom, by the names of everybody and those of the options. */
export function identityHeadersIn(headers: ApiRequest["headers"], options: RequestHeaderOptions | undefined): readonly string[] {
  const found: string[] = [];
  // PERF: every request comes through here.
  for (const name in headers) if (isIdentityHeader(name) || name.startsWith("impersonate-") || (options !== undefined && isConfigured(name, options))) found.push(name);
  return found;
}

function isConfigured(name: string, { usernameHeaders, uidHeaders, groupHeaders, extraHeaderPrefixes }: RequestHeaderOptions): boolean {
  return usernameHeaders.includes(name) || uidHeaders.includes(name) || groupHeaders.includes(name) || extraHeaderPrefixes.some((prefix) => name.startsWith(prefix));
}

/** The request as handlers may see it: who asks is known by now, and nobody may be told otherwise. @upstream apiserver/pkg/endpoints/filters/authentication.go */
export function withoutHeaders(request: ApiRequest, names: readonly string[]): ApiRequest {
  if (names.length === 0) return request;
  const headers = { ...request.headers };
  for (const name of names) delete headers[name];
  const { values } = request;
  return { ...request, headers, ...(values === undefined ? {} : { values: (name) => (names.includes(name) ? [] : values(name)) }) };
}

/** The answer of a handler that has the request sent on elsewhere: those headers do not go with it, unless the handler sets them. */
export function withoutForwarded(response: ApiResponse, names: readonly string[]): ApiResponse {
  const { body } = response;
  if (names.length === 0 || body.type !== "proxy") return response;
  const removed = Object.fromEntries(names.map((name) => [name, undefined]));
  return { ...response, body: { ...body, target: { ...body.target, headers: { ...removed, ...body.target.headers } } } };
}
