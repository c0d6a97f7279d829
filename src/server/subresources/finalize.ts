import { validateNamespaceFinalizers } from "../../api/core/namespace.ts";
import type { Namespace } from "../../api/generated/types/core-v1.ts";
import { invariant } from "../../base/invariant.ts";
import { clone } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import { badRequest } from "../../meta/status-error.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import { readObject } from "../registry/body.ts";
import { entryResponse, formFor } from "../registry/get.ts";
import { fieldValidationOf, isDryRun } from "../registry/options.ts";
import { changeObject } from "../registry/update.ts";

/** PUT namespaces/NAME/finalize: writes spec.finalizers only; the last one lets the namespace go. @upstream pkg/registry/core/namespace/storage */
export async function finalizeNamespace(parts: ServerParts, context: ResourceContext): Promise<ApiResponse> {
  const { served, request, query, target, warnings } = context;
  const { storage } = served;
  invariant(storage, "namespaces are not stored");
  const form = formFor(context);
  const given = (await readObject(request, served, fieldValidationOf(query, "UpdateOptions"), warnings)) as KubeObject as Namespace;
  if (given.metadata.name !== undefined && given.metadata.name !== target.name)
    throw badRequest(`the name of the object (${given.metadata.name}) does not match the name on the URL (${target.name})`);
  const entry = await changeObject(parts, { ...context, target: { ...target, namespace: "", subresource: "finalize" } }, storage, {
    dryRun: isDryRun(query.getAll("dryRun"), "UpdateOptions"),
    manager: undefined,
    rules: { validate: (object) => validateNamespaceFinalizers((object as Namespace).spec.finalizers) },
    next: (previous) => {
      const draft = clone(previous as Namespace);
      const { resourceVersion } = given.metadata;
      if (resourceVersion !== undefined) draft.metadata.resourceVersion = resourceVersion;
      draft.spec = { ...draft.spec, finalizers: [...(given.spec.finalizers ?? [])] };
      if (draft.spec.finalizers?.length === 0) delete draft.spec.finalizers;
      return Promise.resolve(clone(draft));
    },
  });
  return entryResponse(200, served, entry, form, query, parts.clock.now());
}
