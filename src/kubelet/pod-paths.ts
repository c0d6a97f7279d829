import type { Pod } from "../api/generated/types/core-v1.ts";

/** Where a kubelet keeps what it keeps. */
export class PodPaths {
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  get pods(): string {
    return `${this.#dataDir}/pods`;
  }
  get logs(): string {
    return `${this.#dataDir}/pods-logs`;
  }
  /** Profiles that pods name by `localhostProfile`; ends in a slash. */
  get seccomp(): string {
    return `${this.#dataDir}/seccomp/`;
  }

  /** Where plug-ins put the sockets by which they are found. */
  get pluginsRegistry(): string {
    return `${this.#dataDir}/plugins_registry`;
  }
  /** Where plug-ins keep what they keep. */
  get plugins(): string {
    return `${this.#dataDir}/plugins`;
  }
  /** The record of resource claims that are prepared. */
  get preparedClaims(): string {
    return `${this.#dataDir}/dra_manager_state`;
  }

  pod(uid: string): string {
    return `${this.pods}/${uid}`;
  }
  container(uid: string, name: string): string {
    return `${this.pod(uid)}/containers/${name}`;
  }
  hosts(uid: string): string {
    return `${this.pod(uid)}/etc-hosts`;
  }
  podLogs(pod: Pod): string {
    const { namespace = "", name = "", uid = "" } = pod.metadata;
    return `${this.logs}/${namespace}_${name}_${uid}`;
  }
}

/** The UID in the name of a pod's folder of logs. */
export function uidOfLogFolder(name: string): string | undefined {
  const parts = name.split("_");
  return parts.length === 3 ? parts[2] : undefined;
}
