import { orAbort } from "../base/abort.ts";
import { deepFreeze } from "../base/values.ts";
import type { WatchEvent } from "../meta/watch-event.ts";
import type { HttpAnswer, HttpTransport } from "../platform/network.ts";
import { bodyText, parseBody } from "./answer-body.ts";
import type { ApiCall } from "./api-call.ts";
import { clientOver } from "./client-over.ts";
import type { Client } from "./client.ts";
import { failureOf } from "./failure-status.ts";
import { JsonLines } from "./json-lines.ts";

export interface HttpsClientOptions {
  /** What stands before the slash names the client in managedFields. */
  readonly userAgent?: string;
}

/** A Client that speaks JSON over a transport. Objects that come back are frozen. */
export function httpsClient(transport: HttpTransport, options: HttpsClientOptions = {}): Client {
  const userAgent = options.userAgent ?? "keles";
  const encoder = new TextEncoder();
  const send = async (call: ApiCall, signal: AbortSignal): Promise<HttpAnswer> => {
    signal.throwIfAborted();
    const answer = await transport.request({
      method: call.method,
      path: call.query === "" ? call.path : `${call.path}?${call.query}`,
      headers: { accept: "application/json", "user-agent": userAgent, ...(call.body === undefined ? {} : { "content-type": call.body.contentType }) },
      ...(call.body === undefined ? {} : { body: encoder.encode(JSON.stringify(call.body.value)) }),
      signal,
    });
    if (answer.status >= 400) {
      const retryAfter = Number.parseInt(answer.headers["retry-after"] ?? "", 10);
      throw failureOf(answer.status, await valueOf(answer), Number.isNaN(retryAfter) ? undefined : retryAfter);
    }
    return answer;
  };
  return clientOver({
    // A fresh signal each: listeners on one that lives for ever would pile up.
    call: async (call, signal = new AbortController().signal) => {
      const answer = await send(call, signal);
      // A body that is read whole ends with the signal by itself.
      return deepFreeze(answer.whole === undefined ? await orAbort(valueOf(answer), signal) : await valueOf(answer));
    },
    watch: async (call, signal) => batchesOf(await send(call, signal)),
  });
}

const decoder = new TextDecoder();

const valueOf = async (answer: HttpAnswer): Promise<unknown> =>
  parseBody(answer.headers["content-type"] ?? "", answer.whole === undefined ? await bodyText(answer.body) : decoder.decode(await answer.whole()));

async function* batchesOf(answer: HttpAnswer): AsyncGenerator<readonly WatchEvent[], void, undefined> {
  const lines = new JsonLines();
  for await (const chunk of answer.body) {
    const events = lines.push(chunk) as WatchEvent[];
    if (events.length > 0) yield deepFreeze(events);
  }
  const last = lines.end() as WatchEvent[];
  if (last.length > 0) yield deepFreeze(last);
}
