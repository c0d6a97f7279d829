import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { AdmissionPlugin } from "../server/admission/admission.ts";
import { certificatePermissions } from "../server/admission/certificate-permissions.ts";
import { certificateRequester } from "../server/admission/certificate-requester.ts";
import { certificateSubjectRestriction } from "../server/admission/certificate-subject.ts";
import { persistentVolumeClaimResize } from "../server/admission/claim-resize.ts";
import { defaultIngressClass } from "../server/admission/default-ingress-class.ts";
import { defaultStorageClass } from "../server/admission/default-storage-class.ts";
import { deviceAccess } from "../server/admission/device-access.ts";
import { limitRanger } from "../server/admission/limit-ranger.ts";
import { namespaceLifecycle } from "../server/admission/namespace-lifecycle.ts";
import { nodeRestriction } from "../server/admission/node-restriction.ts";
import { defaultTolerationSeconds, priorityAdmission } from "../server/admission/pod-defaults.ts";
import { podCertificates } from "../server/admission/pod-certificates.ts";
import { trustBundles } from "../server/admission/trust-bundles.ts";
import { podSecurity } from "../server/admission/pod-security/pod-security.ts";
import { podTopologyLabels } from "../server/admission/pod-topology-labels.ts";
import { rbacEscalation } from "../server/admission/rbac-escalation.ts";
import { resourceQuota } from "../server/admission/resource-quota.ts";
import { runtimeClass } from "../server/admission/runtime-class.ts";
import { serviceAccountAdmission } from "../server/admission/service-account.ts";
import { serviceAddresses, type ServiceAddressOptions } from "../server/admission/service-addresses.ts";
import { storageObjectInUseProtection } from "../server/admission/storage-protection.ts";
import { taintNodesByCondition } from "../server/admission/taint-nodes.ts";
import type { Authorizer } from "../server/authz/authorizer.ts";
import type { NodeGraph } from "../server/authz/node-graph.ts";
import type { RbacAuthorizer } from "../server/authz/rbac-authorizer.ts";
import type { StateCache } from "../server/cache/state-cache.ts";
import { definitionSchemas } from "../server/crd/definition-admission.ts";
import { terminatingDefinitions } from "../server/crd/terminating-definitions.ts";

const requestReader = (): Promise<typeof import("./pki/certificate-requests.ts")> => import("./pki/certificate-requests.ts");

export interface AdmissionDeps {
  readonly cache: StateCache;
  readonly clock: Clock;
  readonly random: Random;
  readonly graph: NodeGraph;
  readonly rbac: RbacAuthorizer;
  readonly authorizer: Authorizer;
  /** Webhooks and policies of the cluster's administrators: they see what the built-in plug-ins have made. */
  readonly configured: readonly AdmissionPlugin[];
}

/** The plug-ins of a cluster in their order, quotas last. @upstream pkg/kubeapiserver/options/plugins.go */
export function admissionPlugins(options: ServiceAddressOptions, deps: AdmissionDeps): readonly AdmissionPlugin[] {
  const { cache, clock, random, graph, rbac, authorizer, configured } = deps;
  return [
    namespaceLifecycle(cache),
    limitRanger(cache),
    serviceAccountAdmission({ cache, random }),
    nodeRestriction({ graph, cache }),
    taintNodesByCondition,
    podSecurity(cache),
    priorityAdmission(cache),
    defaultTolerationSeconds,
    defaultStorageClass(cache),
    storageObjectInUseProtection,
    persistentVolumeClaimResize(cache),
    runtimeClass(cache),
    certificateRequester,
    certificatePermissions({ authorizer }),
    // PERF: loaded with the first certificate request.
    certificateSubjectRestriction(async (pem) => (await requestReader()).describeRequest(pem)),
    podCertificates(async (pem) => (await requestReader()).describeRequest(pem), { cache }),
    trustBundles(async (der) => (await import("./pki/is-certificate.ts")).isCertificate(der)),
    defaultIngressClass(cache),
    podTopologyLabels(cache),
    rbacEscalation({ rbac, authorizer }),
    deviceAccess({ cache, authorizer, clock }),
    definitionSchemas,
    terminatingDefinitions(cache),
    ...configured,
    serviceAddresses(options, { cache, clock, random }),
    resourceQuota({ cache, clock }),
  ];
}
