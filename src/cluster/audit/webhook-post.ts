import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { HttpsEndpoint } from "../../platform/network.ts";

const TIMEOUT_MS = 30_000;

/** Posts JSON to a kubeconfig's server, with the identity that the kubeconfig has. */
export function webhookPost(endpoint: HttpsEndpoint): { post(body: string): Promise<number>; close(): void } {
  const url = new URL(endpoint.url);
  const isSecure = url.protocol === "https:";
  const agent = isSecure
    ? new HttpsAgent({
        keepAlive: true,
        maxSockets: 1,
        rejectUnauthorized: endpoint.skipVerify !== true,
        ...(endpoint.ca === undefined ? {} : { ca: endpoint.ca }),
        ...(endpoint.certificate === undefined ? {} : { cert: endpoint.certificate }),
        ...(endpoint.privateKey === undefined ? {} : { key: endpoint.privateKey }),
        ...(endpoint.serverName === undefined ? {} : { servername: endpoint.serverName }),
      })
    : new HttpAgent({ keepAlive: true, maxSockets: 1 });
  return {
    post: (body) =>
      new Promise((resolve, reject) => {
        const token = endpoint.token?.();
        const headers = {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
          "user-agent": "keles-audit",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        };
        const request = (isSecure ? httpsRequest : httpRequest)(url, { method: "POST", agent, headers });
        request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error("no answer in time")));
        request.on("error", reject);
        request.on("response", (response) => {
          response.resume();
          response.on("error", reject);
          response.on("end", () => resolve(response.statusCode ?? 0));
        });
        request.end(body);
      }),
    close: () => agent.destroy(),
  };
}
