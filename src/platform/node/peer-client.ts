import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { HttpAnswer } from "../network.ts";
import type { PeerClient } from "../peer-client.ts";
import { dialReason } from "./dial-reason.ts";

/** One connection per request, with the front proxy's certificate (PEM) where there is one. */
export function nodePeerClient(identity?: { readonly certificate: string; readonly privateKey: string }): PeerClient {
  return {
    request: ({ signal, ...target }) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason);
          return;
        }
        const request = httpsRequest({
          method: target.method,
          host: target.host,
          port: target.port,
          path: target.path,
          agent: false,
          headers: sentHeaders(target.headers, target.body),
          servername: target.serverName,
          rejectUnauthorized: target.verify,
          ...(target.ca === undefined ? {} : { ca: target.ca }),
          ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.privateKey }),
        });
        const cancel = (): void => {
          request.destroy();
        };
        signal.addEventListener("abort", cancel, { once: true });
        request.on("close", () => signal.removeEventListener("abort", cancel));
        request.on("error", (error) => reject(signal.aborted ? signal.reason : new Error(dialReason(error, target))));
        request.on("upgrade", (_response, socket) => {
          socket.destroy();
          reject(new Error("unexpected upgrade"));
        });
        request.on("response", (response) => resolve({ status: response.statusCode ?? 0, headers: plainHeaders(response.headers), body: bodyOf(response, signal) }));
        request.end(target.body);
      }),
  };
}

function sentHeaders(headers: { readonly [name: string]: string | readonly string[] | undefined }, body: Uint8Array | undefined): Record<string, string | string[]> {
  const sent: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) sent[name] = typeof value === "string" ? value : [...value];
  if (body !== undefined) sent["content-length"] = String(body.length);
  return sent;
}

function plainHeaders(headers: IncomingHttpHeaders): HttpAnswer["headers"] {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(", ") : value;
  return plain;
}

async function* bodyOf(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) yield chunk;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    response.destroy();
  }
}
