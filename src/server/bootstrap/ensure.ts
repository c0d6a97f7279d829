import type { Client } from "../../client/client.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { Resource } from "../../meta/resource.ts";
import { hasReason } from "../../meta/status-error.ts";

/** Makes the object where none has its name; one that stands is left as it is. */
export async function ensure<T extends KubeObject>(client: Client, resource: Resource<T>, object: Parameters<typeof client.create<T>>[1]): Promise<void> {
  const { name = "" } = object.metadata;
  if ((await find(client, resource, name)) !== undefined) return;
  await client.create(resource, object).catch(ignoreTaken);
}

export async function find<T extends KubeObject>(client: Client, resource: Resource<T>, name: string, namespace?: string): Promise<T | undefined> {
  try {
    return await client.get(resource, name, { namespace });
  } catch (error) {
    if (hasReason(error, "NotFound")) return undefined;
    throw error;
  }
}

/** Another server of the same store was faster. */
export function ignoreTaken(error: unknown): void {
  if (!hasReason(error, "AlreadyExists") && !hasReason(error, "Conflict")) throw error;
}
