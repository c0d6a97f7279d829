import { type IncomingMessage, request as httpRequest } from "node:http";
import type { Duplex } from "node:stream";
import { HttpFailure } from "./http-failure.ts";

export interface SpdyUpgrade {
  readonly socket: Duplex;
  /** What the server sent right after its answer. */
  readonly head: Buffer;
  /** The protocol within SPDY that the server chose. */
  readonly protocol: string;
}

const mostRefusalBytes = 4096;

/** Upgrades a connection to the runtime's streaming server. Throws HttpFailure with the server's own words when it refuses. */
export function dialSpdy(target: URL, protocols: readonly string[], signal: AbortSignal): Promise<SpdyUpgrade> {
  return new Promise((resolve, reject) => {
    const headers = { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": [...protocols] };
    const request = httpRequest(target, { method: "POST", headers, agent: false, signal });
    request.on("upgrade", (response, socket, head) => {
      socket.on("error", () => socket.destroy());
      resolve({ socket, head, protocol: protocolOf(response) });
    });
    request.on("response", (response) => {
      refusalOf(response).then((text) => reject(new HttpFailure(response.statusCode ?? 502, text)), reject);
    });
    request.on("error", (error) => reject(signal.aborted ? error : new HttpFailure(502, `the container runtime's streaming server does not answer: ${error.message}`)));
    request.end();
  });
}

function protocolOf({ headers }: IncomingMessage): string {
  const value = headers["x-stream-protocol-version"];
  return (Array.isArray(value) ? value[0] : value) ?? "";
}

async function refusalOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length > mostRefusalBytes) break;
  }
  return text.trim();
}
