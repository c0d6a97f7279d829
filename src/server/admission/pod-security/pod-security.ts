import type { Namespace, Pod, PodTemplateSpec } from "../../../api/generated/types/core-v1.ts";
import type { KubeObject } from "../../../meta/object.ts";
import { type FieldError, forbidden, invalid } from "../../../meta/status-error.ts";
import type { StateCache } from "../../cache/state-cache.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../admission.ts";
import type { PodShape } from "./check.ts";
import { detailsText, levels, type LevelVersion, type Policy, policyOf, policyText, reasonsText, violationsOf } from "./policy.ts";

const NAMESPACES = "/registry/namespaces/";
const PODS = "/registry/pods/";
const ANNOTATION = "pod-security.kubernetes.io/";
/** Existing pods that are looked at when a namespace becomes stricter. */
const MOST_PODS = 3000;
/** Where kinds with a template of pods keep it. @upstream pod-security-admission/admission/admission.go DefaultPodSpecExtractor */
const templates: { readonly [groupResource: string]: ((object: KubeObject) => PodTemplateSpec | undefined) | undefined } = {
  "/podtemplates": (object) => (object as unknown as { readonly template?: PodTemplateSpec }).template,
  "/replicationcontrollers": specTemplate,
  "apps/replicasets": specTemplate,
  "apps/deployments": specTemplate,
  "apps/statefulsets": specTemplate,
  "apps/daemonsets": specTemplate,
  "batch/jobs": specTemplate,
  "batch/cronjobs": (object) =>
    (object as unknown as { readonly spec?: { readonly jobTemplate?: { readonly spec?: { readonly template?: PodTemplateSpec } } } }).spec?.jobTemplate?.spec?.template,
};

function specTemplate(object: KubeObject): PodTemplateSpec | undefined {
  return (object as unknown as { readonly spec?: { readonly template?: PodTemplateSpec } }).spec?.template;
}

/** Holds pods to the Pod Security Standards that their namespace's labels name. @upstream pod-security-admission/admission/admission.go */
export function podSecurity(cache: StateCache): AdmissionPlugin {
  const namespaces = cache.resource(NAMESPACES);
  const pods = cache.resource(PODS);
  const policyIn = (request: AdmissionRequest): Policy => {
    const { policy, errors } = policyOf(namespaces.get(NAMESPACES + request.namespace)?.object.metadata.labels);
    if (errors.length > 0) request.annotate(`${ANNOTATION}error`, `Failed to parse policy: ${errors.map(errorText).join(", ")}`);
    return policy;
  };
  return {
    name: "PodSecurity",
    validate(request) {
      const { operation, served, subresource, object } = request;
      if ((operation !== "CREATE" && operation !== "UPDATE") || object === undefined) return;
      const { group, resource } = served.resource;
      if (group === "" && resource === "namespaces") {
        if (subresource !== "") return;
        for (const text of namespaceWarnings(request, () => [...pods.range(`${PODS}${request.name}/`)].map(([, entry]) => entry.object as Pod))) request.warn(text);
        return;
      }
      if (group === "" && resource === "pods") {
        if (!isSignificant(request)) return;
        const { metadata, spec } = object as KubeObject as Pod;
        enforce(request, policyIn(request), { metadata, spec });
        return;
      }
      const template = subresource === "" ? templates[`${group}/${resource}`]?.(object as KubeObject) : undefined;
      if (template?.spec === undefined) return;
      tell(request, policyIn(request), { metadata: template.metadata, spec: template.spec });
    },
  };
}

/** Whether a change of a pod can change what the checks say. */
function isSignificant({ operation, subresource, object, previous }: AdmissionRequest): boolean {
  if (operation === "CREATE") return subresource === "";
  if (subresource === "ephemeralcontainers" || subresource === "resize") return true;
  if (subresource !== "") return false;
  const images = (pod: Pod): string => JSON.stringify([...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ image }) => image));
  return images(object as KubeObject as Pod) !== images(previous as Pod);
}

function enforce(request: AdmissionRequest, policy: Policy, pod: PodShape): void {
  request.annotate(`${ANNOTATION}enforce-policy`, policyText(policy.enforce));
  const violations = violationsOf(pod, policy.enforce);
  tell(request, policy, pod, violations.length === 0);
  if (violations.length > 0)
    throw forbidden({ ...request.served.resource, name: request.name }, `violates PodSecurity ${JSON.stringify(policyText(policy.enforce))}: ${detailsText(violations)}`);
}

/** What the namespace's other levels say: to who asks, and to who reads the audit log. Who is refused is not warned as well. */
function tell(request: AdmissionRequest, { audit, warn }: Policy, pod: PodShape, mayWarn = true): void {
  const violation = (level: LevelVersion): string | undefined => {
    const violations = violationsOf(pod, level);
    return violations.length === 0 ? undefined : `would violate PodSecurity ${JSON.stringify(policyText(level))}: ${detailsText(violations)}`;
  };
  const audited = violation(audit);
  if (audited !== undefined) request.annotate(`${ANNOTATION}audit-violations`, audited);
  const warned = mayWarn ? violation(warn) : undefined;
  if (warned !== undefined) request.warn(warned);
}

function errorText({ field, value, detail }: FieldError): string {
  return `${field}: Invalid value: ${JSON.stringify(value)}: ${detail ?? ""}`;
}

/** What stands already against a stricter level. Throws when the labels cannot be understood. */
function namespaceWarnings(request: AdmissionRequest, podsOf: () => readonly Pod[]): readonly string[] {
  const namespace = request.object as KubeObject as Namespace;
  const name = namespace.metadata.name ?? "";
  const next = policyOf(namespace.metadata.labels);
  const old = request.previous === undefined ? undefined : policyOf(request.previous.metadata.labels);
  const known = new Set(old?.errors.map(({ field, value }) => `${field} ${String(value)}`));
  const news = next.errors.filter(({ field, value }) => !known.has(`${field} ${String(value)}`));
  if (news.length > 0) throw invalid({ group: "", kind: "Namespace", name }, news);
  if (old === undefined || !isStricter(next.policy.enforce, old.policy.enforce)) return [];
  const groups = new Map<string, string[]>();
  for (const { metadata, spec } of podsOf().slice(0, MOST_PODS)) {
    const violations = violationsOf({ metadata, spec }, next.policy.enforce);
    if (violations.length === 0) continue;
    const reasons = reasonsText(violations);
    const names = groups.get(reasons) ?? [];
    groups.set(reasons, names);
    names.push(metadata.name ?? "");
  }
  if (groups.size === 0) return [];
  const lines = [...groups].map(([reasons, names]) => {
    const [first = "", ...others] = names.sort();
    const more = others.length === 0 ? "" : ` (and ${others.length} other pod${others.length === 1 ? "" : "s"})`;
    return `${first}${more}: ${reasons}`;
  });
  const title = `existing pods in namespace ${JSON.stringify(name)} violate the new PodSecurity enforce level ${JSON.stringify(policyText(next.policy.enforce))}`;
  return [title, ...lines.sort()];
}

function isStricter(next: LevelVersion, old: LevelVersion): boolean {
  if (next.level === "privileged") return false;
  return next.minor !== old.minor || levels.indexOf(next.level) > levels.indexOf(old.level);
}
