import { FieldPath } from "../../meta/field-path.ts";
import { controllerOf } from "../../meta/object.ts";
import { groupResourceText, parseApiVersion } from "../../meta/resource.ts";
import { validateImmutable, validateNonnegative } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { controllerRevisions } from "../generated/resources.ts";
import type { ControllerRevision } from "../generated/types/apps-v1.ts";
import { kind } from "../kind.ts";

const data = new FieldPath("data");

/** @upstream pkg/registry/apps/controllerrevision/strategy.go */
export const controllerRevisionKind = kind<ControllerRevision>({
  resource: controllerRevisions,
  generation: "none",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.revision ??= 0;
  },
  validate: (object) => [
    ...(object.data === undefined || object.data === null ? [data.required("data is mandatory")] : []),
    ...validateNonnegative(object.revision, new FieldPath("revision")),
  ],
  validateUpdate: (next, previous) => validateImmutable(next.data, previous.data, data),
  columns: [nameColumn, { name: "Controller", type: "string", value: controllerText }, { name: "Revision", type: "string", value: ({ revision }) => revision }, ageColumn],
});

/** `statefulset.apps/web`. */
function controllerText(revision: ControllerRevision): string {
  const owner = controllerOf(revision);
  if (owner === undefined) return "<none>";
  return `${groupResourceText({ group: parseApiVersion(owner.apiVersion).group, resource: owner.kind.toLowerCase() })}/${owner.name}`;
}
