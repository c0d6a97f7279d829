import type { Service, ServiceSpec } from "../api/generated/types/core-v1.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../api/generated/types/discovery-v1.ts";

/** A service `default/<name>` with one TCP port `http` 80, for tests. */
export const sampleService = (
  name: string,
  spec: Partial<ServiceSpec> = {},
  extra: Partial<Pick<Service, "status">> & { readonly labels?: Readonly<Record<string, string>> } = {},
): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { namespace: "default", name, ...(extra.labels === undefined ? {} : { labels: extra.labels }) },
  spec: {
    type: "ClusterIP",
    clusterIP: "10.96.0.20",
    clusterIPs: [spec.clusterIP ?? "10.96.0.20"],
    ports: [{ name: "http", port: 80, protocol: "TCP" }],
    ...spec,
  },
  ...(extra.status === undefined ? {} : { status: extra.status }),
});

/** A slice of it; a plain address stands for a ready endpoint on node `n1`. */
export const sampleSlice = (
  service: string,
  endpoints: readonly (string | Endpoint)[],
  { ports = [{ name: "http", port: 8080, protocol: "TCP" }], name = `${service}-1` }: { readonly ports?: readonly EndpointPort[]; readonly name?: string } = {},
): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { namespace: "default", name, labels: { "kubernetes.io/service-name": service } },
  addressType: "IPv4",
  ports,
  endpoints: endpoints.map((endpoint) => (typeof endpoint === "string" ? { addresses: [endpoint], nodeName: "n1", conditions: { ready: true } } : endpoint)),
});
