import { Agent, request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import type { HttpsReply, HttpsRequest, HttpsRequests } from "../https-requests.ts";
import type { HttpsEndpoint } from "../network.ts";
import { dialReason } from "./dial-reason.ts";

const MOST_BODY_BYTES = 1 << 20;
const REDIRECTS_MAX = 5;
const SOCKETS_MAX = 64;
const AGENTS_MAX = 100;

/** HTTP/1.1 over connections that are kept, apart for every trust and identity. */
export function nodeHttpsRequests(): HttpsRequests & { close(): void } {
  const agents = new Map<string, Agent>();
  const agentFor = ({ ca, certificate, privateKey, serverName, skipVerify }: HttpsEndpoint): Agent => {
    const key = JSON.stringify([ca, certificate, privateKey, serverName, skipVerify]);
    const known = agents.get(key);
    if (known !== undefined) return known;
    const [oldest] = agents;
    if (agents.size >= AGENTS_MAX && oldest !== undefined) {
      oldest[1].destroy();
      agents.delete(oldest[0]);
    }
    const agent = new Agent({
      keepAlive: true,
      maxSockets: SOCKETS_MAX,
      maxFreeSockets: 4,
      timeout: 90_000,
      minVersion: "TLSv1.2",
      ...(ca === undefined ? {} : { ca }),
      ...(certificate === undefined ? {} : { cert: certificate }),
      ...(privateKey === undefined ? {} : { key: privateKey }),
      ...(serverName === undefined || isIP(serverName) !== 0 ? {} : { servername: serverName }),
      ...(skipVerify === true ? { rejectUnauthorized: false } : {}),
    });
    agents.set(key, agent);
    return agent;
  };
  const follow = async (request: HttpsRequest, left: number): Promise<HttpsReply> => {
    const reply = await once(request, agentFor(request.endpoint));
    const { location } = reply.headers;
    if (request.method !== "GET" || ![301, 302, 303, 307, 308].includes(reply.status) || location === undefined) return reply;
    if (left === 0) throw new Error(`stopped after ${REDIRECTS_MAX} redirects`);
    const to = new URL(location, request.endpoint.url);
    const { token: _, certificate: _1, privateKey: _2, ...stranger } = request.endpoint;
    // What is meant for one host is not told to another.
    const { authorization: _3, ...headers } = request.headers ?? {};
    const isSame = to.host === new URL(request.endpoint.url).host;
    const next = isSame ? request : { ...request, endpoint: stranger, headers };
    return follow({ ...next, endpoint: { ...next.endpoint, url: to.href } }, left - 1);
  };
  return {
    send: (request) => follow(request, REDIRECTS_MAX),
    close() {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
    },
  };
}

function once({ method, endpoint, body, headers, timeoutMs }: HttpsRequest, agent: Agent): Promise<HttpsReply> {
  const url = new URL(endpoint.url);
  if (url.protocol !== "https:") return Promise.reject(new Error(`${endpoint.url} is not a URL of https`));
  const token = endpoint.token?.();
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, {
      method,
      agent,
      headers: {
        accept: "application/json, */*",
        "user-agent": "kube-apiserver",
        ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
    });
    const timer = setTimeout(() => request.destroy(new Error("context deadline exceeded")), timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(new Error(dialReason(error, { host, port: Number(url.port === "" ? 443 : url.port) })));
    };
    request.on("error", fail);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MOST_BODY_BYTES) request.destroy(new Error("response body is too large"));
        else chunks.push(chunk);
      });
      response.on("error", fail);
      response.on("end", () => {
        clearTimeout(timer);
        const named = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]));
        resolve({ status: response.statusCode ?? 0, headers: named, body: Buffer.concat(chunks).toString("utf8") });
      });
    });
    request.end(body);
  });
}
