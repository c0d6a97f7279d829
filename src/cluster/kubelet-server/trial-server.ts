import type { RequestOptions } from "node:https";
import { silentLogger } from "../../base/log.ts";
import { badRequest } from "../../meta/status-error.ts";
import { systemClock } from "../../platform/node/clock.ts";
import { promMetrics } from "../../platform/node/metrics.ts";
import { systemRandom } from "../../platform/node/random.ts";
import { makeAuthority, makeLeaf } from "../pki/certificates.ts";
import { KubeletServer } from "./kubelet-server.ts";
import type { ServedKubelet } from "./served-kubelet.ts";
import { TrialRuntime } from "./trial-runtime.ts";

export type Identity = "api server" | "admin" | "node" | "stranger" | "nobody";

const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "shop", uid: "u1" }, spec: { containers: [{ name: "main" }] } } as const;

/** A kubelet's server over two kubelets (nodes n1 and n2) with one pod shop/web, whose container is main. For tests. */
export interface TrialServer {
  readonly server: KubeletServer;
  readonly runtime: TrialRuntime;
  /** One per log request that follows: resolves when its reader is gone. */
  readonly followersGone: Promise<unknown>[];
  /** How a client with this identity connects. */
  connectAs(identity: Identity): RequestOptions;
  close(): Promise<void>;
}

export async function startTrialServer(nowMs: number): Promise<TrialServer> {
  const authority = await makeAuthority("cluster", { days: 1, nowMs });
  const other = await makeAuthority("stranger", { days: 1, nowMs });
  const serving = await makeLeaf(authority, { commonName: "system:node:n1", usage: "server", dnsNames: ["n1", "n2"], ips: ["127.0.0.1"], days: 1, nowMs });
  const client = { usage: "client", days: 1, nowMs } as const;
  const pairs = {
    "api server": await makeLeaf(authority, { commonName: "kube-apiserver-kubelet-client", ...client }),
    admin: await makeLeaf(authority, { commonName: "me", organizations: ["a", "system:masters"], ...client }),
    node: await makeLeaf(authority, { commonName: "system:node:n2", organizations: ["system:nodes"], ...client }),
    stranger: await makeLeaf(other, { commonName: "kube-apiserver-kubelet-client", organizations: ["system:masters"], ...client }),
    nobody: undefined,
  };
  const runtime = new TrialRuntime();
  await runtime.listen();
  const followersGone: Promise<unknown>[] = [];
  const kubelets = ["n1", "n2"].map((nodeName) => trialKubelet(nodeName, runtime, followersGone));
  const server = new KubeletServer(
    { host: "127.0.0.1", port: 0, certificate: serving.certificate, privateKey: serving.privateKey, clientCa: authority.certificate },
    {
      kubeletOf: (namespace, name) => kubelets.find((kubelet) => kubelet.podByName(namespace, name) !== undefined),
      kubelets: () => kubelets,
      metrics: promMetrics(),
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
    },
  );
  await server.listen();
  return {
    server,
    runtime,
    followersGone,
    connectAs: (identity) => {
      const pair = pairs[identity];
      return {
        host: "127.0.0.1",
        port: server.port,
        ca: authority.certificate,
        servername: "n1",
        agent: false,
        ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.privateKey }),
      };
    },
    close: async () => {
      await server.close();
      await runtime.close();
    },
  };
}

function trialKubelet(nodeName: string, runtime: TrialRuntime, followersGone: Promise<unknown>[]): ServedKubelet {
  return {
    nodeName,
    runtime: runtime.service,
    pods: () => [{ ...pod, metadata: { ...pod.metadata, labels: { node: nodeName } } }],
    podByName: (namespace, name) => (namespace === "shop" && name === "web" ? pod : undefined),
    containerId: (_namespace, _pod, container) => (container === "main" ? "c1" : undefined),
    sandboxId: () => "s1",
    configuration: () => ({ kind: "KubeletConfiguration", maxPods: 110 }),
    probeMetrics: () => [
      { name: "empty_total", help: "None", type: "counter", samples: () => [] },
      {
        name: "probe_seconds",
        help: "Some",
        type: "histogram",
        samples: () => [
          { labels: { pod: 'a"b', le: "+Inf" }, value: 2, series: "bucket" },
          { labels: {}, value: 0.5, series: "sum" },
        ],
      },
    ],
    statsSummary: async () => ({ node: { nodeName }, pods: [] }) as unknown as Awaited<ReturnType<ServedKubelet["statsSummary"]>>,
    async *containerLogs(request) {
      if (request.container !== "main") throw badRequest(`container ${request.container} is not valid for pod ${request.pod}`);
      yield new TextEncoder().encode(`tail=${request.tailLines ?? "all"} previous=${request.previous === true}\n`);
      if (request.follow !== true) return;
      const gone = new Promise((resolve) => request.signal.addEventListener("abort", resolve, { once: true }));
      followersGone.push(gone);
      await gone;
    },
  };
}
