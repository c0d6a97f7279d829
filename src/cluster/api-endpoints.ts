import { endpointSlices, endpoints } from "../api/generated/resources.ts";
import type { EndpointSlice } from "../api/generated/types/discovery-v1.ts";
import type { Endpoints } from "../api/generated/types/core-v1.ts";
import type { Client } from "../client/client.ts";
import { hasReason } from "../meta/status-error.ts";

const namespace = "default";
const name = "kubernetes";

/** The endpoints of default/kubernetes: where this API server is reached. @upstream pkg/controlplane/reconcilers */
export async function publishApiEndpoints(client: Client, { address, port }: { readonly address: string; readonly port: number }): Promise<void> {
  const legacy: Endpoints = {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name, namespace, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
    subsets: [{ addresses: [{ ip: address }], ports: [{ name: "https", port, protocol: "TCP" }] }],
  };
  const slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: "https", port, protocol: "TCP" }],
  };
  await put(
    () => client.create(endpoints, legacy, { namespace }),
    async () =>
      client.update(endpoints, { ...legacy, metadata: { ...(await client.get(endpoints, name, { namespace })).metadata, labels: legacy.metadata.labels } }, { namespace }),
  );
  await put(
    () => client.create(endpointSlices, slice, { namespace }),
    async () =>
      client.update(endpointSlices, { ...slice, metadata: { ...(await client.get(endpointSlices, name, { namespace })).metadata, labels: slice.metadata.labels } }, { namespace }),
  );
}

async function put(create: () => Promise<unknown>, replace: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!hasReason(error, "AlreadyExists")) throw error;
    await replace();
  }
}
