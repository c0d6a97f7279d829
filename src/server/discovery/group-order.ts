import type { ServedResource } from "../resources/served-resource.ts";
import type { GroupDirectory, PeerVersion } from "./group-directory.ts";
import { localPriority, type Priority } from "./group-priority.ts";

export interface ServedVersion {
  readonly version: string;
  /** Empty when another server serves it. */
  readonly resources: readonly ServedResource[];
  /** Set when another server serves it. */
  readonly peer?: PeerVersion | undefined;
}
export interface ServedGroup {
  readonly group: string;
  /** The preferred one first. */
  readonly versions: readonly ServedVersion[];
}

/**
 * The table by group and version, with what other servers serve, ordered as discovery shows them: a group by the highest
 * rank among its versions, then by name. @upstream kube-aggregator/pkg/apis/apiregistration/v1/helper/helpers.go
 */
export function groupsOf(all: readonly ServedResource[], directory?: GroupDirectory): readonly ServedGroup[] {
  const groups = new Map<string, Map<string, { readonly resources: ServedResource[]; peer?: PeerVersion }>>();
  const entryOf = (group: string, version: string): { readonly resources: ServedResource[]; peer?: PeerVersion } => {
    const versions = groups.get(group) ?? new Map<string, { readonly resources: ServedResource[]; peer?: PeerVersion }>();
    groups.set(group, versions);
    const entry = versions.get(version) ?? { resources: [] };
    versions.set(version, entry);
    return entry;
  };
  for (const served of all) entryOf(served.resource.group, served.resource.version).resources.push(served);
  for (const peer of directory?.peers() ?? []) {
    const entry = entryOf(peer.group, peer.version);
    entry.resources.length = 0;
    entry.peer = peer;
  }
  const priority = (group: string, version: string): Priority => directory?.priorityOf(group, version) ?? localPriority(group, version);
  return [...groups]
    .map(([group, versions]) => ({ group, versions, rank: Math.max(...[...versions.keys()].map((version) => priority(group, version).group)) }))
    .sort((a, b) => b.rank - a.rank || (a.group < b.group ? -1 : 1))
    .map(({ group, versions }) => ({
      group,
      versions: [...versions]
        .sort(([a], [b]) => priority(group, b).version - priority(group, a).version || compareVersions(b, a))
        .map(([version, { resources, peer }]) => ({
          version,
          resources: resources.sort((a, b) => (a.resource.resource < b.resource.resource ? -1 : 1)),
          ...(peer === undefined ? {} : { peer }),
        })),
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
