import { rfc3339 } from "../../base/clock.ts";
import { clone, type Draft } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import { conflict, hasReason, modifiedText, notFound } from "../../meta/status-error.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import { ConflictError } from "../../store/contract.ts";
import type { AdmissionRequest } from "../admission/admission.ts";
import { annotateIn } from "../audit/annotate.ts";
import { CacheEntry, encodeForStore } from "../cache/cache-entry.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import { keyFor, prepared, type Storage, toStorage, viewOf } from "../resources/served-resource.ts";
import { returnsDeleted } from "../resources/returns-deleted.ts";
import { successStatus, valueResponse } from "../respond/response.ts";
import { readBody } from "./body.ts";
import { put, remove } from "./commit.ts";
import { entryResponse, formFor } from "./get.ts";
import { type DeleteRequest, deleteOptionsDefinition, deleteRequestOf } from "./options.ts";
import { selectedEntries, selectionOf } from "./selection.ts";

const ATTEMPTS = 12;
const ORPHAN = "orphan";
const FOREGROUND = "foregroundDeletion";

/** DELETE of one object. */
export async function deleteOne(parts: ServerParts, context: ResourceContext, storage: Storage): Promise<ApiResponse> {
  const { served, target, query, request } = context;
  const form = formFor(context);
  const wanted = deleteRequestOf((await readBody(request, { checkText: false, definition: deleteOptionsDefinition })).value, query);
  const outcome = await deleteObject(parts, context, storage, target.name, wanted);
  if (outcome.waits) return entryResponse(200, served, outcome.entry, form, query, parts.clock.now());
  if (returnsDeleted(served.resource)) return entryResponse(200, served, outcome.entry, form, query, parts.clock.now());
  const { group, resource } = served.resource;
  const { uid } = outcome.entry.object.metadata;
  return valueResponse(200, successStatus({ name: target.name, ...(group === "" ? {} : { group }), kind: resource, ...(uid === undefined ? {} : { uid }) }), form);
}

/** DELETE of a collection: each selected object as if it were deleted by name. */
export async function deleteCollection(parts: ServerParts, context: ResourceContext, storage: Storage): Promise<ApiResponse> {
  const { served, target, query, request } = context;
  const form = formFor(context);
  const wanted = deleteRequestOf((await readBody(request, { checkText: false, definition: deleteOptionsDefinition })).value, query);
  const selected = selectionOf(served, target, query);
  await parts.cache.fresh();
  const limit = Number(query.get("limit") ?? "0");
  let entries = await selectedEntries(served, storage, selected);
  if (limit > 0) entries = entries.slice(0, limit);
  const gone: KubeObject[] = [];
  const WORKERS = 16;
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(WORKERS, entries.length) }, async () => {
      for (let entry = entries[next++]; entry !== undefined; entry = entries[next++]) {
        const { name = "", namespace = "" } = entry.object.metadata;
        try {
          const outcome = await deleteObject(parts, { ...context, target: { ...target, namespace } }, storage, name, wanted);
          await prepared(served, [outcome.entry]);
          gone.push(viewOf(served, outcome.entry));
        } catch (error) {
          if (!hasReason(error, "NotFound")) throw error;
        }
      }
    }),
  );
  return valueResponse(200, { kind: `${served.resource.kind}List`, apiVersion: served.apiVersion, metadata: { resourceVersion: String(parts.cache.revision) }, items: gone }, form);
}

interface Outcome {
  readonly entry: CacheEntry;
  /** The object still stands: for its grace period, or for finalizers. */
  readonly waits: boolean;
}

/** Deletes, or begins to: grace period first, then finalizers, then the object itself. @upstream apiserver/pkg/registry/generic/registry/store.go Delete */
export async function deleteObject(
  parts: ServerParts,
  { served, target, user, warnings, audit, work }: Pick<ResourceContext, "served" | "target" | "user" | "warnings" | "audit" | "work">,
  storage: Storage,
  name: string,
  wanted: DeleteRequest,
): Promise<Outcome> {
  const key = keyFor(storage, target.namespace, name);
  const subject = { ...served.resource, name };
  let current = storage.cache.get(key);
  if (current === undefined) {
    await parts.cache.fresh();
    current = storage.cache.get(key);
  }
  for (let attempt = 1; ; attempt += 1) {
    if (current === undefined) throw notFound(subject);
    await prepared(served, [current]);
    const object = viewOf(served, current);
    const admission: AdmissionRequest = {
      operation: "DELETE",
      served,
      subresource: "",
      namespace: target.namespace,
      name,
      user,
      dryRun: wanted.dryRun,
      object: undefined,
      previous: object,
      options: wanted.options,
      work,
      alsoCommit: [],
      warn: (text) => warnings.push(text),
      annotate: annotateIn(audit),
    };
    try {
      checkPreconditions(object, wanted, subject);
      await parts.admission.mutate(admission);
      await parts.admission.validate(admission);
      const marked = markDeleted(object, served.definition, wanted, parts.clock.now());
      if (marked === "already") return { entry: current, waits: true };
      if (marked === "gone") {
        if (wanted.dryRun) return { entry: current, waits: false };
        return { entry: await remove({ ...parts, storage }, current, admission.alsoCommit), waits: false };
      }
      const { resourceVersion: _, ...metadata } = marked.metadata;
      const next = { ...marked, metadata } as KubeObject;
      const stored = await toStorage(served, next);
      if (wanted.dryRun) return { entry: new CacheEntry(key, encodeForStore(stored), current.revision), waits: true };
      // What it holds (addresses) goes with it, not before.
      return { entry: await put({ ...parts, storage }, key, stored, { revision: current.revision }), waits: true };
    } catch (error) {
      if (!(error instanceof ConflictError)) {
        // A refusal counts only if what was looked at is what stands.
        if (attempt === 1) {
          await parts.cache.fresh();
          const newest = storage.cache.get(key);
          if (newest?.revision !== current.revision) {
            current = newest;
            continue;
          }
        }
        throw error;
      }
      if (attempt >= ATTEMPTS) throw conflict(subject, modifiedText);
      if (error.key === key) current = error.current === undefined ? undefined : new CacheEntry(key, error.current.value, error.current.revision);
    } finally {
      parts.admission.release(admission);
    }
  }
}

function checkPreconditions(object: KubeObject, { preconditions }: DeleteRequest, subject: { readonly group: string; readonly resource: string; readonly name: string }): void {
  const { uid, resourceVersion } = object.metadata;
  if (preconditions.uid !== undefined && preconditions.uid !== uid) {
    throw conflict(subject, `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid ?? ""}`);
  }
  if (preconditions.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    throw conflict(subject, `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion ?? ""}`);
  }
}

type Marked = Draft<KubeObject> | "already" | "gone";

/** What deletion makes of the object now: the object as it waits, or nothing. Pure. */
export function markDeleted(
  object: KubeObject,
  definition: {
    gracePeriodSeconds?(object: KubeObject, requested: number | undefined): number;
    finalizersBeside?(object: KubeObject): readonly string[];
    markDeleting?(draft: Draft<KubeObject>): void;
  },
  wanted: DeleteRequest,
  nowMs: number,
): Marked {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = object.metadata;
  const finalizers = finalizersFor(object, wanted);
  const changedFinalizers = finalizers.join() !== (object.metadata.finalizers ?? []).join();
  const grace = definition.gracePeriodSeconds?.(object, wanted.gracePeriodSeconds) ?? 0;
  const draft = clone(object);
  if (finalizers.length > 0) draft.metadata.finalizers = [...finalizers];
  else delete draft.metadata.finalizers;
  if (deletionTimestamp !== undefined) {
    // Only who names a shorter grace shortens it.
    if (deletionGracePeriodSeconds > 0 && wanted.gracePeriodSeconds !== undefined && grace < deletionGracePeriodSeconds) {
      // A shorter grace counts from when deletion began. @upstream rest.BeforeDelete
      if (grace > 0 || hasFinalizers(draft, definition)) {
        const began = Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
        draft.metadata.deletionTimestamp = rfc3339(grace === 0 ? nowMs : began + grace * 1000);
        draft.metadata.deletionGracePeriodSeconds = grace;
        return draft;
      }
      return "gone";
    }
    if (deletionGracePeriodSeconds > 0) return "already";
    if (!hasFinalizers(draft, definition)) return "gone";
    return changedFinalizers ? draft : "already";
  }
  if (grace <= 0 && !hasFinalizers(draft, definition)) return "gone";
  draft.metadata.deletionTimestamp = rfc3339(nowMs + Math.max(0, grace) * 1000);
  draft.metadata.deletionGracePeriodSeconds = Math.max(0, grace);
  if (draft.metadata.generation !== undefined && draft.metadata.generation > 0) draft.metadata.generation += 1;
  definition.markDeleting?.(draft);
  return draft;
}

function hasFinalizers(object: KubeObject, definition: { finalizersBeside?(object: KubeObject): readonly string[] }): boolean {
  return (object.metadata.finalizers ?? []).length > 0 || (definition.finalizersBeside?.(object) ?? []).length > 0;
}

/** The finalizers with those that the propagation policy asks for. @upstream deletionFinalizersForGarbageCollection */
function finalizersFor(object: KubeObject, { propagationPolicy }: DeleteRequest): readonly string[] {
  const present = object.metadata.finalizers ?? [];
  if (propagationPolicy === undefined) return present;
  const others = present.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  if (propagationPolicy === "Orphan") return [...others, ORPHAN];
  if (propagationPolicy === "Foreground") return [...others, FOREGROUND];
  return others;
}
