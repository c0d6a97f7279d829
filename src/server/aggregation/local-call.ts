import { deepFreeze } from "../../base/values.ts";
import { JsonLines } from "../../client/json-lines.ts";
import { failure } from "../../meta/status-error.ts";
import type { WatchEvent } from "../../meta/watch-event.ts";
import type { ApiRequest, ApiResponse } from "../../meta/wire.ts";
import type { PeerClient, PeerRequest } from "../../platform/peer-client.ts";
import { boundedBody } from "./bounded-body.ts";

/** More than any list that a controller should have to take in at once. */
const MOST_BYTES = 64 << 20;
const encoder = new TextEncoder();

/**
 * Carries a request of a caller in this process to another server: they have no connection that could be joined with
 * another. Answers bytes, or events for a watch.
 */
export async function callLocally(
  request: ApiRequest,
  target: Omit<PeerRequest, "method" | "body" | "signal">,
  { peers, isWatch, signal }: { readonly peers: PeerClient; readonly isWatch: boolean; readonly signal: AbortSignal },
): Promise<ApiResponse> {
  const body = await bodyOf(request);
  const type = request.headers["content-type"] ?? "application/json";
  const answer = await peers
    .request({
      ...target,
      method: request.method,
      headers: { ...target.headers, accept: "application/json", ...(body === undefined ? {} : { "content-type": type }) },
      body,
      signal,
    })
    .catch((error: unknown) => {
      signal.throwIfAborted();
      throw failure("ServiceUnavailable", `error trying to reach service: ${error instanceof Error ? error.message : String(error)}`);
    });
  if (isWatch && answer.status === 200) return { status: 200, headers: {}, body: { type: "events", events: eventsOf(answer.body) } };
  const bytes = await boundedBody(answer, MOST_BYTES);
  return { status: answer.status, headers: {}, body: { type: "bytes", contentType: answer.headers["content-type"] ?? "application/json", chunks: [bytes] } };
}

async function bodyOf({ body }: ApiRequest): Promise<Uint8Array | undefined> {
  if (body.type === "none") return undefined;
  return body.type === "bytes" ? body.read() : encoder.encode(JSON.stringify(body.value));
}

async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<readonly WatchEvent[], void, undefined> {
  const lines = new JsonLines();
  for await (const chunk of body) {
    const events = lines.push(chunk);
    if (events.length > 0) yield deepFreeze(events) as readonly WatchEvent[];
  }
  const last = lines.end();
  if (last.length > 0) yield deepFreeze(last) as readonly WatchEvent[];
}
