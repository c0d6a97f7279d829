import { orAbort } from "../base/abort.ts";
import { deepFreeze } from "../base/values.ts";
import { failure } from "../meta/status-error.ts";
import type { ApiRequest, ApiResponse, Handle, ResponseBody, UserInfo, Waiter } from "../meta/wire.ts";
import type { ApiCall } from "./api-call.ts";
import { bodyText, parseBody } from "./answer-body.ts";
import { clientOver } from "./client-over.ts";
import type { Client } from "./client.ts";
import { failureOf } from "./failure-status.ts";

export interface InProcessClientOptions {
  /** Names the client in managedFields and audit as the HTTP header of this name does: `kube-controller-manager`. */
  readonly userAgent?: string;
}

/** Waits as long as it takes. PERF: a signal costs a tenth of a small answer; a fresh one each time, so that listeners do not pile up. */
const patient: Waiter = {
  get signal() {
    return new AbortController().signal;
  },
};

/** A Client that calls the API server as a function. Objects that come back are the server's own, frozen: nothing is copied. */
export function inProcessClient(handle: Handle, user: UserInfo, options: InProcessClientOptions = {}): Client {
  const caller = { type: "local", user } as const;
  const bare = Object.freeze({ accept: "application/json", "user-agent": options.userAgent ?? "keles" });
  const withJson = Object.freeze({ ...bare, "content-type": "application/json" });
  const headersOf = ({ body }: ApiCall): ApiRequest["headers"] => {
    if (body === undefined) return bare;
    return body.contentType === "application/json" ? withJson : { ...bare, "content-type": body.contentType };
  };
  const send = async (call: ApiCall, signal: AbortSignal | undefined): Promise<ApiResponse> => {
    signal?.throwIfAborted();
    const request: ApiRequest = {
      method: call.method,
      path: call.path,
      query: call.query,
      headers: headersOf(call),
      body: call.body === undefined ? { type: "none" } : { type: "value", value: call.body.value },
      caller,
    };
    const response = await (signal === undefined ? handle(request, patient) : orAbort(handle(request, { signal }), signal));
    if (response.status >= 400) throw failureOf(response.status, await valueOf(response.body));
    return response;
  };
  return clientOver({
    call: async (call, signal) => {
      const { body } = await send(call, signal);
      return body.type === "value" ? body.value : valueOf(body);
    },
    async watch(call, signal) {
      const { body } = await send(call, signal);
      if (body.type !== "events") throw failure("InternalError", "the answer to a watch is not a watch");
      return body.events;
    },
  });
}

async function valueOf(body: ResponseBody): Promise<unknown> {
  if (body.type === "value") return body.value;
  if (body.type === "empty") return undefined;
  if (body.type === "events") throw failure("InternalError", "a watch answered a request that was none");
  if (body.type === "proxy") throw failure("ServiceUnavailable", "this request is forwarded to another server, which needs a network transport");
  return deepFreeze(parseBody(body.contentType, await bodyText(body.chunks)));
}
