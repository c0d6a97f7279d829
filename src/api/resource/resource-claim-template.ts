import { FieldPath } from "../../meta/field-path.ts";
import { validateAnnotations, validateImmutable, validateLabels } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { resourceClaimTemplates } from "../generated/resources.ts";
import type { ResourceClaimTemplate } from "../generated/types/resource-v1.ts";
import { kind } from "../kind.ts";
import { defaultDeviceClaim, validateDeviceClaim } from "./device-requests.ts";

/** @upstream pkg/registry/resource/resourceclaimtemplate/strategy.go */
export const resourceClaimTemplateKind = kind<ResourceClaimTemplate>({
  resource: resourceClaimTemplates,
  generation: "none",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= { spec: {} };
    draft.spec.spec ??= {};
    draft.spec.spec.devices ??= {};
    defaultDeviceClaim(draft.spec.spec.devices);
  },
  // The spec never changes: what was valid when it was made is not looked at again.
  *validateCreate({ spec }) {
    const path = new FieldPath("spec");
    yield* validateLabels(spec.metadata?.labels, path.child("metadata", "labels"));
    yield* validateAnnotations(spec.metadata?.annotations, path.child("metadata", "annotations"));
    yield* validateDeviceClaim(path.child("spec", "devices"), spec.spec.devices ?? {});
  },
  validateUpdate: ({ spec }, previous) => validateImmutable(spec, previous.spec, new FieldPath("spec")),
  columns: [nameColumn, ageColumn],
});
