import type { Container, HTTPGetAction, Probe } from "../../api/generated/types/core-v1.ts";
import type { RuntimeService } from "../../cri/runtime.ts";
import { RuntimeError } from "../../cri/runtime.ts";
import type { GrpcHealth } from "../../platform/grpc-health.ts";
import type { Network } from "../../platform/network.ts";
import { portNumber } from "../lifecycle/handler-target.ts";
import { errorText, rpcErrorText } from "../rpc-error-text.ts";
import type { ProbeAnswer } from "./probe-result.ts";

export interface ProbeTarget {
  readonly probe: Probe;
  readonly container: Container;
  readonly containerId: string;
  readonly podIP: string;
}

export interface ProbeDeps {
  readonly runtime: Pick<RuntimeService, "execSync">;
  readonly network: Network;
  readonly grpcHealth: GrpcHealth;
}

const mostOutput = 10 * 1024;
const mostRedirects = 10;

const joinHostPort = (host: string, port: number): string => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);

/** Asks once; a question that cannot be put is `unknown`. @upstream pkg/probe */
export async function runProbe(target: ProbeTarget, deps: ProbeDeps): Promise<ProbeAnswer> {
  const { exec, httpGet, tcpSocket, grpc } = target.probe;
  const timeoutMs = (target.probe.timeoutSeconds ?? 1) * 1000;
  try {
    if (exec !== undefined) return await execProbe(target, exec.command ?? [], deps);
    if (httpGet !== undefined) return await httpProbe(target, httpGet, { timeoutMs, network: deps.network });
    if (tcpSocket !== undefined) {
      const host = tcpSocket.host === undefined || tcpSocket.host === "" ? target.podIP : tcpSocket.host;
      return await tcpProbe(host, portNumber(target.container, tcpSocket.port), { timeoutMs, network: deps.network });
    }
    if (grpc !== undefined) return await grpcProbe(target, { port: grpc.port, service: grpc.service ?? "", timeoutMs }, deps);
    return { outcome: "unknown", output: "missing probe handler" };
  } catch (error) {
    return { outcome: "unknown", output: rpcErrorText(error) };
  }
}

async function execProbe(target: ProbeTarget, command: readonly string[], deps: ProbeDeps): Promise<ProbeAnswer> {
  const timeoutSeconds = target.probe.timeoutSeconds ?? 1;
  try {
    const result = await deps.runtime.execSync(target.containerId, command, timeoutSeconds);
    const decoder = new TextDecoder();
    const output = (decoder.decode(result.stdout ?? new Uint8Array()) + decoder.decode(result.stderr ?? new Uint8Array())).slice(0, mostOutput);
    return { outcome: (result.exitCode ?? 0) === 0 ? "success" : "failure", output };
  } catch (error) {
    if (error instanceof RuntimeError && error.code === "DEADLINE_EXCEEDED")
      return { outcome: "failure", output: `command timed out: ${JSON.stringify(command.join(" "))} timed out after ${timeoutSeconds}s` };
    throw error;
  }
}

async function httpProbe(target: ProbeTarget, action: HTTPGetAction, { timeoutMs, network }: { readonly timeoutMs: number; readonly network: Network }): Promise<ProbeAnswer> {
  const scheme = action.scheme?.toLowerCase() === "https" ? "https" : "http";
  const host = action.host === undefined || action.host === "" ? target.podIP : action.host;
  const port = portNumber(target.container, action.port);
  const given = action.httpHeaders ?? [];
  const headers = [...given];
  const has = (name: string): boolean => given.some((header) => header.name.toLowerCase() === name);
  if (!has("user-agent")) headers.push({ name: "User-Agent", value: "kube-probe/1.36" });
  if (!has("accept")) headers.push({ name: "Accept", value: "*/*" });
  let url = new URL(`${scheme}://${joinHostPort(host, port)}${pathOf(action.path)}`);
  for (let redirects = 0; ; redirects += 1) {
    let answer: Awaited<ReturnType<Network["probeHttp"]>>;
    try {
      answer = await network.probeHttp({
        scheme: url.protocol === "https:" ? "https" : "http",
        host: url.hostname.replace(/^\[|\]$/g, ""),
        port: url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port),
        path: url.pathname + url.search,
        headers,
        timeoutMs,
      });
    } catch (error) {
      return { outcome: "failure", output: `Get "${shownUrl(url, port)}": ${errorText(error)}` };
    }
    const body = answer.body.slice(0, mostOutput);
    if (answer.status >= 300 && answer.status < 400) {
      if (answer.location === undefined) return { outcome: "success", output: body };
      const next = new URL(answer.location, url.href);
      if (next.hostname !== url.hostname) return { outcome: "warning", output: `Probe terminated redirects, Response body: ${body}` };
      if (redirects + 1 >= mostRedirects) return { outcome: "failure", output: `Get "${shownUrl(next, port)}": stopped after ${mostRedirects} redirects` };
      url = next;
      continue;
    }
    if (answer.status >= 200 && answer.status < 300) return { outcome: "success", output: body };
    return { outcome: "failure", output: `HTTP probe failed with statuscode: ${answer.status}` };
  }
}

const pathOf = (path: string | undefined): string => (path === undefined || path === "" ? "/" : path.startsWith("/") ? path : `/${path}`);

/** A URL drops the port that its scheme implies; probes name it always. */
function shownUrl(url: URL, port: number): string {
  return url.port === "" ? `${url.protocol}//${url.hostname}:${port}${url.pathname}${url.search}` : url.href;
}

async function tcpProbe(host: string, port: number, { timeoutMs, network }: { readonly timeoutMs: number; readonly network: Network }): Promise<ProbeAnswer> {
  try {
    await network.probeTcp(host, port, timeoutMs);
    return { outcome: "success", output: "" };
  } catch (error) {
    return { outcome: "failure", output: errorText(error) };
  }
}

async function grpcProbe(target: ProbeTarget, options: { readonly port: number; readonly service: string; readonly timeoutMs: number }, deps: ProbeDeps): Promise<ProbeAnswer> {
  const { port, service, timeoutMs } = options;
  try {
    const status = await deps.grpcHealth.check({ host: target.podIP, port, service, timeoutMs });
    if (status === "SERVING") return { outcome: "success", output: "service healthy" };
    return { outcome: "failure", output: `service unhealthy (responded with ${JSON.stringify(status)})` };
  } catch (error) {
    return { outcome: "failure", output: `error: health rpc probe failed: ${errorText(error)}` };
  }
}
