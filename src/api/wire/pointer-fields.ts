/**
 * Fields that are pointers in upstream's Go types, by name: their zero value says something and is kept when a message
 * is read. Every other zero is what Go writes for a field that was never set. @upstream k8s.io/api types.go of each group
 */
export const pointerFields: ReadonlySet<string> = new Set(
  [
    "replicas revisionHistoryLimit progressDeadlineSeconds terminationGracePeriodSeconds activeDeadlineSeconds deletionGracePeriodSeconds gracePeriodSeconds",
    "runAsUser runAsGroup fsGroup priority parallelism completions backoffLimit backoffLimitPerIndex maxFailedIndexes ttlSecondsAfterFinished",
    "startingDeadlineSeconds successfulJobsHistoryLimit failedJobsHistoryLimit defaultMode mode expirationSeconds tolerationSeconds timeoutSeconds",
    "leaseDurationSeconds leaseTransitions minReplicas value seconds port partition stabilizationWindowSeconds",
    "automountServiceAccountToken enableServiceLinks shareProcessNamespace hostUsers setHostnameAsFQDN privileged readOnlyRootFilesystem runAsNonRoot",
    "allowPrivilegeEscalation optional controller blockOwnerDeletion immutable suspend manualSelector allowVolumeExpansion attachRequired podInfoOnMount",
    "storageCapacity requiresRepublish seLinuxMount allocateLoadBalancerNodePorts ready serving terminating started orphanDependents isDefaultClass",
    "storageClassName ingressClassName automount volumeMode default preserveUnknownFields status allowed denied incomplete",
    "maximum minimum maxLength minLength maxItems minItems multipleOf maxProperties minProperties x-kubernetes-preserve-unknown-fields",
  ]
    .join(" ")
    .split(" "),
);
