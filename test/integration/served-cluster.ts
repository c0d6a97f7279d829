import { generateKeyPairSync } from "node:crypto";
import type { Client } from "../../src/client/client.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { type Logger, silentLogger } from "../../src/base/log.ts";
import { type Metrics, noMetrics } from "../../src/base/metrics.ts";
import { seededRandom } from "../../src/base/random.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { parseCidr } from "../../src/meta/ip.ts";
import type { ApiRequest, UserInfo } from "../../src/meta/wire.ts";
import { nodeSigner } from "../../src/platform/node/signer.ts";
import { parseStaticTokens } from "../../src/server/authn/static-tokens.ts";
import { ensureBootstrapObjects } from "../../src/server/bootstrap/ensure-objects.ts";
import { ObjectKeeper } from "../../src/server/flow-control/object-keeper.ts";
import type { ApiServer } from "../../src/server/server.ts";
import type { Authentication } from "../../src/cluster/identity/open-authentication.ts";
import type { Authorization } from "../../src/cluster/identity/open-authorization.ts";
import { serveApi, type ServeOptions } from "../../src/cluster/serve-api.ts";
import { versionInfo } from "../../src/cluster/version.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";

export const masters: UserInfo = { name: "admin", groups: ["system:masters", "system:authenticated"] };

/** Someone at the other end of a connection. */
export interface Person {
  readonly name: string;
  readonly groups?: readonly string[];
}

export interface Answer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | readonly string[] };
  // oxlint-disable-next-line typescript/no-explicit-any -- an answer's shape is what the test is about
  readonly body: any;
}

export interface ServedCluster {
  readonly api: ApiServer;
  readonly clock: VirtualClock;
  /** Everything is allowed to it. */
  readonly admin: Client;
  /** One request over the network, as `as` (anonymous when absent). */
  ask(
    method: ApiRequest["method"],
    url: string,
    options?: { readonly as?: Person | undefined; readonly headers?: ApiRequest["headers"]; readonly body?: unknown },
  ): Promise<Answer>;
  stop(): Promise<void>;
}

export interface ServeClusterOptions {
  readonly isServed?: ServeOptions["isServed"];
  /** Whether what must be there is put back when somebody takes it away. */
  readonly keepsObjects?: boolean;
  readonly log?: Logger;
  readonly metrics?: Metrics;
  readonly authentication?: Partial<Authentication>;
  readonly authorization?: Pick<Authorization, "authorizer"> | undefined;
}

/** The API server as a cluster has it, with all plug-ins and the bootstrap objects, on the memory store and a clock that stands. */
export async function serveCluster({
  keepsObjects = true,
  log = silentLogger,
  metrics = noMetrics,
  authentication = {},
  isServed,
  authorization,
}: ServeClusterOptions = {}): Promise<ServedCluster> {
  const stop = new AbortController();
  const store = new MemoryStore();
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const serviceCidr = parseCidr("10.43.0.0/16");
  if (serviceCidr === undefined) throw new Error("no range");
  const api = serveApi(
    {
      serviceCidr,
      nodePorts: { first: 30_000, last: 32_767 },
      clusterCa: "",
      issuer: "https://kubernetes.default.svc.cluster.local",
      isServed,
      version: versionInfo,
      authentication: { staticTokens: parseStaticTokens('letmein,dave,7,"devs,ops"'), ...authentication },
      ...(authorization === undefined ? {} : { authorization }),
      metricsText: () => Promise.resolve(""),
    },
    { store, signer: nodeSigner(privateKey), clock, random: seededRandom(7), log, metrics },
  );
  await api.load();
  const running = api.run(stop.signal);
  const admin = inProcessClient(api.handle, masters);
  await ensureBootstrapObjects(admin, { serviceCidr: "10.43.0.0/16" });
  const keeper = new ObjectKeeper({ ...api.parts, client: admin });
  await keeper.settle();
  const keeping = keepsObjects ? keeper.run(stop.signal) : Promise.resolve();
  return {
    api,
    clock,
    admin,
    async ask(method, url, { as, headers = {}, body } = {}) {
      const [path = "", query = ""] = url.split("?");
      const certificate = as === undefined ? {} : { certificate: { commonName: as.name, organizations: as.groups ?? [], fingerprint: "ab", notAfter: Number.MAX_SAFE_INTEGER } };
      const bytes = new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
      const response = await api.handle(
        {
          method,
          path,
          query,
          headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
          body: body === undefined ? { type: "none" } : { type: "bytes", read: () => Promise.resolve(bytes) },
          caller: { type: "network", address: "192.0.2.1", upgradable: false, ...certificate },
        },
        stop,
      );
      const text = response.body.type === "bytes" ? response.body.chunks.map((chunk) => new TextDecoder().decode(chunk)).join("") : "";
      return { status: response.status, headers: response.headers, body: text.startsWith("{") ? JSON.parse(text) : text };
    },
    async stop() {
      stop.abort();
      await Promise.all([running, keeping]);
      await store.close();
    },
  };
}
