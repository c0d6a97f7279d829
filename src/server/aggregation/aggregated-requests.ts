import type { WorkTime } from "../bounds/work-time.ts";
import type { ApiRequest, ApiResponse, UserInfo } from "../../meta/wire.ts";
import type { PeerClient } from "../../platform/peer-client.ts";
import type { RequestInfo } from "../request-info.ts";
import { textResponse } from "../respond/response.ts";
import { apiServiceName, type ApiServices, type RemoteApiService, trustOf } from "./api-services.ts";
import { forwardedHeaders } from "./front-proxy-headers.ts";
import { callLocally } from "./local-call.ts";
import { type Location, type ServiceResolver, UnresolvedService } from "./resolve-service.ts";

/** A request that has been authenticated and authorised. */
export interface AggregatedRequest {
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  readonly user: UserInfo;
  readonly work: WorkTime;
}

/** Answers requests for what other servers serve. Undefined: nobody else serves this. */
export type AggregatedHandler = (request: AggregatedRequest) => Promise<ApiResponse> | undefined;

export interface AggregationDeps {
  readonly apiServices: ApiServices;
  readonly services: ServiceResolver;
  readonly peers: PeerClient;
  /** Of the server's OpenAPI v3 document for the APIService's group version; undefined when none is known. */
  openApiHash(remote: RemoteApiService): string | undefined;
}

/** Sends requests for a group version that an APIService gives to a service on to it. @upstream kube-aggregator/pkg/apiserver/handler_proxy.go */
export function aggregatedRequests(deps: AggregationDeps): AggregatedHandler {
  return (asked) => {
    const name = apiServiceOf(asked.info);
    const remote = name === undefined ? undefined : deps.apiServices.remote(name);
    return remote === undefined ? undefined : sendOn(remote, asked, deps);
  };
}

/** Sends a request on to the server of an APIService. 503 when there is none. */
async function sendOn(remote: RemoteApiService, { request, info, user, work }: AggregatedRequest, deps: AggregationDeps): Promise<ApiResponse> {
  const location = remote.isAvailable ? locate(remote, deps) : undefined;
  if (location === undefined) return textResponse(503, "service unavailable\n");
  const { path } = request;
  // A document of another hash would be answered with a redirect to the newest: that is asked for at once.
  const isDocument = info.resource === undefined && path.startsWith("/openapi/");
  const isNewest = !isDocument || new URLSearchParams(request.query).get("hash") === deps.openApiHash(remote);
  const query = isNewest ? request.query : "";
  const target = { ...location, ...trustOf(remote), path: query === "" ? path : `${path}?${query}`, headers: forwardedHeaders(request, user) };
  if (request.caller.type === "local") return callLocally(request, target, { peers: deps.peers, isWatch: info.resource?.verb === "watch", signal: work.signal });
  return { status: 200, headers: {}, body: { type: "proxy", target: { ...target, scheme: "https", identity: "front-proxy" } } };
}

function locate({ place }: RemoteApiService, { services }: AggregationDeps): Location | undefined {
  try {
    return services.resolve(place);
  } catch (error) {
    if (error instanceof UnresolvedService) return undefined;
    throw error;
  }
}

/** Which APIService a path belongs to: `/apis/GROUP/VERSION` and everything below it, and its OpenAPI v3 document. */
function apiServiceOf({ path, resource }: RequestInfo): string | undefined {
  if (resource !== undefined) return apiServiceName(resource.group, resource.version);
  const parts = path.split("/").filter((part) => part !== "");
  const [first, second, third] = parts[0] === "openapi" && parts[1] === "v3" ? parts.slice(2) : parts;
  if (first === "api" && second !== undefined) return apiServiceName("", second);
  return first === "apis" && second !== undefined && third !== undefined ? apiServiceName(second, third) : undefined;
}
