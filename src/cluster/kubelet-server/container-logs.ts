import type { ServerResponse } from "node:http";
import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { StatusError } from "../../meta/status-error.ts";
import { answerJson, answerText } from "./http-failure.ts";
import { HttpFailure } from "./http-failure.ts";
import type { ServedKubelet } from "./served-kubelet.ts";

export interface LogTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

type LogRequest = Parameters<ServedKubelet["containerLogs"]>[0];

/** `/containerLogs/NS/POD/CONTAINER`: a container's output, as it comes; ends when the caller goes away. */
export async function serveContainerLogs(
  target: LogTarget,
  query: URLSearchParams,
  { kubelet, response }: { readonly kubelet: ServedKubelet; readonly response: ServerResponse },
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort(new Error("the caller went away")));
  const lines = kubelet.containerLogs(logRequest(target, query, gone.signal))[Symbol.asyncIterator]();
  try {
    // What is wrong with the request shows in the first turn; output that is only awaited must not hold the headers back.
    const first = lines.next();
    const failed = first.then(
      () => false,
      () => true,
    );
    if (await Promise.race([failed, nextTurn(false)])) await first;
    response.writeHead(200, { "content-type": "text/plain", "x-content-type-options": "nosniff" });
    response.flushHeaders();
    for (let next = await first; next.done !== true; next = await lines.next()) {
      if (response.destroyed) break;
      if (!response.write(next.value)) await once(response, "drain", { signal: gone.signal });
    }
    response.end();
  } catch (error) {
    if (gone.signal.aborted) return;
    if (error instanceof StatusError && !response.headersSent) answerJson(response, error.status, error.code);
    else answerText(response, 500, error instanceof Error ? error.message : String(error));
  } finally {
    await lines.return?.();
  }
}

/** The query as the kubelet's own log options. Throws HttpFailure 400. @upstream pkg/kubelet/server/server.go getContainerLogs */
export function logRequest(target: LogTarget, query: URLSearchParams, signal: AbortSignal): LogRequest {
  const tailLines = whole(query, "tailLines", 0);
  const sinceSeconds = whole(query, "sinceSeconds", 1);
  const limitBytes = whole(query, "limitBytes", 1);
  const sinceTime = query.get("sinceTime") ?? "";
  const stream = query.get("stream") ?? "";
  if (sinceTime !== "" && Number.isNaN(Date.parse(sinceTime))) throw new HttpFailure(400, `sinceTime is not a time: ${sinceTime}`);
  if (stream !== "" && stream !== "All" && stream !== "Stdout" && stream !== "Stderr") throw new HttpFailure(400, `stream must be All, Stdout or Stderr, not ${stream}`);
  return {
    ...target,
    signal,
    follow: isSet(query, "follow"),
    previous: isSet(query, "previous"),
    timestamps: isSet(query, "timestamps"),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceTime === "" ? {} : { sinceTime }),
    ...(stream === "" ? {} : { stream }),
  };
}

/** As Go's `strconv.ParseBool` says yes, and a bare `?follow` too. */
export function isSet(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && !["0", "f", "false"].includes(value.toLowerCase());
}

function whole(query: URLSearchParams, name: string, least: number): number | undefined {
  const text = query.get(name) ?? "";
  if (text === "" || (name === "tailLines" && text.toLowerCase() === "all")) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) throw new HttpFailure(400, `${name} must be a whole number of at least ${least}, not ${text}`);
  return value;
}
