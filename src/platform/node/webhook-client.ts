import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import type { WebhookClient, WebhookRequest } from "../webhook-client.ts";

const mostBodyBytes = 3 * 1024 * 1024;
const dialReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ECONNRESET: "read: connection reset by peer",
};
const certificateReasons: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  DEPTH_ZERO_SELF_SIGNED_CERT: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  CERT_HAS_EXPIRED: "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
};

/** One connection per call; the server must prove itself. */
export const nodeWebhookClient: WebhookClient = {
  post: (target) =>
    new Promise((resolve, reject) => {
      const request = httpsRequest({
        method: "POST",
        host: target.host,
        port: target.port,
        path: target.path,
        agent: false,
        headers: {
          host: target.port === 443 ? target.serverName : `${target.serverName}:${target.port}`,
          "content-type": "application/json",
          accept: "application/json, */*",
          "user-agent": "kube-apiserver-admission",
          "content-length": Buffer.byteLength(target.body),
        },
        ...(isIP(target.serverName) === 0 ? { servername: target.serverName } : {}),
        ...(target.ca === undefined ? {} : { ca: target.ca }),
      });
      const timer = setTimeout(() => request.destroy(new Error("context deadline exceeded")), target.timeoutMs);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(new Error(reasonOf(error, target)));
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
      request.end(target.body);
    }),
};

function reasonOf(error: Error & { readonly code?: string }, { host, port }: WebhookRequest): string {
  const code = error.code ?? "";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `dial tcp: lookup ${host}: no such host`;
  const dial = dialReasons[code];
  if (dial !== undefined) return `dial tcp ${host.includes(":") ? `[${host}]` : host}:${port}: ${dial}`;
  return certificateReasons[code] ?? (code === "ERR_TLS_CERT_ALTNAME_INVALID" ? `tls: failed to verify certificate: x509: ${error.message}` : error.message);
}
