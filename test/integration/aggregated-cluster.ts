import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apiServices, services } from "../../src/api/generated/resources.ts";
import type { APIService, APIServiceCondition } from "../../src/api/generated/types/apiregistration-v1.ts";
import type { EndpointSlice } from "../../src/api/generated/types/discovery-v1.ts";
import { silentLogger } from "../../src/base/log.ts";
import { noMetrics } from "../../src/base/metrics.ts";
import type { Client } from "../../src/client/client.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { makeLeaf } from "../../src/cluster/pki/certificates.ts";
import { notAfterMs } from "../../src/cluster/pki/certificate-end.ts";
import { ensurePki, FRONT_PROXY, type Pki } from "../../src/cluster/pki/pki.ts";
import { serveAggregatedApi } from "../../src/cluster/serve-api.ts";
import { versionInfo } from "../../src/cluster/version.ts";
import { parseCidr } from "../../src/meta/ip.ts";
import { toYaml } from "../../src/meta/yaml-codec.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import { nodePeerClient } from "../../src/platform/node/peer-client.ts";
import { nodeWebhookClient } from "../../src/platform/node/webhook-client.ts";
import { systemRandom } from "../../src/platform/node/random.ts";
import { nodeSigner } from "../../src/platform/node/signer.ts";
import { AuthenticationConfig } from "../../src/server/aggregation/authentication-config.ts";
import { ensureBootstrapObjects } from "../../src/server/bootstrap/ensure-objects.ts";
import { encodeForStore } from "../../src/server/cache/cache-entry.ts";
import { CrdRegistrar } from "../../src/server/crd/registrar.ts";
import { Listener } from "../../src/server/http/listener.ts";
import type { ApiServer } from "../../src/server/server.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import { ExtensionServer } from "./extension-server.ts";

export interface AggregatedCluster {
  readonly api: ApiServer;
  readonly admin: Client;
  readonly pki: Pki;
  readonly port: number;
  /** Of the administrator; beside it stands kubectl's cache. */
  readonly kubeconfig: string;
  readonly cacheFolder: string;
  /** A PEM certificate and key of somebody. */
  certificateFor(name: string): Promise<{ readonly certificate: string; readonly privateKey: string }>;
  startExtension(options: { readonly aggregated: boolean }): Promise<ExtensionServer>;
  /** Registers a server: Service, EndpointSlice and APIService. */
  register(server: ExtensionServer): Promise<void>;
  /** Resolves when the APIService says so. */
  available(name: string, wanted: Partial<APIServiceCondition>): Promise<APIServiceCondition>;
  stop(): Promise<void>;
}

/** A control plane's API server on a loopback port, with certificates, aggregation and custom resources, and nothing else. */
export async function aggregatedCluster(): Promise<AggregatedCluster> {
  const folder = mkdtempSync(join(tmpdir(), "keles-aggregation-"));
  const stop = new AbortController();
  const store = new MemoryStore();
  const nowMs = Date.now();
  const pki = await ensurePki({ directory: join(folder, "pki"), dnsNames: ["localhost"], ips: ["127.0.0.1"], nowMs });
  const serviceCidr = parseCidr("10.43.0.0/16");
  if (serviceCidr === undefined) throw new Error("no range");
  const { api, aggregator } = serveAggregatedApi(
    {
      serviceCidr,
      nodePorts: { first: 30_000, last: 32_767 },
      clusterCa: pki.ca.certificate,
      issuer: "https://kubernetes.default.svc",
      version: versionInfo,
      metricsText: () => Promise.resolve(""),
    },
    {
      store,
      signer: nodeSigner(pki.serviceAccountKey.privateKey),
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
      metrics: noMetrics,
      peers: nodePeerClient(pki.frontProxyClient),
    },
  );
  await api.load();
  const admin = inProcessClient(api.handle, { name: "admin", groups: ["system:masters", "system:authenticated"] });
  const running: Promise<unknown>[] = [api.run(stop.signal)];
  await ensureBootstrapObjects(admin, { serviceCidr: "10.43.0.0/16" });
  const trust = { clientCa: pki.ca.certificate, requestHeaderCa: pki.frontProxyCa.certificate, allowedNames: [FRONT_PROXY] };
  running.push(new AuthenticationConfig(trust, { ...api.parts, client: admin, notAfterMs }).run(stop.signal));
  running.push(aggregator.run(admin, stop.signal), new CrdRegistrar({ ...api.parts, client: admin, services: aggregator.services, webhooks: nodeWebhookClient }).run(stop.signal));
  const listener = new Listener(
    { certificate: pki.apiServer.certificate, privateKey: pki.apiServer.privateKey, clientCa: pki.ca.certificate },
    { handle: api.handle, identities: { "kubelet-client": pki.kubeletClient, "front-proxy": pki.frontProxyClient }, log: silentLogger },
  );
  const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
  const kubeconfig = join(folder, "kubeconfig");
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  writeFileSync(
    kubeconfig,
    toYaml({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster: { server: `https://127.0.0.1:${port}`, "certificate-authority-data": base64(pki.ca.certificate) } }],
      users: [{ name: "u", user: { "client-certificate-data": base64(pki.admin.certificate), "client-key-data": base64(pki.admin.privateKey) } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    }),
  );
  const servers: ExtensionServer[] = [];
  const servingCertificate = await makeLeaf(pki.ca, { commonName: "extension", usage: "server", dnsNames: ["extension.default.svc"], days: 1, nowMs });
  return {
    api,
    admin,
    pki,
    port,
    kubeconfig,
    cacheFolder: join(folder, "cache"),
    certificateFor: (name) => makeLeaf(pki.ca, { commonName: name, usage: "client", days: 1, nowMs }),
    async startExtension({ aggregated }) {
      const server = await ExtensionServer.start({ certificate: servingCertificate, frontProxyCa: pki.frontProxyCa.certificate, aggregated });
      servers.push(server);
      return server;
    },
    async register(server) {
      await admin.create(services, { metadata: { name: "extension", namespace: "default" }, spec: { ports: [{ port: 443, name: "https" }] } }, { namespace: "default" });
      // Written past the API, which rightly refuses addresses of the loopback.
      const slice: EndpointSlice = {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: "extension-1", namespace: "default", uid: "slice", labels: { "kubernetes.io/service-name": "extension" } },
        addressType: "IPv4",
        endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
        ports: [{ name: "https", port: server.port, protocol: "TCP" }],
      };
      await store.commit([{ type: "put", key: "/registry/endpointslices/default/extension-1", value: encodeForStore(slice) }]);
      await admin.create(apiServices, {
        metadata: { name: "v1.widgets.example.com" },
        spec: {
          group: "widgets.example.com",
          version: "v1",
          groupPriorityMinimum: 2000,
          versionPriority: 10,
          caBundle: base64(pki.ca.certificate),
          service: { namespace: "default", name: "extension" },
        },
      });
    },
    async available(name, wanted) {
      const fits = ({ status }: APIService): APIServiceCondition | undefined =>
        status?.conditions?.find((condition) => condition.type === "Available" && Object.entries(wanted).every(([key, value]) => condition[key as "status"] === value));
      const list = await admin.list(apiServices);
      for (const one of list.items) {
        const found = one.metadata.name === name ? fits(one) : undefined;
        if (found !== undefined) return found;
      }
      const resourceVersion = list.metadata?.resourceVersion ?? "";
      for await (const events of admin.watch(apiServices, { resourceVersion, fieldSelector: `metadata.name=${name}`, signal: stop.signal })) {
        for (const { object } of events) {
          const found = fits(object);
          if (found !== undefined) return found;
        }
      }
      throw new Error(`${name} never became ${JSON.stringify(wanted)}`);
    },
    async stop() {
      await listener.closeGracefully(500);
      stop.abort(new Error("stopped"));
      await Promise.all(servers.map((server) => server.kill()));
      await Promise.allSettled(running);
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
