import type { Priority } from "./group-priority.ts";

/** What discovery needs to know beyond the resources that are served here. */
export interface GroupDirectory {
  /** Rises with every change: what documents are cached by. */
  readonly generation: number;
  /** Group versions that other servers serve, whatever is known of them. They take the place of what is served here. */
  peers(): readonly PeerVersion[];
  /** The rank that an APIService gives to a group version; undefined when there is none. */
  priorityOf(group: string, version: string): Priority | undefined;
}

/** One group version of another server. */
export interface PeerVersion {
  readonly group: string;
  readonly version: string;
  /** As APIGroupDiscoveryList has them. */
  readonly resources: readonly PeerResource[];
  /** `Stale` when the server cannot be asked at present. */
  readonly freshness: "Current" | "Stale";
}

/** One resource in the form of apidiscovery.k8s.io/v2. */
export interface PeerResource {
  readonly resource: string;
  readonly responseKind?: PeerKind | undefined;
  readonly scope: "Namespaced" | "Cluster";
  readonly singularResource: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[] | undefined;
  readonly categories?: readonly string[] | undefined;
  readonly subresources?: readonly PeerSubresource[] | undefined;
}

export interface PeerSubresource {
  readonly subresource: string;
  readonly responseKind?: PeerKind | undefined;
  readonly verbs: readonly string[];
}

export interface PeerKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}
