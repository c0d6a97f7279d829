import type { EndpointSlice } from "../api/generated/types/discovery-v1.ts";

const serviceNameLabel = "kubernetes.io/service-name";

/** `ns/name` of the service a slice belongs to; undefined when it belongs to none. */
export function serviceOfSlice({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[serviceNameLabel];
  return name === undefined || name === "" ? undefined : `${metadata.namespace ?? ""}/${name}`;
}

/** The endpoint slices by the service (`ns/name`) they belong to. Each call says which services it concerned. */
export class SlicesByService {
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();

  of(service: string): readonly EndpointSlice[] {
    return [...(this.#slices.get(service)?.values() ?? [])];
  }

  put(slice: EndpointSlice, previous?: EndpointSlice): readonly string[] {
    const service = serviceOfSlice(slice);
    const touched = previous === undefined || serviceOfSlice(previous) === service ? [] : this.remove(previous);
    if (service === undefined) return touched;
    const slices = this.#slices.get(service) ?? new Map<string, EndpointSlice>();
    this.#slices.set(service, slices.set(slice.metadata.name ?? "", slice));
    return [...touched, service];
  }

  remove(slice: EndpointSlice): readonly string[] {
    const service = serviceOfSlice(slice);
    if (service === undefined) return [];
    const slices = this.#slices.get(service);
    slices?.delete(slice.metadata.name ?? "");
    if (slices?.size === 0) this.#slices.delete(service);
    return [service];
  }
}
