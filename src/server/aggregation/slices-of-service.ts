import type { EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import type { StateCache } from "../cache/state-cache.ts";

export const SLICES = "/registry/endpointslices/";
const serviceNameLabel = "kubernetes.io/service-name";

/**
 * The endpoint slices of a service, by `ns/name`. PERF: filed once, when first asked for, and then with every change: a
 * namespace may hold thousands of slices, and every call of a webhook asks.
 */
export class SlicesOfService {
  readonly #cache: StateCache;
  /** Service to its slices by their keys in the store. */
  #filed: Map<string, Map<string, EndpointSlice>> | undefined;

  constructor(deps: { readonly cache: StateCache }) {
    this.#cache = deps.cache;
  }

  of(namespace: string, service: string): readonly EndpointSlice[] {
    this.#filed ??= this.#file();
    return [...(this.#filed.get(`${namespace}/${service}`)?.values() ?? [])];
  }

  #file(): Map<string, Map<string, EndpointSlice>> {
    const filed = new Map<string, Map<string, EndpointSlice>>();
    const put = (key: string, slice: EndpointSlice): void => {
      const service = serviceOf(slice);
      if (service === undefined) return;
      const slices = filed.get(service) ?? new Map<string, EndpointSlice>();
      filed.set(service, slices.set(key, slice));
    };
    const drop = (key: string, slice: EndpointSlice): void => {
      const service = serviceOf(slice);
      const slices = service === undefined ? undefined : filed.get(service);
      slices?.delete(key);
      if (service !== undefined && slices?.size === 0) filed.delete(service);
    };
    const resource = this.#cache.resource(SLICES);
    for (const [key, { object }] of resource.range(SLICES)) put(key, object as EndpointSlice);
    resource.subscribe({
      notify(events) {
        for (const { type, entry, previous } of events) {
          if (previous !== undefined) drop(entry.key, previous.object as EndpointSlice);
          if (type !== "DELETED") put(entry.key, entry.object as EndpointSlice);
        }
      },
    });
    return filed;
  }
}

/** `ns/name` of the service that a slice belongs to; undefined when it belongs to none. */
export function serviceOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[serviceNameLabel] ?? "";
  return name === "" ? undefined : `${metadata.namespace ?? ""}/${name}`;
}
