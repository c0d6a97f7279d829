import { services } from "../api/generated/resources.ts";
import type { ServicePort } from "../api/generated/types/core-v1.ts";
import { deepEqual } from "../base/values.ts";
import type { Client } from "../client/client.ts";
import { hasReason } from "../meta/status-error.ts";

export interface WantedService {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly clusterIP: string;
  readonly ports: readonly ServicePort[];
}

/** A service of the cluster's own: made when it is not there, its ports brought up to date when it is. */
export async function ensureService(client: Client, { namespace, name, labels, clusterIP, ports }: WantedService): Promise<void> {
  try {
    const known = await client.get(services, name, { namespace });
    const current = (known.spec.ports ?? []).map(({ nodePort: _, ...port }) => port);
    if (!deepEqual(current, ports)) await client.update(services, { ...known, spec: { ...known.spec, ports } }, { namespace });
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
    await client.create(services, { metadata: { namespace, name, labels }, spec: { type: "ClusterIP", clusterIP, ports } }, { namespace });
  }
}
