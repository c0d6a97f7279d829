import type { Draft } from "../../base/values.ts";
import type { PodSpec, PodTemplateSpec } from "../generated/types/core-v1.ts";
import { containerDefaults } from "./container-defaults.ts";
import { volumeDefaults } from "./volume-defaults.ts";

/** What every pod spec is filled in with, in a Pod and in a template alike. @upstream pkg/apis/core/v1/defaults.go SetDefaults_PodSpec */
export function podSpecDefaults(spec: Draft<PodSpec>): void {
  spec.dnsPolicy ||= "ClusterFirst";
  spec.restartPolicy ||= "Always";
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= "default-scheduler";
  shareServiceAccount(spec);
  for (const volume of spec.volumes ?? []) volumeDefaults(volume);
  for (const container of spec.initContainers ?? []) containerDefaults(container);
  for (const container of spec.containers ?? []) containerDefaults(container);
  for (const container of spec.ephemeralContainers ?? []) containerDefaults(container);
}

/** The deprecated `serviceAccount` always says the same as `serviceAccountName`, which wins. @upstream pkg/apis/core/v1/conversion.go */
function shareServiceAccount(spec: Draft<PodSpec>): void {
  const name = spec.serviceAccountName || spec.serviceAccount;
  if (name === undefined || name === "") return;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

/** Go knows no absent template: what is not there is empty, and filled in like any other. */
export function podTemplateDefaults(template: Draft<PodTemplateSpec>): void {
  template.metadata ??= {};
  template.spec ??= { containers: [] };
  podSpecDefaults(template.spec);
}
