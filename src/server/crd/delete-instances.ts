import type { UserInfo } from "../../meta/wire.ts";
import { hasReason } from "../../meta/status-error.ts";
import { OpenEnd } from "../bounds/work-time.ts";
import type { ServerParts } from "../context.ts";
import { deleteObject } from "../registry/delete.ts";
import { deleteRequestOf } from "../registry/options.ts";
import type { ServedResource } from "../resources/served-resource.ts";

const user: UserInfo = { name: "system:apiserver", groups: ["system:masters", "system:authenticated"] };
/** Deletions under way at once. */
const WORKERS = 16;

export interface Deletion {
  /** Objects that are still there. */
  readonly left: number;
  /** Why the first one could not be deleted that could not. */
  readonly failure: string | undefined;
}

/** Begins to delete every object of a resource, with all that admission says to it. @upstream apiextensions-apiserver/pkg/controller/finalizer/crd_finalizer.go deleteInstances */
export async function deleteInstances(served: ServedResource, parts: ServerParts, signal: AbortSignal): Promise<Deletion> {
  const { storage } = served;
  if (storage === undefined) return { left: 0, failure: undefined };
  const { prefix, cache } = storage;
  const places = [...cache.range(prefix)].map(([key]) => key.slice(prefix.length).split("/"));
  const wanted = deleteRequestOf(undefined, new URLSearchParams());
  const work = new OpenEnd({ signal });
  let failure: string | undefined;
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(WORKERS, places.length) }, async () => {
      for (let place = places[next++]; place !== undefined; place = places[next++]) {
        const name = place[place.length - 1] ?? "";
        const namespace = place.length > 1 ? (place[0] ?? "") : "";
        const { group, version, resource } = served.resource;
        const target = { verb: "delete" as const, group, version, resource, namespace, name, subresource: "", rest: "" };
        try {
          await deleteObject(parts, { served, target, user, warnings: [], work }, storage, name, wanted);
        } catch (error) {
          if (!hasReason(error, "NotFound")) failure ??= error instanceof Error ? error.message : String(error);
        }
      }
    }),
  );
  await parts.cache.fresh();
  return { left: [...cache.range(prefix)].length, failure };
}
