import type { APIService, ServiceReference } from "../../api/generated/types/apiregistration-v1.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { ServicePlace } from "./resolve-service.ts";

export const API_SERVICES = "/registry/apiregistration.k8s.io/apiservices/";
const DEFAULT_PORT = 443;

/** An APIService whose group version another server serves. */
export interface RemoteApiService {
  readonly object: APIService;
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly place: ServicePlace;
  readonly isAvailable: boolean;
}

/** `v1beta1.metrics.k8s.io` */
export function apiServiceName(group: string, version: string): string {
  return `${version}.${group}`;
}

/** `/apis/metrics.k8s.io/v1beta1`, or `/api/v1`. */
export function discoveryPathOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
}

/** The APIServices in the state. */
export class ApiServices {
  readonly #cache: StateCache;

  constructor(deps: { readonly cache: StateCache }) {
    this.#cache = deps.cache;
  }

  get(name: string): APIService | undefined {
    return this.#cache.resource(API_SERVICES).get(API_SERVICES + name)?.object as APIService | undefined;
  }

  *all(): IterableIterator<APIService> {
    for (const [, { object }] of this.#cache.resource(API_SERVICES).range(API_SERVICES)) yield object as APIService;
  }

  /** Who else serves a group version; undefined when it is served here, or by nobody. */
  remote(name: string): RemoteApiService | undefined {
    const object = this.get(name);
    return object === undefined ? undefined : remoteOf(object);
  }

  remotes(): readonly RemoteApiService[] {
    return [...this.all()].map(remoteOf).filter((remote) => remote !== undefined);
  }

  /** Calls with the names of those that changed, were made or deleted. */
  onChange(listener: (names: readonly string[]) => void): () => void {
    return this.#cache.resource(API_SERVICES).subscribe({ notify: (events) => listener(events.map(({ entry }) => entry.key.slice(API_SERVICES.length))) });
  }
}

export function remoteOf(object: APIService): RemoteApiService | undefined {
  const { service, group = "", version = "" } = object.spec;
  if (service === undefined) return undefined;
  const isAvailable = object.status?.conditions?.some(({ type, status }) => type === "Available" && status === "True") ?? false;
  return { object, name: object.metadata.name ?? "", group, version, place: placeOf(service), isAvailable };
}

export function placeOf({ namespace = "", name = "", port = DEFAULT_PORT }: ServiceReference): ServicePlace {
  return { namespace, name, port };
}

/** Equal for APIServices of one server. */
export function placeKey({ namespace, name, port }: ServicePlace): string {
  return `${namespace}/${name}:${port}`;
}

/** How a server's certificate is looked at. */
export interface PeerTrust {
  readonly serverName: string;
  readonly ca?: string | undefined;
  readonly verify: boolean;
}

export function trustOf({ object: { spec }, place }: RemoteApiService): PeerTrust {
  const { caBundle = "", insecureSkipTLSVerify = false } = spec;
  return {
    serverName: `${place.name}.${place.namespace}.svc`,
    ...(caBundle === "" ? {} : { ca: atob(caBundle) }),
    verify: !insecureSkipTLSVerify,
  };
}
