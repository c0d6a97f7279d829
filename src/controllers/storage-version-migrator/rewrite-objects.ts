import type { Client } from "../../client/client.ts";
import type { KubeObject } from "../../meta/object.ts";
import { apiVersionOf, type Resource } from "../../meta/resource.ts";
import { hasReason } from "../../meta/status-error.ts";
import { isWrittenSince } from "./plan.ts";

const PAGE = 500;
/** Writes under way at once. */
const WORKERS = 8;
const manager = "storage-version-migrator-controller";

/**
 * Writes every object anew that has not been written since `began`, without changing it. Those that somebody changes,
 * or deletes, meanwhile need it no more. Throws what the first write throws that fails otherwise.
 * @upstream pkg/controller/storageversionmigrator/storageversionmigrator.go
 */
export async function rewriteObjects(client: Client, resource: Resource<KubeObject>, began: string, signal: AbortSignal): Promise<void> {
  let at: string | undefined;
  do {
    const page = await client.list(resource, { limit: PAGE, signal, ...(at === undefined ? {} : { continue: at }) });
    at = page.metadata.continue;
    const due = page.items.filter(({ metadata }) => !isWrittenSince(metadata.resourceVersion, began));
    let next = 0;
    await Promise.all(
      Array.from({ length: Math.min(WORKERS, due.length) }, async () => {
        for (let object = due[next++]; object !== undefined; object = due[next++]) await rewrite(client, resource, object, signal);
      }),
    );
  } while (at !== undefined && at !== "");
}

/** Says nothing but which object it is: one that was deleted and made anew under its name is another. */
async function rewrite(client: Client, resource: Resource<KubeObject>, { metadata }: KubeObject, signal: AbortSignal): Promise<void> {
  const { name = "", namespace, uid, resourceVersion } = metadata;
  const value = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata: { uid, resourceVersion } };
  try {
    await client.patch(resource, name, { type: "apply", value }, { namespace, fieldManager: manager, signal });
  } catch (error) {
    if (!hasReason(error, "Conflict") && !hasReason(error, "NotFound")) throw error;
  }
}
