import { controllerRevisions } from "../../api/generated/resources.ts";
import type { ControllerRevision } from "../../api/generated/types/apps-v1.ts";
import { deepEqual } from "../../base/values.ts";
import type { Client } from "../../client/client.ts";
import { controllerOf } from "../../meta/object.ts";
import { hasReason } from "../../meta/status-error.ts";
import { planHistory } from "./revisions.ts";

/** A revision of another template has the name; the owner's collisionCount must rise. */
export class RevisionCollision extends Error {
  override readonly name = "RevisionCollision";
}

/** Makes sure that the present template has a revision, the newest one. Throws RevisionCollision. */
export async function syncHistory(
  known: readonly ControllerRevision[],
  wanted: ControllerRevision,
  deps: { readonly client: Client; readonly signal: AbortSignal },
): Promise<ControllerRevision> {
  const { client, signal } = deps;
  const { current, change } = planHistory(known, wanted);
  const place = { namespace: wanted.metadata.namespace, signal };
  if (change === "none") return current;
  if (change === "renumber") return client.update(controllerRevisions, current, place);
  try {
    return await client.create(controllerRevisions, current, place);
  } catch (error) {
    if (!hasReason(error, "AlreadyExists")) throw error;
    const live = await client.get(controllerRevisions, current.metadata.name ?? "", place);
    const ours = controllerOf(live)?.uid === controllerOf(wanted)?.uid;
    if (ours && deepEqual(live.data, wanted.data)) return live;
    throw new RevisionCollision(`revision ${current.metadata.name} is of another template`);
  }
}

export async function removeRevisions(doomed: readonly ControllerRevision[], deps: { readonly client: Client; readonly signal: AbortSignal }): Promise<void> {
  for (const { metadata } of doomed) {
    await deps.client.delete(controllerRevisions, metadata.name ?? "", { namespace: metadata.namespace, signal: deps.signal }).catch((error: unknown) => {
      if (!hasReason(error, "NotFound")) throw error;
    });
  }
}
