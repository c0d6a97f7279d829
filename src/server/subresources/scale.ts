import type { Scale } from "../../api/generated/types/autoscaling-v1.ts";
import { scaleColumns } from "../../api/autoscaling/scale-columns.ts";
import { schemaByName } from "../../api/schemas.ts";
import { unchecked } from "../../api/unchecked.ts";
import { clone, type Draft } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import { applyJsonPatch } from "../../meta/patch/json-patch.ts";
import { applyMergePatch } from "../../meta/patch/merge-patch.ts";
import { applyStrategicMergePatch } from "../../meta/patch/strategic-merge-patch.ts";
import { badRequest, conflict, failure, invalid, modifiedText, notFound } from "../../meta/status-error.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import { parseJson } from "../../meta/json-codec.ts";
import { parseYaml } from "../../meta/yaml-codec.ts";
import { invariant } from "../../base/invariant.ts";
import type { ScaleDefinition } from "../../api/kind.ts";
import type { CacheEntry } from "../cache/cache-entry.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import { decodeObject, readObject, readText } from "../registry/body.ts";
import { applyConfiguration } from "../registry/field-managers.ts";
import { fieldManagerOf, fieldValidationOf, isDryRun } from "../registry/options.ts";
import { checkPatchOptions, mediaTypeOf } from "../registry/patch.ts";
import { checkPatchShape, patchRefusal } from "../registry/patch-refusal.ts";
import { patchTypes } from "../registry/patch-types.ts";
import { parseResourceVersion, waitForRevision } from "../registry/resource-version.ts";
import { changeObject } from "../registry/update.ts";
import { isTrue } from "../request-info.ts";
import { keyFor, prepared, type ServedResource, type Storage, viewOf } from "../resources/served-resource.ts";
import { type Form, negotiate } from "../respond/negotiate.ts";
import { valueResponse } from "../respond/response.ts";
import { includeObjectOf, rowOf, tableOf } from "../respond/table.ts";

const scaleSchema = schemaByName("io.k8s.api.autoscaling.v1.Scale");
const scaleResource = { group: "autoscaling", version: "v1", kind: "Scale" };

/** GET, PUT and PATCH of autoscaling/v1 Scale on anything that scales. */
export async function scale(parts: ServerParts, context: ResourceContext): Promise<ApiResponse> {
  const { served, target, query, request } = context;
  const { storage } = served;
  const definition = served.definition.scale;
  invariant(storage && definition, `${served.resource.resource} has no scale`);
  const form = negotiate(request, query, { medias: ["json", "yaml", "protobuf"], table: true });
  if (target.verb === "get") {
    await waitForRevision(parts.cache, parseResourceVersion(query.get("resourceVersion"), "GetOptions"), parts.clock);
    const entry = storage.cache.get(keyFor(storage, target.namespace, target.name));
    if (entry === undefined) throw notFound({ ...served.resource, name: target.name });
    await prepared(served, [entry]);
    return scaleResponse(parts, context, definition, entry, form);
  }
  const isApply = target.verb === "patch" && mediaTypeOf(request) === patchTypes.apply;
  if (target.verb === "patch") checkPatchOptions(query, isApply);
  const entry = isApply ? await applyScale(parts, context, storage, definition) : await changeScale(parts, context, storage, definition);
  await prepared(served, [entry]);
  return scaleResponse(parts, context, definition, entry, form);
}

function scaleResponse(parts: ServerParts, { served, query }: ResourceContext, definition: ScaleDefinition<KubeObject>, entry: CacheEntry, form: Form): ApiResponse {
  const scale = scaleOf(viewOf(served, entry), definition);
  if (form.as !== "table") return valueResponse(200, scale, form);
  const shown = asScale(served);
  return valueResponse(200, tableOf(shown, [rowOf(shown, scale, includeObjectOf(query), parts.clock.now())], { resourceVersion: scale.metadata.resourceVersion }), form);
}

/** PUT and the patches that are no apply. */
async function changeScale(parts: ServerParts, context: ResourceContext, storage: Storage, definition: ScaleDefinition<KubeObject>): Promise<CacheEntry> {
  const { served, target, query, request } = context;
  const next = target.verb === "update" ? await fromUpdate(context) : await fromPatch(context, definition);
  return changeObject(parts, context, storage, {
    dryRun: isDryRun(query.getAll("dryRun"), "UpdateOptions"),
    manager: fieldManagerOf(query, request.headers["user-agent"], "UpdateOptions"),
    retryConflicts: true,
    next: (previous) => {
      const wanted = next(previous);
      checkScale(wanted, served, target.name);
      const named = wanted.metadata.resourceVersion ?? "";
      if (named !== "" && named !== previous.metadata.resourceVersion) throw conflict({ ...served.resource, name: target.name }, modifiedText);
      const draft = clone(previous);
      definition.setReplicas(draft, wanted.spec.replicas ?? 0);
      return Promise.resolve(draft);
    },
  });
}

/**
 * Server-side apply of a Scale: whoever applies it owns the replicas of the object that scales, and meets the other
 * owners of them there. @upstream apimachinery/pkg/util/managedfields/scalehandler.go
 */
async function applyScale(parts: ServerParts, context: ResourceContext, storage: Storage, definition: ScaleDefinition<KubeObject>): Promise<CacheEntry> {
  const { request, served, query, target, warnings } = context;
  const value = request.body.type === "value" ? request.body.value : parseYaml(await readText(request)).value;
  const wanted = decodeObject({ value, problems: [] }, asScale(served), fieldValidationOf(query, "PatchOptions"), warnings) as unknown as Scale;
  checkScale(wanted, served, target.name);
  const name = wanted.metadata.name ?? "";
  if (name !== "" && name !== target.name) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${target.name})`);
  const { replicas } = unchecked(wanted).spec ?? {};
  const config: Draft<KubeObject> & { spec?: object } = { apiVersion: served.apiVersion, kind: served.resource.kind, metadata: { name: target.name } };
  if (replicas !== undefined) {
    config.spec = {};
    definition.setReplicas(config, replicas);
  }
  const manager = fieldManagerOf(query, request.headers["user-agent"], "PatchOptions");
  const writer = { manager, subresource: target.subresource, nowMs: parts.clock.now(), force: isTrue(query.get("force")) };
  return changeObject(parts, context, storage, {
    dryRun: isDryRun(query.getAll("dryRun"), "PatchOptions"),
    manager: undefined,
    retryConflicts: true,
    next: async (previous) => decodeObject({ value: await applyConfiguration(config, previous, served, writer, parts.table), problems: [] }, served, "Ignore", []),
  });
}

async function fromUpdate({ request, served, target, query, warnings }: ResourceContext): Promise<(previous: KubeObject) => Scale> {
  invariant(scaleSchema, "Scale has no schema");
  const draft = await readObject(request, asScale(served), fieldValidationOf(query, "UpdateOptions"), warnings);
  if ((draft.metadata.name ?? "") !== target.name && draft.metadata.name !== undefined)
    throw badRequest(`the name of the object (${draft.metadata.name}) does not match the name on the URL (${target.name})`);
  return () => draft as unknown as Scale;
}

async function fromPatch(context: ResourceContext, definition: ScaleDefinition<KubeObject>): Promise<(previous: KubeObject) => Scale> {
  const { request, served, query, warnings } = context;
  const type = mediaTypeOf(request);
  const body = request.body.type === "value" ? request.body.value : parseJson(await readText(request));
  const validation = fieldValidationOf(query, "PatchOptions");
  if (validation !== "Ignore") checkPatchShape(type, body);
  const apply = (scale: unknown): unknown => {
    if (type === patchTypes.json) return applyJsonPatch(scale, body);
    if (type === patchTypes.merge) return applyMergePatch(scale, body);
    if (type === patchTypes.strategic && scaleSchema !== undefined) return applyStrategicMergePatch(scale, body, scaleSchema);
    throw failure("UnsupportedMediaType", `the body of the request was in an unknown format - accepted media types include: ${Object.values(patchTypes).join(", ")}`);
  };
  return (previous) => {
    const problems: string[] = [];
    const changed = apply(scaleOf(previous, definition));
    const draft = decodeObject({ value: changed, problems: [] }, asScale(served), validation, problems, { refuse: patchRefusal(type, body, changed) });
    for (const text of problems) if (!warnings.includes(text)) warnings.push(text);
    return draft as unknown as Scale;
  };
}

/** The served resource as the decoder sees it when the body is a Scale. */
function asScale(served: ServedResource): ServedResource {
  invariant(scaleSchema, "Scale has no schema");
  return {
    ...served,
    definition: { ...served.definition, columns: scaleColumns },
    prune: undefined,
    schema: scaleSchema,
    apiVersion: "autoscaling/v1",
    resource: { ...served.resource, ...scaleResource },
  };
}

function checkScale(scale: Scale, served: ServedResource, name: string): void {
  const replicas = scale.spec.replicas ?? 0;
  if (replicas >= 0) return;
  throw invalid({ group: "autoscaling", kind: "Scale", name: name === "" ? served.resource.resource : name }, [
    { type: "FieldValueInvalid", field: "spec.replicas", value: replicas, detail: "must be greater than or equal to 0" },
  ]);
}

function scaleOf(object: KubeObject, definition: ScaleDefinition<KubeObject>): Draft<Scale> {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: clone({ name, namespace, uid, resourceVersion, creationTimestamp }),
    spec: { replicas: definition.replicas(object) },
    status: { replicas: definition.statusReplicas(object), selector: definition.selector(object) },
  };
}
