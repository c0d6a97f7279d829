import type { ServedResource } from "../resources/served-resource.ts";

/** Groups in the order in which upstream's aggregator ranks them; others follow by name. @upstream pkg/controlplane/apiserver/aggregator.go */
const ranked = [
  "",
  "apiregistration.k8s.io",
  "apps",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "node.k8s.io",
  "discovery.k8s.io",
  "flowcontrol.apiserver.k8s.io",
  "resource.k8s.io",
];

export interface ServedVersion {
  readonly version: string;
  readonly resources: readonly ServedResource[];
}
export interface ServedGroup {
  readonly group: string;
  /** The preferred one first. */
  readonly versions: readonly ServedVersion[];
}

/** The table by group and version, ordered as discovery shows them. */
export function groupsOf(all: readonly ServedResource[]): readonly ServedGroup[] {
  const groups = new Map<string, Map<string, ServedResource[]>>();
  for (const served of all) {
    const { group, version } = served.resource;
    const versions = groups.get(group) ?? new Map<string, ServedResource[]>();
    groups.set(group, versions);
    const resources = versions.get(version) ?? [];
    versions.set(version, resources);
    resources.push(served);
  }
  const rank = (group: string): number => {
    const at = ranked.indexOf(group);
    return at < 0 ? ranked.length : at;
  };
  return [...groups]
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(([group, versions]) => ({
      group,
      versions: [...versions]
        .sort(([a], [b]) => compareVersions(b, a))
        .map(([version, resources]) => ({ version, resources: resources.sort((a, b) => (a.resource.resource < b.resource.resource ? -1 : 1)) })),
    }));
}

/** Kubernetes' order of versions: v2 > v1 > v1beta2 > v1beta1 > v1alpha1 > others by name. @upstream apimachinery/pkg/version */
export function compareVersions(a: string, b: string): number {
  const left = parse(a);
  const right = parse(b);
  if (left === undefined || right === undefined) return left === right ? (a < b ? 1 : a > b ? -1 : 0) : left === undefined ? -1 : 1;
  return left.stage - right.stage || left.major - right.major || left.minor - right.minor;
}

function parse(version: string): { readonly stage: number; readonly major: number; readonly minor: number } | undefined {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return undefined;
  return { stage: match[2] === undefined ? 2 : match[2] === "beta" ? 1 : 0, major: Number(match[1]), minor: Number(match[3] ?? "0") };
}
