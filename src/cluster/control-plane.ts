import { createHash, createHmac } from "node:crypto";
import { mkdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { clusterTrustBundles, podCertificateRequests } from "../api/generated/resources.ts";
import { aborted } from "../base/abort.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { type Random, uuid } from "../base/random.ts";
import type { Client } from "../client/client.ts";
import type { EventRecorder } from "../client/event-recorder.ts";
import { createEventRecorder } from "../client/event-recorder-writer.ts";
import { createInformerFactory } from "../client/informer-factory.ts";
import { allControllers } from "../controllers/all-controllers.ts";
import { runLeaderElected } from "../client/leader-election.ts";
import { inProcessClient } from "../client/in-process-client.ts";
import type { Resource } from "../meta/resource.ts";
import { type Cidr, formatIp, networkOf, parseCidr } from "../meta/ip.ts";
import type { UserInfo } from "../meta/wire.ts";
import { toYaml } from "../meta/yaml-codec.ts";
import { nodeCiphers } from "../platform/node/ciphers.ts";
import { nodeFiles } from "../platform/node/files.ts";
import { nodeHttpsRequests } from "../platform/node/https-requests.ts";
import { nodePeerClient } from "../platform/node/peer-client.ts";
import { nodePublicKeys } from "../platform/node/public-keys.ts";
import { nodeWebhookClient } from "../platform/node/webhook-client.ts";
import { nodeExtenderClient } from "../platform/node/extender-client.ts";
import { nodeSigner } from "../platform/node/signer.ts";
import { type PromMetrics, promMetrics } from "../platform/node/metrics.ts";
import { signJwt } from "../platform/sign-jwt.ts";
import { runControllers } from "../reconcile/run-controllers.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { AuthenticationConfig } from "../server/aggregation/authentication-config.ts";
import { ensureBootstrapObjects } from "../server/bootstrap/ensure-objects.ts";
import { CrdRegistrar } from "../server/crd/registrar.ts";
import { ObjectKeeper } from "../server/flow-control/object-keeper.ts";
import { Listener } from "../server/http/listener.ts";
import type { PodExplainer } from "../server/insight/pod-verdicts.ts";
import { repairServiceClaims } from "../server/repair/service-claims.ts";
import type { ApiServer } from "../server/server.ts";
import type { Store } from "../store/contract.ts";
import { MeasuredStore } from "../store/measured/measured-store.ts";
import { EncryptedStore } from "../store/encrypted/encrypted-store.ts";
import { publishApiEndpoints } from "./api-endpoints.ts";
import { openAudit, type OpenAudit } from "./audit/open-audit.ts";
import { apiServerFlags } from "./api-server-flags.ts";
import { Encryption } from "./encryption/encryption.ts";
import { resourceOf } from "./encryption/resource-of.ts";
import { ensureService } from "./ensure-service.ts";
import { openAuthentication } from "./identity/open-authentication.ts";
import { openAuthorization } from "./identity/open-authorization.ts";
import { nodeTurns, withNetworkShare } from "./network-share.ts";
import { openStore, type StorePlace } from "./open-store.ts";
import { certificateAuthority } from "./pki/certificate-authority.ts";
import { notAfterMs } from "./pki/certificate-end.ts";
import { CertificateKeeper } from "./pki/keeper.ts";
import { ensurePki, FRONT_PROXY, type Pki } from "./pki/pki.ts";
import { serveAggregatedApi } from "./serve-api.ts";
import { readRuntimeConfig } from "./settings/runtime-config.ts";
import { type AuditSettings, auditSettingsIn } from "./settings/audit-settings.ts";
import type { IdentitySettings } from "./settings/identity-settings.ts";
import type { PermissionSettings } from "./settings/permission-settings.ts";
import { readSchedulerConfig } from "./scheduler-config.ts";
import { versionInfo } from "./version.ts";

export interface ControlPlaneOptions {
  readonly dataDir: string;
  readonly bindAddress: string;
  readonly apiPort: number;
  /** The address under which nodes and pods reach the API server. */
  readonly advertiseAddress: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly clusterDomain: string;
  readonly dnsNames: readonly string[];
  readonly loadBalancerPool: string;
  readonly store: StorePlace;
  /** Which requests are written down, and where; absent: none. */
  readonly audit?: Partial<AuditSettings>;
  /** Which versions before stable are served: `certificates.k8s.io/v1beta1=true`; absent or empty: none. */
  readonly runtimeConfig?: string;
  /** File of an EncryptionConfiguration; absent or empty: nothing is encrypted at rest. */
  readonly encryptionConfig?: string;
  /** How callers prove who they are, and who decides what they may do. */
  readonly identity: IdentitySettings & PermissionSettings;
  /** File of a KubeSchedulerConfiguration; absent or empty: upstream's defaults. */
  readonly schedulerConfig?: string;
}

export interface ControlPlaneDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Told when a stage is through. */
  stage(name: string): void;
  /** Told once, as soon as nobody else can be at work in the data directory. */
  owned?(): void;
}

/** In-process parts speak as what they are. */
const user = (name: string): UserInfo => ({ name, groups: ["system:masters", "system:authenticated"] });

const isLoopback = (address: string): boolean => address === "::1" || address.startsWith("127.");

/** The `offset`-th address of a range. */
export function addressIn(cidr: Cidr, offset: number): string {
  const base = networkOf(cidr);
  const bytes = [...base.bytes];
  let carry = offset;
  for (let index = bytes.length - 1; index >= 0 && carry > 0; index -= 1) {
    carry += bytes[index] ?? 0;
    bytes[index] = carry & 0xff;
    carry >>= 8;
  }
  return formatIp({ family: base.family, bytes });
}

const hmac = (key: string, text: string): string => createHmac("sha256", key).update(text).digest("base64url");

/** API server, controllers and scheduler in one process, on one store. */
export class ControlPlane {
  readonly pki: Pki;
  readonly address: AddressInfo;
  readonly #api: ApiServer;
  readonly #store: Store;
  readonly #listener: Listener;
  readonly #stop = new AbortController();
  /** The API server outlives the components: what they write as they end must be seen through. */
  readonly #stopServing = new AbortController();
  #serving: Promise<void> | undefined;
  #fail: ((error: Error) => void) | undefined;
  readonly #running: Promise<unknown>[] = [];
  readonly #deps: ControlPlaneDeps;
  readonly #options: ControlPlaneOptions;
  readonly #metrics: PromMetrics;
  /** Who explains pods, while the scheduler runs here. */
  readonly #scheduling: { explainer?: PodExplainer };
  #audit: OpenAudit | undefined;

  /** Certificates of this cluster, renewed while it runs. */
  readonly certificates: CertificateKeeper;

  private constructor(
    options: ControlPlaneOptions,
    deps: ControlPlaneDeps,
    parts: {
      readonly pki: Pki;
      readonly certificates: CertificateKeeper;
      readonly api: ApiServer;
      readonly store: Store;
      readonly listener: Listener;
      readonly address: AddressInfo;
      readonly metrics: PromMetrics;
      readonly scheduling: { explainer?: PodExplainer };
    },
  ) {
    this.#options = options;
    this.#deps = deps;
    this.pki = parts.pki;
    this.certificates = parts.certificates;
    this.address = parts.address;
    this.#api = parts.api;
    this.#store = parts.store;
    this.#listener = parts.listener;
    this.#metrics = parts.metrics;
    this.#scheduling = parts.scheduling;
  }

  /** Resolves when the API server answers; `runComponents` then starts the rest. */
  static async start(options: ControlPlaneOptions, deps: ControlPlaneDeps): Promise<ControlPlane> {
    mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
    const cidr = parseCidr(options.serviceCidr);
    if (cidr === undefined) throw new Error(`not a range: ${options.serviceCidr}`);
    const metrics = promMetrics({ processMetrics: true });
    const audit = openAudit({ ...auditSettingsIn(options.audit ?? {}), dataDir: options.dataDir }, { ...deps, metrics });
    const { encryptionConfig = "" } = options;
    const encryption = encryptionConfig === "" ? undefined : await Encryption.open({ path: encryptionConfig }, { ...deps, ciphers: nodeCiphers, metrics });
    const opening = openStore(options.store).then((opened) => {
      const measured = new MeasuredStore({ typeOf: (key) => resourceOf(key) ?? "other" }, { store: opened, clock: deps.clock, metrics });
      return encryption === undefined ? measured : new EncryptedStore({ transformerFor: encryption.transformerFor }, { store: measured });
    });
    // A failure is looked at below, after the certificates.
    opening.then(
      () => deps.owned?.(),
      () => {},
    );
    const apiServiceIp = addressIn(cidr, 1);
    const certificates = new CertificateKeeper(deps);
    const pki = await ensurePki({
      keeper: certificates,
      directory: join(options.dataDir, "pki"),
      dnsNames: ["kubernetes", "kubernetes.default", "kubernetes.default.svc", `kubernetes.default.svc.${options.clusterDomain}`, "localhost", ...options.dnsNames],
      ips: [...new Set(["127.0.0.1", apiServiceIp, options.advertiseAddress])],
      nowMs: deps.clock.now(),
    }).catch(async (error: unknown) => {
      await opening.then(
        (store) => store.close(),
        () => {},
      );
      throw error;
    });
    deps.stage("certificates");
    const store = await opening;
    deps.stage("store");
    const scheduling: { explainer?: PodExplainer } = {};
    const requests = nodeHttpsRequests();
    try {
      const issuer = `https://kubernetes.default.svc.${options.clusterDomain}`;
      const identityDeps = { ...deps, metrics, files: nodeFiles, requests, publicKeys: nodePublicKeys };
      const authentication = openAuthentication(options.identity, { issuer, frontProxyCa: pki.frontProxyCa.certificate }, identityDeps);
      const authorization = openAuthorization(options.identity, identityDeps);
      const { api, aggregator } = serveAggregatedApi(
        {
          serviceCidr: cidr,
          nodePorts: { first: 30_000, last: 32_767 },
          clusterCa: pki.ca.certificate,
          issuer,
          version: versionInfo,
          podExplainer: () => scheduling.explainer,
          authentication,
          authorization,
          metricsText: () => metrics.render(),
          flags: apiServerFlags(options, issuer),
          isServed: readRuntimeConfig(options.runtimeConfig ?? ""),
          checks: encryption === undefined ? [] : [{ name: "kms-providers", on: ["healthz", "readyz"], check: () => encryption.problem() }],
        },
        {
          store,
          signer: nodeSigner(pki.serviceAccountKey.privateKey),
          clock: deps.clock,
          random: deps.random,
          log: deps.log,
          metrics,
          audit: audit?.auditor,
          peers: nodePeerClient(pki.frontProxyClient),
        },
      );
      await api.load();
      const listener = new Listener(
        { certificate: pki.apiServer.certificate, privateKey: pki.apiServer.privateKey, clientCa: pki.ca.certificate, frontProxyCa: authentication.frontProxyCa },
        { handle: withNetworkShare(api.handle, nodeTurns), identities: { "kubelet-client": pki.kubeletClient, "front-proxy": pki.frontProxyClient }, log: deps.log },
      );
      const address = await listener.listen({ host: options.bindAddress, port: options.apiPort });
      const plane = new ControlPlane(options, deps, { pki, api, store, listener, address, metrics, scheduling, certificates });
      certificates.onRenewal(() => listener.presentCertificate(pki.apiServer));
      plane.#audit = audit;
      plane.#serving = api.run(plane.#stopServing.signal);
      plane.#serving.catch((error: unknown) => plane.#failedWith("api server", error));
      // Not awaited: what an older key sealed is read all the same.
      if (store instanceof EncryptedStore && encryption !== undefined) plane.#follow("encryption", encryption.run(store, plane.#stop.signal));
      plane.#follow("authentication", authentication.run(plane.#stop.signal));
      plane.#follow("authorization", authorization.run(plane.#stop.signal));
      plane.#stop.signal.addEventListener("abort", () => requests.close(), { once: true });
      plane.#follow("services' claims", repairServiceClaims({ ...api.parts, metrics }, plane.#stop.signal));
      const registrar = new CrdRegistrar({ ...api.parts, services: aggregator.services, webhooks: nodeWebhookClient, client: plane.client("system:apiserver") });
      plane.#follow("custom resources", registrar.run(plane.#stop.signal));
      plane.#follow("API aggregation", aggregator.run(plane.client("system:kube-aggregator"), plane.#stop.signal));
      const keeper = new ObjectKeeper({ ...api.parts, client: plane.client("system:apiserver") });
      await Promise.all([ensureBootstrapObjects(plane.client("system:apiserver"), { serviceCidr: options.serviceCidr }), keeper.settle()]);
      plane.#follow("objects of priority and fairness", keeper.run(plane.#stop.signal));
      const trust = { clientCa: pki.ca.certificate, requestHeaderCa: pki.frontProxyCa.certificate, allowedNames: [FRONT_PROXY] };
      const trustDeps = { ...api.parts, client: plane.client("system:apiserver"), notAfterMs };
      plane.#follow("authentication of other API servers", new AuthenticationConfig(trust, trustDeps).run(plane.#stop.signal));
      deps.stage("API server");
      return plane;
    } catch (error) {
      encryption?.close();
      requests.close();
      await store.close();
      throw error;
    }
  }

  /** In-process: objects are shared with the server's cache. */
  client(name: string): Client {
    return inProcessClient(this.#api.handle, user(name));
  }

  get metrics(): PromMetrics {
    return this.#metrics;
  }

  /** The services that a cluster has from its first moment, then controllers and scheduler until `stop`. */
  async runComponents(): Promise<void> {
    const { clock, random, log } = this.#deps;
    const { signal } = this.#stop;
    this.#follow("certificates", this.certificates.run(signal));
    const admin = this.client("system:apiserver");
    const port = this.address.port;
    const cidr = parseCidr(this.#options.serviceCidr);
    if (cidr !== undefined) {
      const labels = { component: "apiserver", provider: "kubernetes" };
      await ensureService(admin, {
        namespace: "default",
        name: "kubernetes",
        labels,
        clusterIP: addressIn(cidr, 1),
        ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: port }],
      });
    }
    // On loopback alone no pod can reach the server, and endpoints may not say so.
    if (isLoopback(this.#options.advertiseAddress)) log.warn("the API server is reached from this machine only: pods cannot use it", { address: this.#options.advertiseAddress });
    else await publishApiEndpoints(admin, { address: this.#options.advertiseAddress, port });
    if (this.#options.store.engine === "lmdb") {
      await this.#lead(signal, () => this.#deps.stage("controllers and scheduler"));
      return;
    }
    // Several control planes may share the store: one of them works.
    const identity = `${hostname()}_${uuid(random)}`;
    const election = { namespace: "kube-system", name: "keles-control-plane", identity };
    this.#follow(
      "leader election",
      runLeaderElected(election, { client: admin, clock, random, log }, (leading) => this.#lead(leading, () => {}).then(() => aborted(leading)), signal),
    );
    this.#deps.stage("controllers and scheduler (by election)");
  }

  /** Controllers and scheduler, until the signal aborts. Resolves when their informers have everything. */
  async #lead(signal: AbortSignal, working: () => void): Promise<void> {
    const { clock, random, log } = this.#deps;
    const client = this.client("system:kube-controller-manager");
    const informers = createInformerFactory({}, { client, clock, random, log });
    const recorderFor = (component: string): EventRecorder => createEventRecorder({ client, clock, random, component, log });
    const recorder = recorderFor("controllermanager");
    const controllers = allControllers(
      { client, informers, recorder, clock, random, log, metrics: this.#metrics },
      {
        rootCa: this.pki.ca.certificate,
        clusterCidr: this.#options.clusterCidr,
        ...(this.#serves(clusterTrustBundles) ? { trustBundles: { hash: (text) => createHash("sha256").update(text).digest("hex").slice(0, 32) } } : {}),
        podCertificates: this.#serves(podCertificateRequests),
        signToken: (claims) => signJwt(nodeSigner(this.pki.serviceAccountKey.privateKey), claims),
        serviceCidrs: [this.#options.serviceCidr],
        loadBalancerPool: this.#options.loadBalancerPool,
        certificateAuthority: certificateAuthority(this.pki.ca),
        bootstrap: { kubeconfig: this.#publicKubeconfig(), hmac },
        sha256: (text) => createHash("sha256").update(text).digest("hex"),
        recorderFor,
      },
    );
    this.#follow("controllers", runControllers(controllers, { informers, clock, log, metrics: this.#metrics }, signal));
    const schedulerClient = this.client("system:kube-scheduler");
    const extenderClient = nodeExtenderClient();
    const scheduler = new Scheduler(readSchedulerConfig(this.#options.schedulerConfig ?? ""), {
      client: schedulerClient,
      informers,
      recorder: createEventRecorder({ client: schedulerClient, clock, random, component: "default-scheduler", log }),
      clock,
      turns: nodeTurns,
      random,
      log,
      metrics: this.#metrics,
      extenderClient,
    });
    this.#scheduling.explainer = (key) => scheduler.explain(key);
    this.#follow(
      "scheduler",
      scheduler.run(signal).finally(() => {
        extenderClient.close();
        delete this.#scheduling.explainer;
      }),
    );
    this.#follow("informers", informers.run(signal));
    await informers.waitForSync(signal);
    working();
  }

  #serves({ group, version, resource }: Resource<unknown>): boolean {
    return this.#api.parts.table.get(group, version, resource) !== undefined;
  }

  /** Where the cluster is and who signed it, and nothing secret. */
  #publicKubeconfig(): string {
    const cluster = {
      server: `https://${this.#options.advertiseAddress}:${this.address.port}`,
      "certificate-authority-data": Buffer.from(this.pki.ca.certificate).toString("base64"),
    };
    return toYaml({ apiVersion: "v1", kind: "Config", clusters: [{ name: "", cluster }], contexts: [], "current-context": "", preferences: {}, users: [] });
  }

  /** Says that it is going, ends watches and connections, then the components, then the store. */
  async stop(): Promise<void> {
    this.#api.beginStop();
    await this.#listener.closeGracefully(2_000);
    this.#stop.abort(new Error("stopped"));
    await Promise.all(this.#running);
    this.#stopServing.abort(new Error("stopped"));
    await this.#serving?.catch(() => {});
    await this.#store.close();
    await this.#audit?.close();
  }

  /** Resolves when a component has failed, with its error; never otherwise. */
  readonly failed = new Promise<Error>((resolve) => {
    this.#fail = resolve;
  });
  #failedWith(component: string, error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#deps.log.error("component failed", { component, error });
    this.#fail?.(error instanceof Error ? error : new Error(String(error)));
  }

  #follow(name: string, run: Promise<unknown>): void {
    this.#running.push(run.catch((error: unknown) => this.#failedWith(name, error)));
  }

  /** Resolves when `stop` has been called. */
  stopped(): Promise<void> {
    return aborted(this.#stop.signal);
  }
}
