import type { Draft } from "../../base/values.ts";
import { isTooDeep, parseJson } from "../../meta/json-codec.ts";
import type { KubeObject } from "../../meta/object.ts";
import { applyJsonPatch } from "../../meta/patch/json-patch.ts";
import { applyMergePatch } from "../../meta/patch/merge-patch.ts";
import { applyStrategicMergePatch } from "../../meta/patch/strategic-merge-patch.ts";
import { badRequest, failure, type FieldError, invalid } from "../../meta/status-error.ts";
import type { ApiRequest, ApiResponse } from "../../meta/wire.ts";
import { parseYaml } from "../../meta/yaml-codec.ts";
import { mustBeAllowedToCreate } from "../authz/may-create.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import { isTrue } from "../request-info.ts";
import { keyFor, type ServedResource, type Storage } from "../resources/served-resource.ts";
import type { Form } from "../respond/negotiate.ts";
import { decodeObject, readText } from "./body.ts";
import { createObject } from "./create.ts";
import { Drafts } from "./drafts.ts";
import { applyConfiguration } from "./field-managers.ts";
import { entryResponse, formFor } from "./get.ts";
import { type FieldValidation, fieldManagerOf, fieldValidationOf, isDryRun } from "./options.ts";
import { checkPatchShape, patchRefusal } from "./patch-refusal.ts";
import { patchTypes } from "./patch-types.ts";
import { changeObject, type UpdateRules } from "./update.ts";

/** PATCH: the patch is applied to the object in the served version; lost races are tried again on the newer object. */
export async function patch(parts: ServerParts, context: ResourceContext, storage: Storage, rules?: UpdateRules): Promise<ApiResponse> {
  const { query, request } = context;
  const type = mediaTypeOf(request);
  const isApply = type === patchTypes.apply;
  checkPatchOptions(query, isApply);
  const options = {
    form: formFor(context),
    dryRun: isDryRun(query.getAll("dryRun"), "PatchOptions"),
    validation: fieldValidationOf(query, "PatchOptions"),
    manager: fieldManagerOf(query, request.headers["user-agent"], "PatchOptions"),
    body: await readPatch(context, type),
    rules,
  };
  return isApply ? serverSideApply(parts, context, storage, options) : plainPatch(parts, context, storage, { ...options, type });
}

/** What a body says it is, without parameters. */
export function mediaTypeOf({ headers }: ApiRequest): string {
  return (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/** @upstream apimachinery/pkg/apis/meta/v1/validation ValidatePatchOptions */
export function checkPatchOptions(query: URLSearchParams, isApply: boolean): void {
  const errors: FieldError[] = [];
  if (isApply && (query.get("fieldManager") ?? "") === "") errors.push({ type: "FieldValueRequired", field: "fieldManager", detail: "is required for apply patch" });
  if (!isApply && query.has("force")) errors.push({ type: "FieldValueForbidden", field: "force", detail: "may not be specified for non-apply patch" });
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "PatchOptions", name: "" }, errors);
}

interface PatchOptions {
  readonly form: Form;
  readonly dryRun: boolean;
  readonly validation: FieldValidation;
  readonly manager: string;
  readonly body: unknown;
  readonly rules: UpdateRules | undefined;
}

async function plainPatch(
  parts: ServerParts,
  context: ResourceContext,
  storage: Storage,
  { form, dryRun, validation, manager, body, rules, type }: PatchOptions & { readonly type: string },
): Promise<ApiResponse> {
  const { served, target, query, warnings } = context;
  if (validation !== "Ignore") checkPatchShape(type, body);
  const change = patcher(type, body, served);
  const entry = await changeObject(parts, context, storage, {
    dryRun,
    manager,
    rules,
    retryConflicts: true,
    next: (previous) => {
      const problems: string[] = [];
      const changed = change(previous);
      // Patch by patch an object could grow deeper than anything that walks it can go.
      if (isTooDeep(changed)) throw badRequest("exceeded max depth");
      const draft = decodeObject({ value: changed, problems: [] }, served, validation, problems, { refuse: patchRefusal(type, body, changed) });
      for (const text of problems) if (!warnings.includes(text)) warnings.push(text);
      checkIdentity(draft, previous, target.name);
      return draft;
    },
  });
  return entryResponse(200, served, entry, form, query, parts.clock.now());
}

/** Creates what is not there (201), or lays the configuration over what is. */
async function serverSideApply(
  parts: ServerParts,
  context: ResourceContext,
  storage: Storage,
  { form, dryRun, validation, manager, body, rules }: PatchOptions,
): Promise<ApiResponse> {
  const { served, target, query, warnings } = context;
  // Looks at the configuration as strictly as at any body; what it sets is taken from the text itself.
  const config = decodeObject({ value: body, problems: [] }, served, validation, warnings);
  const name = config.metadata.name ?? "";
  if (name !== "" && name !== target.name) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${target.name})`);
  const writer = { manager, subresource: target.subresource, nowMs: parts.clock.now(), force: isTrue(query.get("force")) };
  const asDraft = (object: KubeObject): Draft<KubeObject> => decodeObject({ value: object, problems: [] }, served, "Ignore", []);
  const key = keyFor(storage, target.namespace, target.name);
  await parts.cache.fresh();
  if (storage.cache.get(key) === undefined && target.subresource === "") {
    await mustBeAllowedToCreate(parts, context);
    const applied = await applyConfiguration(body, undefined, served, writer, parts.table);
    const named = (): Draft<KubeObject> => {
      const draft = asDraft(applied);
      draft.metadata.name = target.name;
      return draft;
    };
    const entry = await createObject(parts, context, storage, new Drafts(named(), named), { dryRun, manager: undefined });
    return entryResponse(201, served, entry, form, query, parts.clock.now());
  }
  const entry = await changeObject(parts, context, storage, {
    dryRun,
    manager: undefined,
    rules,
    retryConflicts: true,
    next: async (previous) => {
      const draft = asDraft(await applyConfiguration(body, previous, served, writer, parts.table));
      checkIdentity(draft, previous, target.name);
      return draft;
    },
  });
  return entryResponse(200, served, entry, form, query, parts.clock.now());
}

async function readPatch({ request }: ResourceContext, type: string): Promise<unknown> {
  if (request.body.type === "value") return request.body.value;
  const text = await readText(request);
  if (text.trim() === "") throw badRequest("unexpected end of JSON input");
  return type === patchTypes.apply ? parseYaml(text).value : parseJson(text);
}

/** The function that the content type and the patch stand for. */
function patcher(type: string, body: unknown, served: ServedResource): (previous: KubeObject) => unknown {
  switch (type) {
    case patchTypes.json:
      return (previous) => applyJsonPatch(previous, body);
    case patchTypes.merge:
      return (previous) => applyMergePatch(previous, body);
    case patchTypes.strategic:
      return (previous) => applyStrategicMergePatch(previous, body, served.schema);
    default: {
      const accepted = Object.values(patchTypes).join(", ");
      throw failure("UnsupportedMediaType", `the body of the request was in an unknown format - accepted media types include: ${accepted}`);
    }
  }
}

function checkIdentity(draft: Draft<KubeObject>, previous: KubeObject, name: string): void {
  if (draft.metadata.name !== previous.metadata.name) throw badRequest(`the name of the object (${draft.metadata.name ?? ""}) does not match the name on the URL (${name})`);
  if (draft.metadata.namespace !== previous.metadata.namespace) throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}
