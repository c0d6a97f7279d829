import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { Network, ProbeRequest } from "../network.ts";

const mostBodyBytes = 10 * 1024;

/** Outgoing probes from this machine. The reasons read as upstream's do, since they end up in events. */
export const nodeNetwork: Network = { probeTcp, probeHttp };

function probeTcp(host: string, port: number, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => finish(new Error(`dial tcp ${hostPort(host, port)}: i/o timeout`)), timeoutMs);
    const finish = (error?: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.once("connect", () => finish());
    socket.once("error", (error) => finish(dialError(error, host, port)));
  });
}

function probeHttp(probe: ProbeRequest): Promise<{ readonly status: number; readonly body: string; readonly location?: string | undefined }> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string | string[]> = {};
    for (const { name, value } of probe.headers) {
      const key = name.toLowerCase();
      const known = headers[key];
      headers[key] = known === undefined || key === "host" ? value : [known, value].flat();
    }
    const options: RequestOptions & { readonly rejectUnauthorized: boolean } = {
      method: "GET",
      host: probe.host,
      port: probe.port,
      path: probe.path === "" ? "/" : probe.path,
      headers,
      agent: false,
      rejectUnauthorized: false,
    };
    const request = probe.scheme === "https" ? httpsRequest(options) : httpRequest(options);
    let awaiting = "headers";
    const timer = setTimeout(
      () =>
        fail(new Error(`context deadline exceeded (Client.Timeout ${awaiting === "headers" ? "exceeded while awaiting headers" : "or context cancellation while reading body"})`)),
      probe.timeoutMs,
    );
    const fail = (error: Error): void => {
      clearTimeout(timer);
      request.destroy();
      reject(error);
    };
    request.once("response", (response) => {
      awaiting = "body";
      readBody(response).then((body) => {
        clearTimeout(timer);
        request.destroy();
        resolve({ status: response.statusCode ?? 0, body, location: response.headers.location });
      }, fail);
    });
    request.on("error", (error) => fail(dialError(error, probe.host, probe.port)));
    request.end();
  });
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= mostBodyBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, mostBodyBytes).toString("utf8");
}

const dialReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "i/o timeout",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "no such host",
};

function dialError(error: Error & { readonly code?: string }, host: string, port: number): Error {
  if (error.code === "ECONNRESET") return new Error("read: connection reset by peer", { cause: error });
  const reason = dialReasons[error.code ?? ""];
  return reason === undefined ? error : new Error(`dial tcp ${hostPort(host, port)}: ${reason}`, { cause: error });
}

const hostPort = (host: string, port: number): string => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);
