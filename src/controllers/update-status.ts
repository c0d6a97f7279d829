import type { Client } from "../client/client.ts";
import type { KubeObject } from "../meta/object.ts";
import type { Resource } from "../meta/resource.ts";
import { hasReason } from "../meta/status-error.ts";

/**
 * Writes an object's status. When somebody was faster, once more on the live object; `next` then decides on that one,
 * and undefined leaves it alone. An object that is gone has no status to write. Throws what the second attempt throws.
 */
export async function updateStatus<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  object: T,
  options: { readonly next: (object: T) => T | undefined; readonly signal: AbortSignal },
): Promise<T> {
  const { next, signal } = options;
  const place = { namespace: object.metadata.namespace, signal };
  const write = async (from: T): Promise<T> => {
    const changed = next(from);
    return changed === undefined ? from : client.update(resource, changed, { ...place, subresource: "status" });
  };
  try {
    return await write(object);
  } catch (error) {
    if (hasReason(error, "NotFound")) return object;
    if (!hasReason(error, "Conflict")) throw error;
    try {
      const live = await client.get(resource, object.metadata.name ?? "", place);
      if (live.metadata.uid !== object.metadata.uid) throw error;
      return await write(live);
    } catch (second) {
      if (hasReason(second, "NotFound")) return object;
      throw second;
    }
  }
}
