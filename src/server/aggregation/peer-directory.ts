import type { GroupDirectory, PeerVersion } from "../discovery/group-directory.ts";
import type { Priority } from "../discovery/group-priority.ts";
import { apiServiceName, type ApiServices } from "./api-services.ts";
import type { PeerFacts } from "./peer-facts.ts";

/** What APIServices and the servers behind them add to discovery. */
export class PeerDirectory implements GroupDirectory {
  readonly #apiServices: ApiServices;
  readonly #facts: Pick<PeerFacts, "resources" | "isCurrent">;
  generation = 0;

  constructor(deps: { readonly apiServices: ApiServices; readonly facts: Pick<PeerFacts, "resources" | "isCurrent"> }) {
    this.#apiServices = deps.apiServices;
    this.#facts = deps.facts;
  }

  /** Documents made before are out of date. */
  changed(): void {
    this.generation += 1;
  }

  peers(): readonly PeerVersion[] {
    return this.#apiServices.remotes().map((remote) => ({
      group: remote.group,
      version: remote.version,
      resources: this.#facts.resources(remote) ?? [],
      freshness: remote.isAvailable && this.#facts.isCurrent(remote) ? "Current" : "Stale",
    }));
  }

  priorityOf(group: string, version: string): Priority | undefined {
    const spec = this.#apiServices.get(apiServiceName(group, version))?.spec;
    return spec === undefined ? undefined : { group: spec.groupPriorityMinimum, version: spec.versionPriority };
  }
}
