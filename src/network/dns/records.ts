import { endpointSlices, namespaces, services } from "../../api/generated/resources.ts";
import type { Namespace, Service } from "../../api/generated/types/core-v1.ts";
import type { EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import { aborted } from "../../base/abort.ts";
import type { Informer, InformerFactory } from "../../client/informer.ts";
import { SlicesByService } from "../slices-by-service.ts";
import { type EndpointEntry, type ServiceEntry, serviceEntry } from "./service-entry.ts";

/** All that DNS answers are made of. */
export interface RecordsView {
  service(namespace: string, name: string): ServiceEntry | undefined;
  hasNamespace(namespace: string): boolean;
  /** Names an address has, without the cluster's domain: `web.default.svc`, `db-0.db.default.svc`. */
  pointers(ip: string): readonly string[];
}

/** The records of the cluster's services, kept current by informers. `version` rises with every change. */
export class ServiceRecords implements RecordsView {
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #namespaces: Informer<Namespace>;
  readonly #byService = new SlicesByService();
  readonly #entries = new Map<string, ServiceEntry>();
  /** Address > keys of the services that name it. */
  readonly #owners = new Map<string, Set<string>>();
  #version = 0;

  constructor({ informers }: { readonly informers: InformerFactory }) {
    this.#services = informers.informer(services);
    this.#slices = informers.informer(endpointSlices);
    this.#namespaces = informers.informer(namespaces);
  }

  get version(): number {
    return this.#version;
  }

  /** Whether all there is has been taken in. */
  get synced(): boolean {
    return this.#services.synced && this.#slices.synced && this.#namespaces.synced;
  }

  /** Follows the informers until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const touch = ({ metadata }: Service): void => this.#renew(`${metadata.namespace ?? ""}/${metadata.name ?? ""}`);
    const touchAll = (keys: readonly string[]): void => {
      for (const key of keys) this.#renew(key);
    };
    const changed = (): void => void (this.#version += 1);
    const leave = [
      this.#services.subscribe({ added: touch, updated: (_, service) => touch(service), deleted: touch }),
      this.#slices.subscribe({
        added: (slice) => touchAll(this.#byService.put(slice)),
        updated: (previous, slice) => touchAll(this.#byService.put(slice, previous)),
        deleted: (slice) => touchAll(this.#byService.remove(slice)),
      }),
      this.#namespaces.subscribe({ added: changed, deleted: changed }),
    ];
    await aborted(signal);
    for (const unsubscribe of leave) unsubscribe();
  }

  service(namespace: string, name: string): ServiceEntry | undefined {
    return this.#entries.get(`${namespace}/${name}`);
  }

  hasNamespace(namespace: string): boolean {
    return this.#namespaces.lister.get(namespace) !== undefined;
  }

  pointers(ip: string): readonly string[] {
    const owners = [...(this.#owners.get(ip) ?? [])].sort();
    const domainOf = (key: string): string => `${key.split("/").reverse().join(".")}.svc`;
    const own = owners.filter((key) => {
      const entry = this.#entries.get(key);
      return entry?.type === "cluster" && entry.ips.includes(ip);
    });
    if (own.length > 0) return own.map(domainOf);
    return owners.flatMap((key) => endpointsOf(this.#entries.get(key)).flatMap((endpoint) => (endpoint.ip === ip ? [`${endpoint.label}.${domainOf(key)}`] : [])));
  }

  #renew(key: string): void {
    this.#version += 1;
    for (const ip of addressesOf(this.#entries.get(key))) {
      const owners = this.#owners.get(ip);
      owners?.delete(key);
      if (owners?.size === 0) this.#owners.delete(ip);
    }
    const service = this.#services.lister.get(key);
    const entry = service === undefined ? undefined : serviceEntry(service, this.#byService.of(key));
    if (entry === undefined) {
      this.#entries.delete(key);
      return;
    }
    this.#entries.set(key, entry);
    for (const ip of addressesOf(entry)) {
      const owners = this.#owners.get(ip) ?? new Set<string>();
      this.#owners.set(ip, owners.add(key));
    }
  }
}

const endpointsOf = (entry: ServiceEntry | undefined): readonly EndpointEntry[] => (entry === undefined || entry.type === "external" ? [] : entry.endpoints);

const addressesOf = (entry: ServiceEntry | undefined): readonly string[] => [...(entry?.type === "cluster" ? entry.ips : []), ...endpointsOf(entry).map(({ ip }) => ip)];
