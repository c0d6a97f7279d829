import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { ExtenderClient, ExtenderTlsOptions } from "../extender-client.ts";
import { dialReason } from "./dial-reason.ts";

const mostBodyBytes = 64 * 1024 * 1024;
/** Connections to one extender. */
const MAX_SOCKETS = 16;

/** Connections are kept: an extender is asked several times for each pod. */
export function nodeExtenderClient(): ExtenderClient & { close(): void } {
  const plain = new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  const secure = new Map<string, HttpsAgent>();
  const agentFor = ({ insecure, serverName, ca, cert, key }: ExtenderTlsOptions): HttpsAgent => {
    const name = JSON.stringify([insecure, serverName, ca, cert, key]);
    let agent = secure.get(name);
    if (agent === undefined) {
      agent = new HttpsAgent({
        keepAlive: true,
        maxSockets: MAX_SOCKETS,
        rejectUnauthorized: !insecure,
        ...(serverName === "" ? {} : { servername: serverName }),
        ...(ca === "" ? {} : { ca }),
        ...(cert === "" ? {} : { cert, key }),
      });
      secure.set(name, agent);
    }
    return agent;
  };
  return {
    post: ({ url, body, timeoutMs, tls }) =>
      new Promise((resolve, reject) => {
        const target = new URL(url);
        const isSecure = target.protocol === "https:";
        const port = target.port === "" ? (isSecure ? 443 : 80) : Number(target.port);
        const options = { method: "POST", headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body), "user-agent": "kube-scheduler" } };
        const request = isSecure ? httpsRequest(target, { ...options, agent: agentFor(tls) }) : httpRequest(target, { ...options, agent: plain });
        const timer = setTimeout(() => request.destroy(new Error("context deadline exceeded")), timeoutMs);
        const fail = (error: Error): void => {
          clearTimeout(timer);
          reject(new Error(`Post ${JSON.stringify(url)}: ${dialReason(error, { host: target.hostname, port })}`));
        };
        request.on("error", fail);
        request.on("response", (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on("data", (chunk: Buffer) => {
            size += chunk.length;
            if (size > mostBodyBytes) request.destroy(new Error("response body is too large"));
            else chunks.push(chunk);
          });
          response.on("error", fail);
          response.on("end", () => {
            clearTimeout(timer);
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") });
          });
        });
        request.end(body);
      }),
    close() {
      plain.destroy();
      for (const agent of secure.values()) agent.destroy();
    },
  };
}
