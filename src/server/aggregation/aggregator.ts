import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Metrics } from "../../base/metrics.ts";
import type { Random } from "../../base/random.ts";
import type { Client } from "../../client/client.ts";
import type { PeerClient } from "../../platform/peer-client.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { GroupDirectory } from "../discovery/group-directory.ts";
import type { PeerDocuments } from "../openapi/peer-documents.ts";
import type { ResourceTable } from "../resources/resource-table.ts";
import { type AggregatedHandler, aggregatedRequests } from "./aggregated-requests.ts";
import { ApiServices, discoveryPathOf, placeKey } from "./api-services.ts";
import { AutoRegistration } from "./auto-registration.ts";
import { AvailabilityReconciler } from "./availability.ts";
import { PeerDirectory } from "./peer-directory.ts";
import { PeerFacts } from "./peer-facts.ts";
import { PeerOpenApi } from "./peer-openapi.ts";
import { ServiceResolver } from "./resolve-service.ts";

export interface AggregatorDeps {
  readonly cache: StateCache;
  readonly table: ResourceTable;
  readonly peers: PeerClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Other API servers as a part of this one: APIServices, their availability, discovery, and requests sent on. */
export class Aggregator {
  readonly #deps: AggregatorDeps;
  readonly #apiServices: ApiServices;
  readonly #facts: PeerFacts;
  /** Who is behind a service, for whoever in this server has to reach one. */
  readonly services: ServiceResolver;
  /** For discovery. */
  readonly directory: GroupDirectory;
  /** For OpenAPI. */
  readonly documents: PeerDocuments;
  /** For requests of resources. */
  readonly handle: AggregatedHandler;

  constructor(deps: AggregatorDeps) {
    this.#deps = deps;
    this.services = new ServiceResolver(deps);
    this.#apiServices = new ApiServices(deps);
    this.#facts = new PeerFacts({ ...deps, services: this.services, changed: () => directory.changed() });
    const directory = new PeerDirectory({ apiServices: this.#apiServices, facts: this.#facts });
    this.directory = directory;
    this.documents = new PeerOpenApi({ ...deps, apiServices: this.#apiServices, services: this.services, facts: this.#facts });
    this.handle = aggregatedRequests({
      apiServices: this.#apiServices,
      services: this.services,
      peers: deps.peers,
      openApiHash: (remote) => this.#facts.openApiHash(remote, discoveryPathOf(remote).slice(1)),
    });
    this.#apiServices.onChange(() => {
      this.#facts.keepOnly(new Set(this.#apiServices.remotes().map(({ place }) => placeKey(place))));
      directory.changed();
    });
  }

  /** Registers what is served here and looks after what is served elsewhere, until the signal aborts. */
  async run(client: Client, signal: AbortSignal): Promise<void> {
    const deps = { ...this.#deps, client, apiServices: this.#apiServices, services: this.services };
    await Promise.all([new AutoRegistration(deps).run(signal), new AvailabilityReconciler({ ...deps, learn: (remote, within) => this.#facts.learn(remote, within) }).run(signal)]);
  }
}
