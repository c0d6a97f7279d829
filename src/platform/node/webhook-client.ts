import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import type { WebhookClient } from "../webhook-client.ts";
import { dialReason } from "./dial-reason.ts";

const mostBodyBytes = 3 * 1024 * 1024;

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
      const { signal } = target;
      const stop = (): void => {
        request.destroy(new Error("context canceled"));
      };
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", stop);
      };
      const fail = (error: Error): void => {
        end();
        reject(new Error(dialReason(error, target)));
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
          end();
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") });
        });
      });
      if (signal?.aborted === true) stop();
      else signal?.addEventListener("abort", stop, { once: true });
      request.end(target.body);
    }),
};
