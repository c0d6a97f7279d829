import type { Endpoints, Service, ServicePort } from "../../api/generated/types/core-v1.ts";
import type { EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import type { Random } from "../../base/random.ts";
import type { StateCache } from "../cache/state-cache.ts";
import { SlicesOfService } from "./slices-of-service.ts";

export const SERVICES = "/registry/services/specs/";
const ENDPOINTS = "/registry/services/endpoints/";

/** A port of a service, as webhooks and APIServices name it. */
export interface ServicePlace {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** Where to connect: an address or, of an ExternalName, a name. */
export interface Location {
  readonly host: string;
  readonly port: number;
}

/** Nobody is behind a service; the message is upstream's. */
export class UnresolvedService extends Error {
  override readonly name = "UnresolvedService";
}

/**
 * Finds who is behind a service that this server itself has to reach: one of its ready endpoints, so that the machine
 * needs no service proxy. An ExternalName is its name. Only for a service that nobody selects pods for and that has no
 * endpoints in the state its own address is taken: somebody else answers there.
 * @upstream apiserver/pkg/util/proxy/proxy.go ResolveEndpoint, ResolveCluster
 */
export class ServiceResolver {
  readonly #cache: StateCache;
  readonly #random: Random;
  readonly #slices: SlicesOfService;

  constructor(deps: { readonly cache: StateCache; readonly random: Random }) {
    this.#cache = deps.cache;
    this.#random = deps.random;
    this.#slices = new SlicesOfService(deps);
  }

  service({ namespace, name }: Omit<ServicePlace, "port">): Service | undefined {
    return this.#cache.resource(SERVICES).get(`${SERVICES}${namespace}/${name}`)?.object as Service | undefined;
  }

  slices({ namespace, name }: Omit<ServicePlace, "port">): readonly EndpointSlice[] {
    return this.#slices.of(namespace, name);
  }

  /** Throws UnresolvedService. */
  resolve(place: ServicePlace): Location {
    const service = this.service(place);
    if (service === undefined) throw new UnresolvedService(`service ${JSON.stringify(place.name)} not found`);
    const { type = "ClusterIP", externalName = "", clusterIP = "", selector } = service.spec;
    if (type === "ExternalName") {
      if (externalName === "") throw new UnresolvedService(`unsupported service type ${JSON.stringify(type)}`);
      return { host: externalName, port: place.port };
    }
    const port = service.spec.ports?.find((declared) => declared.port === place.port);
    if (port === undefined) throw new UnresolvedService(`no service port ${place.port} found for service ${JSON.stringify(place.name)}`);
    const slices = this.slices(place);
    const ready = slices.length > 0 ? readyIn(slices, port) : readyInEndpoints(this.#endpoints(place), port);
    const chosen = ready?.[Math.floor(this.#random.next() * ready.length)];
    if (chosen !== undefined) return chosen;
    const isElsewhere = ready === undefined && Object.keys(selector ?? {}).length === 0 && clusterIP !== "" && clusterIP !== "None";
    if (isElsewhere) return { host: clusterIP, port: place.port };
    throw new UnresolvedService(`no endpoints available for service ${JSON.stringify(place.name)}`);
  }

  #endpoints({ namespace, name }: ServicePlace): Endpoints | undefined {
    return this.#cache.resource(ENDPOINTS).get(`${ENDPOINTS}${namespace}/${name}`)?.object as Endpoints | undefined;
  }
}

function readyIn(slices: readonly EndpointSlice[], { name = "" }: ServicePort): readonly Location[] {
  return slices.flatMap(({ ports = [], endpoints = [] }) => {
    const port = ports.find((declared) => (declared.name ?? "") === name)?.port;
    if (port === undefined) return [];
    return endpoints.flatMap(({ addresses: [host], conditions }) => (host === undefined || conditions?.ready === false ? [] : [{ host, port }]));
  });
}

/** Undefined when the service has no Endpoints at all. */
function readyInEndpoints(endpoints: Endpoints | undefined, { name = "" }: ServicePort): readonly Location[] | undefined {
  return endpoints?.subsets?.flatMap(({ addresses = [], ports = [] }) => {
    const port = ports.find((declared) => (declared.name ?? "") === name)?.port;
    return port === undefined ? [] : addresses.map(({ ip }) => ({ host: ip, port }));
  });
}
