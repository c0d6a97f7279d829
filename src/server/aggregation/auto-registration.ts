import { apiServices as resource } from "../../api/generated/resources.ts";
import type { CustomResourceDefinition } from "../../api/generated/types/apiextensions-v1.ts";
import type { APIService } from "../../api/generated/types/apiregistration-v1.ts";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { deepEqual } from "../../base/values.ts";
import type { Client } from "../../client/client.ts";
import { WorkQueue } from "../../client/work-queue.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { ResourceTable } from "../resources/resource-table.ts";
import type { ApiServices } from "./api-services.ts";
import { MANAGED, stepFor, type WantedService, wantedServices } from "./wanted-services.ts";
import { workOff } from "./work-off.ts";

const DEFINITIONS = "/registry/apiextensions.k8s.io/customresourcedefinitions/";
const WORKERS = 5;

export interface AutoRegistrationDeps {
  readonly cache: StateCache;
  readonly table: ResourceTable;
  readonly apiServices: ApiServices;
  readonly client: Pick<Client, "create" | "update" | "delete">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Keeps an APIService for every group version that is served here. @upstream kube-aggregator/pkg/controllers/autoregister, pkg/controlplane/controller/crdregistration */
export class AutoRegistration {
  readonly #deps: AutoRegistrationDeps;
  readonly #queue: WorkQueue;
  /** Those that were there when the server started and have not been looked at since. */
  readonly #unsettled = new Set<string>();
  #wanted: ReadonlyMap<string, WantedService> = new Map();

  constructor(deps: AutoRegistrationDeps) {
    this.#deps = deps;
    this.#queue = new WorkQueue({ name: "autoregister" }, deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { cache, apiServices, log } = this.#deps;
    const unsubscribe = [
      apiServices.onChange((names) => {
        for (const name of names) this.#queue.add(name);
      }),
      cache.resource(DEFINITIONS).subscribe({ notify: () => this.#want() }),
    ];
    this.#want();
    for (const { metadata } of apiServices.all()) {
      this.#unsettled.add(metadata.name ?? "");
      this.#queue.add(metadata.name ?? "");
    }
    await workOff(this.#queue, { workers: WORKERS, what: "APIService of our own" }, (name) => this.#reconcile(name), { log, signal });
    for (const end of unsubscribe) end();
  }

  /** Works out anew what is wanted, and looks at what differs. */
  #want(): void {
    const { cache, table } = this.#deps;
    const builtin = table.all().flatMap(({ resource: { group, version }, prune }) => (prune === undefined ? [{ group, version }] : []));
    const definitions = [...cache.resource(DEFINITIONS).range(DEFINITIONS)].map(([, { object }]) => object as CustomResourceDefinition);
    const before = this.#wanted;
    this.#wanted = wantedServices(builtin, definitions);
    for (const name of this.#wanted.keys()) if (!before.has(name)) this.#queue.add(name);
    for (const name of before.keys()) if (!this.#wanted.has(name)) this.#queue.add(name);
  }

  async #reconcile(name: string): Promise<void> {
    const { apiServices, client } = this.#deps;
    const wanted = this.#wanted.get(name);
    const current = apiServices.get(name);
    const isSame = wanted !== undefined && current !== undefined && deepEqual(current.spec, wanted.spec);
    switch (stepFor(current, wanted, { isSettled: !this.#unsettled.has(name), isSame })) {
      case "create":
        if (wanted !== undefined) await client.create(resource, { metadata: { name, labels: { [MANAGED]: wanted.managed } }, spec: wanted.spec }).catch(unlessThere);
        break;
      case "update":
        if (wanted !== undefined && current !== undefined) await client.update(resource, { ...current, spec: wanted.spec } satisfies APIService);
        break;
      case "delete":
        await client.delete(resource, name);
        break;
      case "nothing":
    }
    this.#unsettled.delete(name);
  }
}

/** Another server was faster. */
function unlessThere(error: unknown): void {
  if (!hasReason(error, "AlreadyExists")) throw error;
}
