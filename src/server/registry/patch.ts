import type { Draft } from "../../base/values.ts";
import { parseJson } from "../../meta/json-codec.ts";
import type { KubeObject } from "../../meta/object.ts";
import { applyJsonPatch } from "../../meta/patch/json-patch.ts";
import { applyMergePatch } from "../../meta/patch/merge-patch.ts";
import { applyStrategicMergePatch } from "../../meta/patch/strategic-merge-patch.ts";
import { badRequest, failure } from "../../meta/status-error.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import { parseYaml } from "../../meta/yaml-codec.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import type { ServedResource, Storage } from "../resources/served-resource.ts";
import { decodeObject, readText } from "./body.ts";
import { entryResponse, formFor } from "./get.ts";
import { fieldManagerOf, fieldValidationOf, isDryRun } from "./options.ts";
import { changeObject } from "./update.ts";

export const patchTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

/** PATCH: the patch is applied to the object in the served version; lost races are tried again on the newer object. */
export async function patch(parts: ServerParts, context: ResourceContext, storage: Storage): Promise<ApiResponse> {
  const { served, target, query, request, warnings } = context;
  const form = formFor(context);
  const dryRun = isDryRun(query.getAll("dryRun"), "PatchOptions");
  const validation = fieldValidationOf(query, "PatchOptions");
  fieldManagerOf(query, request.headers["user-agent"], "PatchOptions");
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  const body = await readPatch(context, type);
  const apply = patcher(type, body, served);
  const entry = await changeObject(parts, context, storage, {
    dryRun,
    retryConflicts: true,
    next: (previous) => {
      const problems: string[] = [];
      const value = apply(previous);
      const draft = decodeObject({ value, problems: [] }, served, validation, problems);
      for (const text of problems) if (!warnings.includes(text)) warnings.push(text);
      checkIdentity(draft, previous, target.name);
      return Promise.resolve(draft);
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
