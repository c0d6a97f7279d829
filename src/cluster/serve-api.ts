import { autoscalerFromV1, autoscalerToV1 } from "../api/autoscaling/convert.ts";
import { eventFromV1, eventToV1 } from "../api/events/convert.ts";
import type { HorizontalPodAutoscaler as AutoscalerV1 } from "../api/generated/types/autoscaling-v1.ts";
import type { HorizontalPodAutoscaler } from "../api/generated/types/autoscaling-v2.ts";
import type { Event } from "../api/generated/types/core-v1.ts";
import type { Event as EventV1 } from "../api/generated/types/events-v1.ts";
import { otherKinds } from "../api/other-kinds.ts";
import type { ResourceFact } from "../api/resource-facts.ts";
import { workloadKinds } from "../api/workload-kinds.ts";
import type { Clock } from "../base/clock.ts";
import { invariant } from "../base/invariant.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Random } from "../base/random.ts";
import type { Cidr } from "../meta/ip.ts";
import { nodePeerClient } from "../platform/node/peer-client.ts";
import { nodeWebhookClient } from "../platform/node/webhook-client.ts";
import type { PeerClient } from "../platform/peer-client.ts";
import type { Signer } from "../platform/signer.ts";
import type { WebhookClient } from "../platform/webhook-client.ts";
import { Aggregator } from "../server/aggregation/aggregator.ts";
import { configuredAdmission } from "../server/admission/configured-admission.ts";
import type { Auditor } from "../server/audit/auditor.ts";
import { bearerTokens, type TokenAuthenticator } from "../server/authn/bearer-tokens.ts";
import { bootstrapTokens } from "../server/authn/bootstrap-tokens.ts";
import { clientCertificate } from "../server/authn/client-certificate.ts";
import { issuerDiscovery } from "../server/authn/issuer-discovery.ts";
import { requestHeader } from "../server/authn/request-header.ts";
import { legacyTokens } from "../server/authn/legacy-tokens.ts";
import { ServiceAccountTokens } from "../server/authn/service-account-tokens.ts";
import { staticTokens } from "../server/authn/static-tokens.ts";
import { AnyAuthorizer } from "../server/authz/any-authorizer.ts";
import { NodeAuthorizer } from "../server/authz/node-authorizer.ts";
import { NodeGraph } from "../server/authz/node-graph.ts";
import { RbacAuthorizer } from "../server/authz/rbac-authorizer.ts";
import { nodeRules } from "../server/bootstrap/policy.ts";
import { discoveryPaths } from "../server/discovery/discovery.ts";
import type { SpecialHandler } from "../server/dispatch.ts";
import { dumpPaths } from "../server/flow-control/dump.ts";
import { type HealthCheck, healthPaths, metricsPath, shutdownCheck, type VersionInfo, versionPath } from "../server/health.ts";
import { accessExplanation } from "../server/insight/access-explanations.ts";
import { type PodExplainer, podVerdictsOf } from "../server/insight/pod-verdicts.ts";
import { serveInsight } from "../server/insight/serve-insight.ts";
import { openApiPaths } from "../server/openapi/openapi.ts";
import { admissionPlugins } from "./admission-plugins.ts";
import type { Authentication } from "./identity/open-authentication.ts";
import type { Authorization } from "./identity/open-authorization.ts";
import { labelSecrets } from "./label-secrets.ts";
import { stateMetrics } from "../server/state-metrics.ts";
import { zpages, type ZpagesOptions } from "../server/zpages.ts";
import { storeProblem } from "./store-problem.ts";
import { ApiServer } from "../server/server.ts";
import { bindPod } from "../server/subresources/binding.ts";
import { componentStatuses } from "../server/subresources/component-statuses.ts";
import { evictPod } from "../server/subresources/eviction.ts";
import { finalizeNamespace } from "../server/subresources/finalize.ts";
import { nodeProxy, podLog, podStream } from "../server/subresources/kubelet-proxy.ts";
import { approveCertificate, ephemeralContainers, resizePod } from "../server/subresources/own-rules.ts";
import { localSubjectAccessReview, selfSubjectAccessReview, subjectAccessReview } from "../server/subresources/reviews/access-review.ts";
import { selfSubjectReview, tokenReview } from "../server/subresources/reviews/identity-review.ts";
import { selfSubjectRulesReview } from "../server/subresources/reviews/rules-review.ts";
import { scale } from "../server/subresources/scale.ts";
import { tokenRequest } from "../server/subresources/token-request.ts";
import { podProxy, serviceProxy } from "../server/subresources/workload-proxy.ts";
import type { ConversionEntry } from "../server/resources/resource-table.ts";
import type { Store } from "../store/contract.ts";

export interface ServeOptions {
  readonly serviceCidr: Cidr;
  readonly nodePorts: { readonly first: number; readonly last: number };
  /** PEM bundle that signs the kubelets' serving certificates. */
  readonly clusterCa: string;
  readonly issuer: string;
  readonly version: VersionInfo;
  /** Ways of proving identity beside those that every cluster has. */
  readonly authentication?: Partial<Authentication>;
  /** Who decides what callers may do; the node authorizer and RBAC when left out. */
  readonly authorization?: Pick<Authorization, "authorizer">;
  /** Which versions before stable are served; none when left out. */
  readonly isServed?: ((fact: ResourceFact) => boolean) | undefined;
  /** What the server was told, for `/flagz`. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Health checks besides the server's own. */
  readonly checks?: readonly HealthCheck[];
  /** Who tells why pods are where they are; undefined while no scheduler runs here. */
  podExplainer?(): PodExplainer | undefined;
  /** What /metrics shows. */
  metricsText(): Promise<string>;
}

export interface ServeDeps {
  readonly store: Store;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Who writes down requests; nobody when left out. */
  readonly audit?: Auditor | undefined;
  /** How webhooks are called; over HTTPS when left out. */
  readonly webhooks?: WebhookClient;
  /** How other API servers are asked; without a certificate of ours when left out. */
  readonly peers?: PeerClient;
}

/** An API server, and what it needs to speak for others: `aggregator.run` looks after them. */
export interface ServedApi {
  readonly api: ApiServer;
  readonly aggregator: Aggregator;
}

/** Kinds that are stored in another version than one they are served in. */
const conversions: readonly ConversionEntry[] = [
  {
    group: "events.k8s.io",
    version: "v1",
    resource: "events",
    conversion: { toStorage: (object) => eventFromV1(object as EventV1), fromStorage: (object) => eventToV1(object as Event) },
  },
  {
    group: "autoscaling",
    version: "v1",
    resource: "horizontalpodautoscalers",
    conversion: { toStorage: (object) => autoscalerFromV1(object as AutoscalerV1), fromStorage: (object) => autoscalerToV1(object as HorizontalPodAutoscaler) },
  },
];

const buildLabels = ({ major, minor, gitVersion, platform }: VersionInfo): readonly string[] => [major, minor, gitVersion, platform];

const zpagesOf = ({ version, flags = {} }: ServeOptions): ZpagesOptions => ({
  component: "kube-apiserver",
  goVersion: version.goVersion,
  binaryVersion: version.gitVersion,
  flags,
  paths: ["/healthz", "/livez", "/metrics", "/readyz", "/statusz", "/version"],
});

/** The API server of a cluster with everything that is wired into it. */
export function serveApi(options: ServeOptions, deps: ServeDeps): ApiServer {
  return serveAggregatedApi(options, deps).api;
}

/** The same, with its aggregator. */
export function serveAggregatedApi(options: ServeOptions, deps: ServeDeps): ServedApi {
  let aggregator: Aggregator | undefined;
  const checks: readonly HealthCheck[] = [
    { name: "ping", on: ["healthz", "livez", "readyz"], check: () => undefined },
    shutdownCheck(() => api),
    { name: "log", on: ["healthz", "livez", "readyz"], check: () => undefined },
    { name: "etcd", on: ["healthz", "livez", "readyz"], check: () => storeProblem(deps.store, deps.clock) },
    { name: "etcd-readiness", on: ["readyz"], check: () => storeProblem(deps.store, deps.clock) },
    { name: "informer-sync", on: ["healthz", "readyz"], check: () => (api.ready ? undefined : "the state is not loaded") },
    ...(options.checks ?? []),
  ];
  const api: ApiServer = new ApiServer({ kinds: [...workloadKinds, ...otherKinds], conversions, isServed: options.isServed }, deps, (parts) => {
    const { cache } = parts;
    const audiences = [options.issuer];
    const tokens = new ServiceAccountTokens({ issuer: options.issuer, audiences }, { ...deps, cache });
    const { staticTokens: named = new Map<string, never>(), configured, webhook, requestHeaders } = options.authentication ?? {};
    const tokenKinds: readonly TokenAuthenticator[] = [
      staticTokens({ tokens: named, audiences }),
      bootstrapTokens({ audiences }, { ...deps, cache }),
      tokens,
      legacyTokens({ audiences }, { ...deps, cache, label: labelSecrets(() => api, deps) }),
      ...(configured === undefined ? [] : [configured]),
      ...(webhook === undefined ? [] : [webhook]),
    ];
    const refused = (why: string): void => deps.log.info("a token is refused", { why });
    const rbac = new RbacAuthorizer({ cache });
    const graph = new NodeGraph({ cache });
    const node = new NodeAuthorizer({ rules: nodeRules }, { graph });
    const authorizer = options.authorization?.authorizer({ node, rbac }) ?? new AnyAuthorizer([node, rbac]);
    aggregator = new Aggregator({ ...deps, ...parts, peers: deps.peers ?? nodePeerClient() });
    const { services } = aggregator;
    const { clusterCa } = options;
    serveInsight(parts.table);
    const showState = stateMetrics(parts, deps.metrics);
    deps.metrics.gauge("kubernetes_build_info", "Which version this is", ["major", "minor", "git_version", "platform"]).set(1, buildLabels(options.version));
    const special = new Map<string, SpecialHandler>([
      ["*/scale", scale],
      ["/pods/binding", bindPod],
      ["/bindings", bindPod],
      // Controllers and scheduler live and end with this process: while it answers, they run.
      [
        "/componentstatuses",
        componentStatuses([
          { name: "controller-manager", check: () => undefined },
          { name: "scheduler", check: () => undefined },
          { name: "etcd-0", check: () => storeProblem(deps.store, deps.clock) },
        ]),
      ],
      ["/pods/eviction", evictPod],
      ["/pods/ephemeralcontainers", ephemeralContainers],
      ["/pods/resize", resizePod],
      ["certificates.k8s.io/certificatesigningrequests/approval", approveCertificate],
      ["/pods/log", podLog(clusterCa)],
      ["/pods/exec", podStream("exec", clusterCa)],
      ["/pods/attach", podStream("attach", clusterCa)],
      ["/pods/portforward", podStream("portforward", clusterCa)],
      ["/pods/proxy", podProxy],
      ["/services/proxy", serviceProxy],
      ["/nodes/proxy", nodeProxy(clusterCa)],
      ["/namespaces/finalize", finalizeNamespace],
      ["/serviceaccounts/token", tokenRequest(tokens)],
      ["authentication.k8s.io/selfsubjectreviews", selfSubjectReview],
      ["authentication.k8s.io/tokenreviews", tokenReview(tokenKinds, audiences)],
      ["authorization.k8s.io/localsubjectaccessreviews", localSubjectAccessReview],
      ["authorization.k8s.io/selfsubjectaccessreviews", selfSubjectAccessReview],
      ["authorization.k8s.io/selfsubjectrulesreviews", selfSubjectRulesReview],
      ["authorization.k8s.io/subjectaccessreviews", subjectAccessReview],
      ["insight.keles.dev/podverdicts", podVerdictsOf(() => options.podExplainer?.())],
      ["insight.keles.dev/accessexplanations", accessExplanation(rbac)],
    ]);
    return {
      authenticators: [...(requestHeaders === undefined ? [] : [requestHeader(requestHeaders)]), clientCertificate, bearerTokens({ audiences }, { tokens: tokenKinds, refused })],
      ...(configured === undefined ? {} : { anonymous: () => configured.anonymous }),
      requestHeaders,
      authorizer,
      plugins: admissionPlugins(
        { serviceCidr: options.serviceCidr, nodePorts: options.nodePorts },
        { ...deps, cache, graph, rbac, authorizer, configured: configuredAdmission({ ...parts, authorizer, services, webhooks: deps.webhooks ?? nodeWebhookClient }) },
      ),
      special,
      aggregate: aggregator.handle,
      audit: deps.audit,
      paths: [
        discoveryPaths(parts.table, aggregator.directory),
        openApiPaths({ version: options.version.gitVersion }, { ...parts, peers: aggregator.documents }),
        issuerDiscovery(options, deps),
        healthPaths(checks),
        versionPath(options.version),
        zpages(zpagesOf(options), deps),
        metricsPath(async () => {
          await showState();
          return options.metricsText();
        }),
        dumpPaths(() => api.flowControl.levels),
      ],
    };
  });
  invariant(aggregator, "nothing was wired");
  return { api, aggregator };
}
