import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import type { PromMetrics } from "../../platform/node/metrics.ts";
import { authenticate, expectedName } from "./authenticate.ts";
import { serveContainerLogs } from "./container-logs.ts";
import { answerJson, answerText, failureOf, HttpFailure, refuseUpgrade } from "./http-failure.ts";
import { metricsText } from "./metrics-text.ts";
import { passThrough, type UpgradeRequest } from "./pass-through.ts";
import { cadvisorMetrics, resourceMetrics } from "./resource-metrics.ts";
import { runningPods } from "./running-pods.ts";
import type { ServedKubelet } from "./served-kubelet.ts";
import { attachTarget, execTarget, portForwardUrl } from "./stream-target.ts";
import { websocketCommand } from "./websocket-command.ts";
import { tunnelledProtocols, websocketTunnel } from "./websocket-tunnel.ts";

export interface KubeletServerOptions {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** PEM */
  readonly certificate: string;
  readonly privateKey: string;
  /** PEM bundle of those who sign the callers' certificates. */
  readonly clientCa: string;
}

export interface KubeletServerDeps {
  /** The kubelet that has this pod; several simulated ones may share a server. */
  kubeletOf(namespace: string, pod: string): ServedKubelet | undefined;
  kubelets(): readonly ServedKubelet[];
  readonly metrics: Pick<PromMetrics, "render" | "contentType">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** The kubelet's HTTPS port: what the node runs and how it is, containers' output, and streams into containers. */
export class KubeletServer {
  readonly #options: KubeletServerOptions;
  readonly #deps: KubeletServerDeps;
  readonly #server;
  readonly #sockets = new Set<Duplex>();

  constructor(options: KubeletServerOptions, deps: KubeletServerDeps) {
    this.#options = options;
    this.#deps = deps;
    const { certificate: cert, privateKey: key, clientCa: ca } = options;
    this.#server = createServer({ cert, key, ca, minVersion: "TLSv1.2", requestCert: true, rejectUnauthorized: false, keepAliveTimeout: 120_000, handshakeTimeout: 10_000 });
    this.#server.on("request", (request, response) => void this.#answer(request, response));
    this.#server.on("upgrade", (request, socket, head) => void this.#upgrade({ request, socket, head }));
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy());
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  /** Rejects with the system's error (EADDRINUSE). */
  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#options.port, this.#options.host, () => {
        this.#server.off("error", reject);
        this.#server.on("error", (error) => this.#deps.log.error("the kubelet's server failed", { error }));
        resolve();
      });
    });
  }

  /** Presents another certificate (PEM) to those who connect from now on. */
  presentCertificate({ certificate, privateKey }: Pick<KubeletServerOptions, "certificate" | "privateKey">): void {
    this.#server.setSecureContext({ cert: certificate, key: privateKey, ca: this.#options.clientCa, minVersion: "TLSv1.2" });
  }

  /** The port listened on. */
  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** Ends all streams too. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => response.destroy());
    try {
      authenticate(request);
      await this.#serve(request, response);
    } catch (error) {
      const { code, message } = failureOf(error);
      answerText(response, code, `${message}\n`);
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "https://kubelet");
    const [first = "", ...rest] = segmentsOf(url);
    if (first === "containerLogs") {
      const [namespace = "", pod = "", container = ""] = rest;
      const kubelet = this.#kubeletWith(namespace, pod);
      await serveContainerLogs({ namespace, pod, container }, url.searchParams, { kubelet, response });
      return;
    }
    if (first === "exec" || first === "attach" || first === "portForward") throw new HttpFailure(400, "Upgrade request required");
    if (request.method !== "GET" && request.method !== "HEAD") throw new HttpFailure(405, "Method Not Allowed");
    const kubelet = this.#kubeletAsked(request);
    const metricsType = this.#deps.metrics.contentType;
    switch (url.pathname.replace(/\/$/, "")) {
      case "/healthz":
      case "/healthz/ping":
        answerText(response, 200, "ok");
        return;
      case "/pods":
        answerJson(response, podList(kubelet.pods()));
        return;
      case "/runningpods":
        answerJson(response, podList(await runningPods(kubelet.runtime)));
        return;
      case "/stats/summary":
        answerJson(response, await kubelet.statsSummary());
        return;
      case "/metrics":
        answerText(response, 200, await this.#deps.metrics.render(), metricsType);
        return;
      case "/metrics/resource":
        answerText(response, 200, resourceMetrics(await kubelet.statsSummary()), metricsType);
        return;
      case "/metrics/probes":
        answerText(response, 200, metricsText(kubelet.probeMetrics()), metricsType);
        return;
      case "/configz":
        answerJson(response, { kubeletconfig: kubelet.configuration() });
        return;
      case "/metrics/cadvisor":
        answerText(response, 200, cadvisorMetrics(await kubelet.statsSummary(), kubelet.pods()), metricsType);
        return;
      default:
        throw new HttpFailure(404, "404 page not found");
    }
  }

  async #upgrade(upgrade: UpgradeRequest): Promise<void> {
    const { request, socket } = upgrade;
    socket.on("error", () => socket.destroy());
    try {
      authenticate(request);
      await this.#stream(upgrade, new URL(request.url ?? "/", "https://kubelet"));
    } catch (error) {
      refuseUpgrade(socket, failureOf(error));
    }
  }

  async #stream(upgrade: UpgradeRequest, url: URL): Promise<void> {
    const [verb = "", namespace = "", pod = "", ...rest] = segmentsOf(url);
    if (verb !== "exec" && verb !== "attach" && verb !== "portForward") throw new HttpFailure(404, "404 page not found");
    const kubelet = this.#kubeletWith(namespace, pod);
    const isWebSocket = upgrade.request.headers.upgrade?.toLowerCase() === "websocket";
    if (verb === "portForward") {
      const target = await portForwardUrl(kubelet, { namespace, pod }, url.searchParams);
      const tunnelled = isWebSocket ? tunnelledProtocols(upgrade) : [];
      if (tunnelled.length > 0) await websocketTunnel(upgrade, target, tunnelled);
      else passThrough(upgrade, target);
      return;
    }
    // The pod's uid may stand before the container's name.
    const container = rest.at(-1) ?? "";
    const target = await (verb === "exec" ? execTarget : attachTarget)(kubelet, { namespace, pod, container }, url.searchParams);
    if (isWebSocket) await websocketCommand(upgrade, target);
    else passThrough(upgrade, target.url);
  }

  #kubeletWith(namespace: string, pod: string): ServedKubelet {
    const kubelet = this.#deps.kubeletOf(namespace, pod);
    if (kubelet === undefined) throw new HttpFailure(404, "pod does not exist");
    return kubelet;
  }

  /** Of several, the one whose node the caller's handshake names. */
  #kubeletAsked(request: IncomingMessage): ServedKubelet {
    const kubelets = this.#deps.kubelets();
    const name = expectedName(request);
    const kubelet = kubelets.find(({ nodeName }) => nodeName === name) ?? kubelets[0];
    if (kubelet === undefined) throw new HttpFailure(404, "this server has no node");
    return kubelet;
  }
}

const podList = (items: readonly Pod[]): unknown => ({ kind: "PodList", apiVersion: "v1", metadata: {}, items });

const segmentsOf = ({ pathname }: URL): readonly string[] =>
  pathname
    .split("/")
    .filter((segment) => segment !== "")
    .map((segment) => {
      try {
        return decodeURIComponent(segment);
      } catch {
        throw new HttpFailure(400, "the path is not properly encoded");
      }
    });
