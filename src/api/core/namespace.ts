import { clone } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { invalidEach, qualifiedNameErrors } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { namespaces } from "../generated/resources.ts";
import type { Namespace } from "../generated/types/core-v1.ts";
import { kind } from "../kind.ts";

/** Without a domain only these are finalizers. @upstream pkg/apis/core/helper/helpers.go IsStandardFinalizerName */
const standardFinalizers = ["kubernetes", "orphan", "foregroundDeletion"];
const finalizers = new FieldPath("spec.finalizers");
const phase = new FieldPath("status.Phase");

/** @upstream pkg/registry/core/namespace/strategy.go */
export const namespaceKind = kind<Namespace>({
  resource: namespaces,
  shortNames: ["ns"],
  name: "dns-label",
  generation: "none",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.metadata ??= {};
    const { metadata } = draft;
    if (metadata.name !== undefined && metadata.name !== "") metadata.labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name };
    draft.spec ??= {};
    draft.status ??= {};
    draft.status.phase ||= "Active";
  },
  prepareCreate(draft) {
    draft.status = { phase: "Active" };
    const present = draft.spec.finalizers ?? [];
    if (!present.includes("kubernetes")) draft.spec.finalizers = [...present, "kubernetes"];
  },
  prepareUpdate(draft, previous) {
    // Only the finalize subresource takes finalizers away.
    draft.spec = clone(previous.spec);
  },
  validateCreate: ({ spec }) => validateNamespaceFinalizers(spec.finalizers),
  validateStatusUpdate: validateNamespaceStatus,
  finalizersBeside: ({ spec }) => spec.finalizers ?? [],
  markDeleting(draft) {
    draft.status = { ...draft.status, phase: "Terminating" };
  },
  columns: [nameColumn, { name: "Status", type: "string", value: ({ status }) => status?.phase ?? "" }, ageColumn],
  fieldSelectors: { "status.phase": (namespace) => namespace.status?.phase ?? "" },
});

/** Also of a write to `namespaces/finalize`. @upstream pkg/apis/core/validation/validation.go ValidateNamespaceFinalizeUpdate */
export function validateNamespaceFinalizers(names: readonly string[] = []): FieldError[] {
  return names.flatMap((name) => {
    const errors = invalidEach(finalizers, name, qualifiedNameErrors(name));
    if (!name.includes("/") && !standardFinalizers.includes(name)) errors.push(finalizers.invalid(name, "name is neither a standard finalizer name nor is it fully qualified"));
    return errors;
  });
}

/** The phase follows deletion. @upstream ValidateNamespaceStatusUpdate */
function validateNamespaceStatus({ metadata, status }: Namespace): FieldError[] {
  const shown = status?.phase ?? "";
  if (metadata.deletionTimestamp === undefined) return shown === "Active" ? [] : [phase.invalid(shown, "may only be 'Active' if `deletionTimestamp` is empty")];
  return shown === "Terminating" ? [] : [phase.invalid(shown, "may only be 'Terminating' if `deletionTimestamp` is not empty")];
}
