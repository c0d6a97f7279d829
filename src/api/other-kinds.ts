import { mutatingAdmissionPolicyBindingKind } from "./admissionregistration/mutating-admission-policy-binding.ts";
import { mutatingAdmissionPolicyKind } from "./admissionregistration/mutating-admission-policy.ts";
import { mutatingWebhookConfigurationKind } from "./admissionregistration/mutating-webhook-configuration.ts";
import { validatingAdmissionPolicyBindingKind } from "./admissionregistration/validating-admission-policy-binding.ts";
import { validatingAdmissionPolicyKind } from "./admissionregistration/validating-admission-policy.ts";
import { validatingWebhookConfigurationKind } from "./admissionregistration/validating-webhook-configuration.ts";
import { customResourceDefinitionKind } from "./apiextensions/custom-resource-definition.ts";
import { apiServiceKind } from "./apiregistration/api-service.ts";
import { horizontalPodAutoscalerKind, horizontalPodAutoscalerV1Kind } from "./autoscaling/horizontal-pod-autoscaler.ts";
import { certificateSigningRequestKind } from "./certificates/certificate-signing-request.ts";
import { clusterTrustBundleKind } from "./certificates/cluster-trust-bundle.ts";
import { podCertificateRequestKind } from "./certificates/pod-certificate-request.ts";
import { leaseKind } from "./coordination/lease.ts";
import { componentStatusKind } from "./core/component-status.ts";
import { configMapKind } from "./core/config-map.ts";
import { endpointsKind } from "./core/endpoints.ts";
import { limitRangeKind } from "./core/limit-range.ts";
import { persistentVolumeClaimKind } from "./core/persistent-volume-claim.ts";
import { persistentVolumeKind } from "./core/persistent-volume.ts";
import { resourceQuotaKind } from "./core/resource-quota.ts";
import { secretKind } from "./core/secret.ts";
import { serviceAccountKind } from "./core/service-account.ts";
import { serviceKind } from "./core/service.ts";
import { endpointSliceKind } from "./discovery/endpoint-slice.ts";
import { eventKind, eventV1Kind } from "./events/event.ts";
import { flowSchemaKind } from "./flowcontrol/flow-schema.ts";
import { priorityLevelConfigurationKind } from "./flowcontrol/priority-level-configuration.ts";
import type { AnyKindDefinition } from "./kind.ts";
import { ingressClassKind } from "./networking/ingress-class.ts";
import { ingressKind } from "./networking/ingress.ts";
import { ipAddressKind } from "./networking/ip-address.ts";
import { networkPolicyKind } from "./networking/network-policy.ts";
import { serviceCIDRKind } from "./networking/service-cidr.ts";
import { runtimeClassKind } from "./node/runtime-class.ts";
import { podDisruptionBudgetKind } from "./policy/pod-disruption-budget.ts";
import { clusterRoleBindingKind } from "./rbac/cluster-role-binding.ts";
import { clusterRoleKind } from "./rbac/cluster-role.ts";
import { roleBindingKind } from "./rbac/role-binding.ts";
import { roleKind } from "./rbac/role.ts";
import { deviceClassKind } from "./resource/device-class.ts";
import { resourceClaimTemplateKind } from "./resource/resource-claim-template.ts";
import { resourceClaimKind } from "./resource/resource-claim.ts";
import { resourceSliceKind } from "./resource/resource-slice.ts";
import { priorityClassKind } from "./scheduling/priority-class.ts";
import { storageVersionMigrationKind } from "./storagemigration/storage-version-migration.ts";
import { csiDriverKind } from "./storage/csi-driver.ts";
import { csiNodeKind } from "./storage/csi-node.ts";
import { csiStorageCapacityKind } from "./storage/csi-storage-capacity.ts";
import { storageClassKind } from "./storage/storage-class.ts";
import { volumeAttachmentKind } from "./storage/volume-attachment.ts";
import { volumeAttributesClassKind } from "./storage/volume-attributes-class.ts";

/** Every stored kind that is no workload. */
export const otherKinds: readonly AnyKindDefinition[] = [
  componentStatusKind,
  configMapKind,
  endpointsKind,
  eventKind,
  limitRangeKind,
  persistentVolumeKind,
  persistentVolumeClaimKind,
  resourceQuotaKind,
  secretKind,
  serviceKind,
  serviceAccountKind,
  mutatingAdmissionPolicyKind,
  mutatingAdmissionPolicyBindingKind,
  mutatingWebhookConfigurationKind,
  validatingAdmissionPolicyKind,
  validatingAdmissionPolicyBindingKind,
  validatingWebhookConfigurationKind,
  customResourceDefinitionKind,
  apiServiceKind,
  horizontalPodAutoscalerKind,
  horizontalPodAutoscalerV1Kind,
  certificateSigningRequestKind,
  clusterTrustBundleKind,
  podCertificateRequestKind,
  leaseKind,
  endpointSliceKind,
  eventV1Kind,
  flowSchemaKind,
  priorityLevelConfigurationKind,
  ingressKind,
  ingressClassKind,
  ipAddressKind,
  networkPolicyKind,
  serviceCIDRKind,
  runtimeClassKind,
  podDisruptionBudgetKind,
  clusterRoleKind,
  clusterRoleBindingKind,
  roleKind,
  roleBindingKind,
  deviceClassKind,
  resourceClaimKind,
  resourceClaimTemplateKind,
  resourceSliceKind,
  priorityClassKind,
  csiDriverKind,
  csiNodeKind,
  csiStorageCapacityKind,
  storageClassKind,
  volumeAttachmentKind,
  volumeAttributesClassKind,
  storageVersionMigrationKind,
];
