import { deepEqual, type Draft } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import { badRequest, conflict, type FieldError, invalid, modifiedText, notFound } from "../../meta/status-error.ts";
import { append, validateObjectMeta, validateObjectMetaUpdate } from "../../meta/validation.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import { ConflictError } from "../../store/contract.ts";
import type { AdmissionRequest } from "../admission/admission.ts";
import { annotateIn } from "../audit/annotate.ts";
import { mustBeAllowedToCreate } from "../authz/may-create.ts";
import { CacheEntry, encodeForStore } from "../cache/cache-entry.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import { keyFor, prepared, type ServedResource, type Storage, toStorage, viewOf } from "../resources/served-resource.ts";
import { readDrafts } from "./body.ts";
import { put, remove } from "./commit.ts";
import { createObject } from "./create.ts";
import { keepingManagers, settleTimes, trackWrite } from "./field-managers.ts";
import { entryResponse, formFor } from "./get.ts";
import { bumpGeneration, carryAllButStatus, carryMetadata, carryStatus, dropEmptyMetadata, placeObject } from "./metadata.ts";
import { fieldManagerOf, fieldValidationOf, isDryRun } from "./options.ts";

/** How often an update without a named version, or a patch, is tried again when others write in between. */
const ATTEMPTS = 12;

/** PUT of an object or of its status. */
export async function update(parts: ServerParts, context: ResourceContext, storage: Storage, rules?: UpdateRules): Promise<ApiResponse> {
  const { served, target, query, request, warnings } = context;
  const form = formFor(context);
  const dryRun = isDryRun(query.getAll("dryRun"), "UpdateOptions");
  const validation = fieldValidationOf(query, "UpdateOptions");
  const manager = fieldManagerOf(query, request.headers["user-agent"], "UpdateOptions");
  const reading = readDrafts(request, served, { validation, warnings }, (draft) => {
    context.audit?.noteObject(draft.metadata);
    checkName(draft, target.name);
    placeObject(draft, served, target.namespace);
  });
  const drafts = reading instanceof Promise ? await reading : reading;
  const key = keyFor(storage, target.namespace, target.name);
  if (served.definition.allowCreateOnUpdate === true && target.subresource === "" && storage.cache.get(key) === undefined) {
    await mustBeAllowedToCreate(parts, context);
    const entry = await createObject(parts, context, storage, drafts, { dryRun, manager });
    return entryResponse(201, served, entry, form, query, parts.clock.now());
  }
  const entry = await changeObject(parts, context, storage, { dryRun, manager, rules, next: () => drafts.next() });
  return entryResponse(200, served, entry, form, query, parts.clock.now());
}

function checkName(draft: Draft<KubeObject>, name: string): void {
  const given = draft.metadata.name ?? "";
  if (given === "") draft.metadata.name = name;
  else if (given !== name) throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
}

export interface Change {
  readonly dryRun: boolean;
  /** Who owns what changes; undefined when managedFields are worked out already, or stay as they are. */
  readonly manager: string | undefined;
  /** Makes what should stand from what stands (frozen, in the served version). Called again when others write in between. */
  next(previous: KubeObject): Draft<KubeObject> | Promise<Draft<KubeObject>>;
  /** For a subresource with rules of its own: what takes the place of the kind's rules for updates. */
  readonly rules?: UpdateRules | undefined;
  /** Whether a lost race may be tried again although the object names a version (a patch whose version is what it read). */
  readonly retryConflicts?: boolean;
}

export interface UpdateRules {
  prepare?(draft: Draft<KubeObject>, previous: KubeObject): void;
  validate?(object: KubeObject, previous: KubeObject): Iterable<FieldError>;
}

/** The kind's own rules, for the object itself or its status. */
function rulesOf(served: ServedResource, isStatus: boolean): UpdateRules {
  const { definition } = served;
  if (isStatus)
    return {
      prepare: (draft, previous) => definition.prepareStatusUpdate?.(draft, previous),
      validate: (object, previous) => definition.validateStatusUpdate?.(object, previous) ?? [],
    };
  return {
    prepare: (draft, previous) => definition.prepareUpdate?.(draft, previous),
    validate: (object, previous) => [...(definition.validate?.(object) ?? []), ...(definition.validateUpdate?.(object, previous) ?? [])],
  };
}

/** Read, change, check, write; again when somebody else was faster and the caller named no version. */
export async function changeObject(
  parts: ServerParts,
  context: Pick<ResourceContext, "served" | "target" | "user" | "warnings" | "audit" | "work">,
  storage: Storage,
  change: Change,
): Promise<CacheEntry> {
  const { served, target } = context;
  const key = keyFor(storage, target.namespace, target.name);
  const subject = { ...served.resource, name: target.name };
  let current = storage.cache.get(key);
  if (current === undefined) {
    await parts.cache.fresh();
    current = storage.cache.get(key);
  }
  for (let attempt = 1; ; attempt += 1) {
    if (current === undefined) throw notFound(subject);
    const preparing = prepared(served, [current]);
    if (preparing !== undefined) await preparing;
    const previous = viewOf(served, current);
    let named = "";
    try {
      const made = change.next(previous);
      const draft = made instanceof Promise ? await made : made;
      named = draft.metadata.resourceVersion ?? "";
      if (named !== "" && named !== "0" && named !== previous.metadata.resourceVersion) throw conflict(subject, modifiedText);
      if ((named === "" || named === "0") && change.retryConflicts !== true && served.definition.allowUnconditionalUpdate === false) {
        throw invalid({ ...served.resource, name: target.name }, [
          { type: "FieldValueInvalid", field: "metadata.resourceVersion", value: 0, detail: "must be specified for an update" },
        ]);
      }
      return await attemptChange(parts, context, storage, { draft, previous, current, dryRun: change.dryRun, manager: change.manager, rules: change.rules });
    } catch (error) {
      if (!(error instanceof ConflictError)) {
        // A refusal counts only if what was looked at is what stands: another server may have written since. @upstream GuaranteedUpdate
        if (attempt > 1) throw error;
        await parts.cache.fresh();
        const newest = storage.cache.get(key);
        if (newest?.revision === current.revision) throw error;
        current = newest;
        continue;
      }
      const mayRetry = change.retryConflicts === true || named === "" || named === "0";
      if (!mayRetry || attempt >= ATTEMPTS) throw conflict(subject, modifiedText);
      if (error.key === key) current = error.current === undefined ? undefined : new CacheEntry(key, error.current.value, error.current.revision);
    }
  }
}

/** PERF: by a copy; an object that had something deleted from its middle is slow to read and to write from then on. */
function forgetVersion(draft: Draft<KubeObject>): void {
  if (draft.metadata.resourceVersion === undefined) return;
  const { resourceVersion: _, ...metadata } = draft.metadata;
  draft.metadata = metadata;
}

async function attemptChange(
  parts: ServerParts,
  { served, target, user, warnings, audit, work }: Pick<ResourceContext, "served" | "target" | "user" | "warnings" | "audit" | "work">,
  storage: Storage,
  {
    draft,
    previous,
    current,
    dryRun,
    manager,
    rules = rulesOf(served, target.subresource === "status"),
  }: {
    readonly draft: Draft<KubeObject>;
    readonly previous: KubeObject;
    readonly current: CacheEntry;
    readonly dryRun: boolean;
    readonly manager: string | undefined;
    readonly rules: UpdateRules | undefined;
  },
): Promise<CacheEntry> {
  const { definition, resource } = served;
  const subject = { ...resource, name: target.name };
  const isStatus = target.subresource === "status";
  definition.defaults?.(draft);
  carryMetadata(draft, previous, subject);
  forgetVersion(draft);
  const admission: AdmissionRequest = {
    operation: "UPDATE",
    served,
    subresource: target.subresource,
    namespace: target.namespace,
    name: target.name,
    user,
    dryRun,
    object: draft,
    previous,
    work,
    alsoCommit: [],
    warn: (text) => warnings.push(text),
    annotate: annotateIn(audit),
  };
  if (isStatus) carryAllButStatus(draft, previous, served);
  else if (served.hasStatus && target.subresource === "") carryStatus(draft, previous);
  try {
    dropEmptyMetadata(draft);
    // What admission and the kind's own rules change is nobody's. @upstream apiserver/pkg/endpoints/handlers/update.go
    const tracking = manager === undefined ? undefined : trackWrite(draft, previous, served, { manager, subresource: target.subresource, nowMs: parts.clock.now() }, parts.table);
    if (tracking !== undefined) await tracking;
    const mutating = keepingManagers(draft, warnings, () => parts.admission.mutate(admission));
    if (mutating !== undefined) await mutating;
    dropEmptyMetadata(draft);
    rules.prepare?.(draft, previous);
    if (!isStatus) bumpGeneration(draft, previous, served);
    if (manager !== undefined) settleTimes(draft, previous);
    const errors = validateObjectMeta(draft.metadata, { nameRule: definition.name, namespaced: resource.namespaced });
    // What the store gives anew was checked above, and stands for the version that is replaced.
    append(errors, validateObjectMetaUpdate({ ...draft.metadata, resourceVersion: previous.metadata.resourceVersion }, previous.metadata));
    for (const error of rules.validate?.(draft, previous) ?? []) errors.push(error);
    if (errors.length > 0) throw invalid({ group: resource.group, kind: resource.kind, name: target.name }, errors);
    for (const text of definition.warnings?.(draft, previous) ?? []) warnings.push(text);
    const validating = parts.admission.validate(admission);
    if (validating !== undefined) await validating;
    const key = current.key;
    // What stands in an older version of its kind, or sealed with an older key, is written anew all the same: so objects are migrated.
    const form = toStorage(served, draft);
    const stored = form instanceof Promise ? await form : form;
    if (isSame(draft, previous) && admission.alsoCommit.length === 0 && isStored(served, stored, current) && (await parts.store.isStale?.(key)) !== true) {
      await parts.cache.fresh();
      const newest = storage.cache.get(key);
      if (newest?.revision !== current.revision) throw new ConflictError(key, newest === undefined ? undefined : { key, value: newest.stored, revision: newest.revision });
      return current;
    }
    if (dryRun) return new CacheEntry(key, encodeForStore(stored), current.revision);
    const written = { store: parts.store, cache: parts.cache, storage };
    if (isFinished(served, draft)) return await remove(written, new CacheEntry(key, encodeForStore(stored), current.revision), admission.alsoCommit);
    return await put(written, key, stored, { revision: current.revision }, admission.alsoCommit);
  } finally {
    parts.admission.release(admission);
  }
}

/** Whether nothing but the version would change: such a write is answered without one. */
function isSame(draft: Draft<KubeObject>, previous: KubeObject): boolean {
  const { resourceVersion: _, ...metadata } = previous.metadata;
  return deepEqual(draft, { ...previous, metadata });
}

/** Whether an object that looks the same is stored the same: in this version, and by what its schema says today. */
function isStored(served: ServedResource, stored: KubeObject, { object }: CacheEntry): boolean {
  return stored.apiVersion === object.apiVersion && (served.prune === undefined || isSame(stored as Draft<KubeObject>, object));
}

/** An object that waits for deletion goes with its last finalizer. */
function isFinished(served: ServedResource, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  return deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && finalizers.length === 0 && (served.definition.finalizersBeside?.(object) ?? []).length === 0;
}
