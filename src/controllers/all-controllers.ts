import type { EventRecorder } from "../client/event-recorder.ts";
import type { Controller, ControllerDeps } from "../reconcile/controller.ts";
import { clusterRoleAggregationController } from "./clusterrole-aggregation/reconcile.ts";
import { deviceTaintEvictionController } from "./device-taint-eviction/reconcile.ts";
import { disruptionController } from "./disruption/reconcile.ts";
import { ephemeralVolumeController } from "./ephemeral-volume/reconcile.ts";
import { pvBinderController } from "./pv-binder/reconcile.ts";
import { resourceQuotaController } from "./resourcequota/reconcile.ts";
import { attachDetachController } from "./attach-detach/reconcile.ts";
import { volumeExpandController } from "./volume-expand/reconcile.ts";
import { bootstrapSigner, type BootstrapSignerOptions, tokenCleaner } from "./bootstrap-token/reconcile.ts";
import type { CertificateAuthority } from "./csr/authority.ts";
import { csrApprover, csrCleaner, csrSigner } from "./csr/reconcile.ts";
import { horizontalPodAutoscalerController } from "./hpa/reconcile.ts";
import type { MetricsSource } from "./hpa/metrics-source.ts";
import { claimProtectionController, volumeProtectionController } from "./volume-protection/reconcile.ts";
import { cronJobController } from "./cronjob/reconcile.ts";
import { daemonSetController } from "./daemonset/reconcile.ts";
import { deploymentController } from "./deployment/reconcile.ts";
import { endpointSliceMirroringController } from "./endpointslice-mirroring/reconcile.ts";
import { endpointSliceController } from "./endpointslice/reconcile.ts";
import { endpointsController } from "./endpoints/reconcile.ts";
import { garbageCollector } from "./garbage-collector/reconcile.ts";
import { jobController } from "./job/reconcile.ts";
import { namespaceController } from "./namespace/reconcile.ts";
import { nodeIpamController } from "./node-ipam/reconcile.ts";
import { nodeLifecycleController, type NodeLifecycleOptions } from "./node-lifecycle/reconcile.ts";
import { podGarbageCollector } from "./pod-gc/reconcile.ts";
import { replicaSetController } from "./replicaset/reconcile.ts";
import { replicationController } from "./replication-controller/reconcile.ts";
import { resourceClaimController } from "./resource-claim/reconcile.ts";
import { rootCaPublisher } from "./root-ca-publisher/reconcile.ts";
import { serviceAccountController } from "./serviceaccount/reconcile.ts";
import { trustBundlePublisher } from "./cluster-trust-bundle/publisher.ts";
import { podCertificateCleaner } from "./pod-certificate-cleaner/reconcile.ts";
import { legacyTokenCleaner } from "./serviceaccount-tokens/cleaner.ts";
import { serviceAccountTokenController } from "./serviceaccount-tokens/reconcile.ts";
import { serviceCidrController } from "./servicecidr/reconcile.ts";
import { serviceLbController } from "./service-lb/reconcile.ts";
import { storageVersionMigrator } from "./storage-version-migrator/reconcile.ts";
import { statefulSetController } from "./statefulset/reconcile.ts";
import { taintEvictionController } from "./taint-eviction/reconcile.ts";
import { validatingAdmissionPolicyStatus } from "./validatingadmissionpolicy-status/reconcile.ts";
import { ttlAfterFinishedController } from "./ttl-after-finished/reconcile.ts";

export interface AllControllersOptions {
  /** PEM bundle that signed the API server's certificate; absent: nobody publishes it. */
  readonly rootCa?: string;
  /** Where nodes' pod addresses come from, one range per family: `10.42.0.0/16` or `10.42.0.0/16,fd00:42::/48`; absent: nodes get none. */
  readonly clusterCidr?: string;
  /** Present where ClusterTrustBundles are served. */
  readonly trustBundles?: { hash(text: string): string };
  /** Whether PodCertificateRequests are served. */
  readonly podCertificates?: boolean;
  /** Signs the tokens of service accounts that live in secrets; absent: nobody fills such secrets. */
  signToken?(claims: object): string;
  /** The ranges of cluster IPs that the cluster was given; absent: nobody keeps the object that stands for them. */
  readonly serviceCidrs?: readonly string[];
  /** Addresses for services of type LoadBalancer; absent or empty: the nodes' own. */
  readonly loadBalancerPool?: string;
  /** A service class served besides services without one. */
  readonly loadBalancerClass?: string;
  readonly nodeLifecycle?: NodeLifecycleOptions;
  /** An event recorder that speaks as the named component; absent: all speak through deps.recorder. */
  readonly recorderFor?: (component: string) => EventRecorder;
  /** Reads and signs certificate requests; absent: they are only cleaned up. */
  readonly certificateAuthority?: CertificateAuthority;
  /** What is published for those who join with a token; absent: nothing is. */
  readonly bootstrap?: BootstrapSignerOptions;
  /** SHA-256 as lower-case hex, for the names of volume attachments; absent: no volume is attached. */
  readonly sha256?: (text: string) => string;
  /** What autoscalers go by; absent: the metrics APIs the cluster aggregates. */
  readonly metricsSource?: MetricsSource;
}

/** What kube-controller-manager and the parts of a cloud controller that a cluster needs would run. */
export function allControllers(deps: ControllerDeps, options: AllControllersOptions): readonly Controller[] {
  const { rootCa, clusterCidr = "", loadBalancerPool, loadBalancerClass, certificateAuthority: authority, metricsSource: metrics } = options;
  const clusterCidrs = clusterCidr
    .split(",")
    .map((range) => range.trim())
    .filter((range) => range !== "");
  // Events name the controller that speaks, as upstream's do.
  const as = (component: string): ControllerDeps => (options.recorderFor === undefined ? deps : { ...deps, recorder: options.recorderFor(component) });
  return [
    replicaSetController(as("replicaset-controller")),
    replicationController(as("replication-controller")),
    deploymentController(as("deployment-controller")),
    daemonSetController(as("daemonset-controller")),
    statefulSetController(as("statefulset-controller")),
    jobController(as("job-controller")),
    cronJobController(as("cronjob-controller")),
    endpointSliceController(as("endpoint-slice-controller")),
    endpointsController(as("endpoint-controller")),
    endpointSliceMirroringController(as("endpoint-slice-mirroring-controller")),
    namespaceController(deps),
    serviceAccountController(deps),
    serviceCidrController(as("service-cidr-controller"), options.serviceCidrs === undefined ? {} : { cidrs: options.serviceCidrs }),
    ...(rootCa === undefined ? [] : [rootCaPublisher(deps, { caPem: rootCa })]),
    ...(rootCa === undefined || options.signToken === undefined ? [] : [serviceAccountTokenController(deps, { rootCa, sign: options.signToken })]),
    legacyTokenCleaner(deps),
    ...(rootCa === undefined || options.trustBundles === undefined ? [] : [trustBundlePublisher(deps, { caPem: rootCa, hash: options.trustBundles.hash })]),
    ...(options.podCertificates === true ? [podCertificateCleaner(deps)] : []),
    garbageCollector(deps),
    podGarbageCollector(as("pod-garbage-collector")),
    nodeLifecycleController(as("node-controller"), options.nodeLifecycle),
    taintEvictionController(as("taint-eviction-controller")),
    ...(clusterCidrs.length === 0 ? [] : [nodeIpamController(as("cidrAllocator"), { clusterCidrs })]),
    serviceLbController(as("service-controller"), {
      ...(loadBalancerPool === undefined ? {} : { pool: loadBalancerPool }),
      ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
    }),
    ttlAfterFinishedController(deps),
    disruptionController(as("controllermanager")),
    resourceQuotaController(as("resourcequota-controller")),
    clusterRoleAggregationController(deps),
    claimProtectionController(deps),
    volumeProtectionController(deps),
    ephemeralVolumeController(as("ephemeral-volume-controller")),
    resourceClaimController(as("resource_claim")),
    deviceTaintEvictionController(as("device-taint-eviction-controller")),
    pvBinderController(as("persistentvolume-controller")),
    volumeExpandController(as("volume_expand")),
    ...(options.sha256 === undefined ? [] : [attachDetachController(as("attachdetach-controller"), { sha256: options.sha256 })]),
    horizontalPodAutoscalerController(as("horizontal-pod-autoscaler"), metrics === undefined ? {} : { metrics }),
    storageVersionMigrator(deps),
    validatingAdmissionPolicyStatus(deps),
    tokenCleaner(deps),
    ...(options.bootstrap === undefined ? [] : [bootstrapSigner(deps, options.bootstrap)]),
    csrCleaner(deps),
    ...(authority === undefined ? [] : [csrApprover(deps, { authority }), csrSigner(deps, { authority })]),
  ];
}
