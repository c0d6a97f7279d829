import type { Draft } from "../../base/values.ts";
import { validateObjectMeta } from "../../meta/validation.ts";
import type { KubeObject } from "../../meta/object.ts";
import { alreadyExists, badRequest, failure, invalid } from "../../meta/status-error.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import { ConflictError } from "../../store/contract.ts";
import type { AdmissionRequest } from "../admission/admission.ts";
import { annotateIn } from "../audit/annotate.ts";
import { CacheEntry, encodeForStore } from "../cache/cache-entry.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import { keyFor, type ServedResource, type Storage, toStorage } from "../resources/served-resource.ts";
import { readDrafts } from "./body.ts";
import { put } from "./commit.ts";
import type { Drafts } from "./drafts.ts";
import { keepingManagers, trackWrite } from "./field-managers.ts";
import { entryResponse, formFor } from "./get.ts";
import { dropEmptyMetadata, generateName, placeObject, stampCreate } from "./metadata.ts";
import { fieldManagerOf, fieldValidationOf, isDryRun } from "./options.ts";

/** A generated name that is taken is drawn again this often. */
const NAME_ATTEMPTS = 8;

/** POST to a collection. */
export async function create(parts: ServerParts, context: ResourceContext, storage: Storage): Promise<ApiResponse> {
  const { served, query, request, warnings } = context;
  const form = formFor(context);
  const dryRun = isDryRun(query.getAll("dryRun"), "CreateOptions");
  const validation = fieldValidationOf(query, "CreateOptions");
  const manager = fieldManagerOf(query, request.headers["user-agent"], "CreateOptions");
  const reading = readDrafts(request, served, { validation, warnings }, ({ metadata }) => context.audit?.noteObject(metadata));
  const drafts = reading instanceof Promise ? await reading : reading;
  const entry = await createObject(parts, context, storage, drafts, { dryRun, manager });
  return entryResponse(201, served, entry, form, query, parts.clock.now());
}

export interface CreateOptions {
  readonly dryRun: boolean;
  /** Who owns what is set; undefined when managedFields are worked out already. */
  readonly manager: string | undefined;
}

/** Brings what was asked for into being: stamped, admitted, validated, stored. PERF: waits only for who does not answer at once; here and below. */
export async function createObject(
  parts: ServerParts,
  context: Pick<ResourceContext, "served" | "target" | "user" | "warnings" | "audit" | "work">,
  storage: Storage,
  drafts: Drafts,
  options: CreateOptions,
): Promise<CacheEntry> {
  const { served, target } = context;
  const { name: asked = "", generateName: base = "" } = drafts.first.metadata;
  const generated = asked === "" && base !== "";
  for (let attempt = 1; ; attempt += 1) {
    const mine = drafts.next();
    placeObject(mine, served, target.namespace);
    if (target.name !== "" && asked !== target.name) throw badRequest(`the name of the object (${asked}) does not match the name on the URL (${target.name})`);
    if (generated) generateName(mine, parts.random);
    try {
      return await attemptCreate(parts, context, storage, mine, options);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      // Something claimed beside the object (an address) was taken by another server meanwhile: claim again.
      if (error.key !== keyFor(storage, mine.metadata.namespace ?? "", mine.metadata.name ?? "") && attempt < NAME_ATTEMPTS) continue;
      const subject = { ...served.resource, name: mine.metadata.name ?? "" };
      if (!generated) throw alreadyExists(subject);
      if (attempt >= NAME_ATTEMPTS) {
        throw failure("AlreadyExists", `${alreadyExists(subject).message}, the server was not able to generate a unique name for the object`, {
          name: subject.name,
          group: subject.group,
          kind: subject.resource,
          retryAfterSeconds: 1,
        });
      }
    }
  }
}

async function attemptCreate(
  parts: ServerParts,
  { served, user, warnings, audit, work }: Pick<ResourceContext, "served" | "user" | "warnings" | "audit" | "work">,
  storage: Storage,
  draft: Draft<KubeObject>,
  { dryRun, manager }: CreateOptions,
): Promise<CacheEntry> {
  const { definition } = served;
  definition.defaults?.(draft);
  const admission: AdmissionRequest = {
    operation: "CREATE",
    served,
    subresource: "",
    namespace: draft.metadata.namespace ?? "",
    name: draft.metadata.name ?? "",
    user,
    dryRun,
    object: draft,
    previous: undefined,
    work,
    alsoCommit: [],
    warn: (text) => warnings.push(text),
    annotate: annotateIn(audit),
  };
  const key = keyFor(storage, draft.metadata.namespace ?? "", draft.metadata.name ?? "");
  stampCreate(draft, served, parts);
  try {
    dropEmptyMetadata(draft);
    // What admission and the kind's own rules add is nobody's. @upstream apiserver/pkg/endpoints/handlers/create.go
    const tracking = manager === undefined ? undefined : trackWrite(draft, undefined, served, { manager, subresource: "", nowMs: parts.clock.now() }, parts.table);
    if (tracking !== undefined) await tracking;
    const mutating = keepingManagers(draft, warnings, () => parts.admission.mutate(admission));
    if (mutating !== undefined) await mutating;
    dropEmptyMetadata(draft);
    if (served.hasStatus && definition.keepsStatusOnCreate !== true) emptyStatus(draft, served);
    definition.prepareCreate?.(draft);
    validateNew(draft, served);
    for (const text of definition.warnings?.(draft, undefined) ?? []) warnings.push(text);
    const validating = parts.admission.validate(admission);
    if (validating !== undefined) await validating;
    const form = toStorage(served, draft);
    const stored = form instanceof Promise ? await form : form;
    if (dryRun) {
      if (storage.cache.get(key) !== undefined) throw new ConflictError(key, undefined);
      return new CacheEntry(key, encodeForStore(stored as KubeObject), 0);
    }
    return await put({ store: parts.store, cache: parts.cache, storage }, key, stored as KubeObject, "absent", admission.alsoCommit);
  } finally {
    parts.admission.release(admission);
  }
}

/** A status is for those who report it; a custom object has none until then. */
function emptyStatus(draft: Draft<KubeObject>, served: ServedResource): void {
  const target = draft as unknown as Record<string, unknown>;
  if (served.prune === undefined) target["status"] = {};
  else delete target["status"];
}

function validateNew(draft: Draft<KubeObject>, served: ServedResource): void {
  const { definition, resource } = served;
  const errors = validateObjectMeta(draft.metadata, { nameRule: definition.name, namespaced: resource.namespaced });
  for (const error of definition.validate?.(draft) ?? []) errors.push(error);
  for (const error of definition.validateCreate?.(draft) ?? []) errors.push(error);
  if (errors.length > 0) throw invalid({ group: resource.group, kind: resource.kind, name: draft.metadata.name ?? "" }, errors);
}
