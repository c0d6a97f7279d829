import type { EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import type { RemoteApiService } from "./api-services.ts";
import type { ServiceResolver } from "./resolve-service.ts";

/** What is said of an APIService. */
export interface Finding {
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

/** Why nobody needs to be asked: the service or its endpoints are not there. @upstream kube-aggregator/pkg/controllers/status/remote/remote_available_controller.go */
export function missingService({ place }: RemoteApiService, services: Pick<ServiceResolver, "service" | "slices">): Finding | undefined {
  const service = services.service(place);
  const what = `service/${place.name} in ${JSON.stringify(place.namespace)}`;
  const missing = (reason: string, message: string): Finding => ({ status: "False", reason, message });
  if (service === undefined) return missing("ServiceNotFound", `${what} is not present`);
  if ((service.spec.type ?? "ClusterIP") !== "ClusterIP") return undefined;
  const port = service.spec.ports?.find((declared) => declared.port === place.port);
  if (port === undefined) return missing("ServicePortError", `${what} is not listening on port ${place.port}`);
  const slices = services.slices(place);
  if (slices.length === 0) return missing("EndpointsNotFound", `cannot find endpointslices for ${what}`);
  const name = port.name ?? "";
  if (slices.some((slice) => hasReady(slice, name))) return undefined;
  return missing("MissingEndpoints", `endpointslices for ${what} have no addresses with port name ${JSON.stringify(name)}`);
}

function hasReady({ endpoints = [], ports = [] }: EndpointSlice, portName: string): boolean {
  return endpoints.some(({ conditions }) => conditions?.ready !== false) && ports.some(({ name, port }) => (name ?? "") === portName && port !== undefined);
}
