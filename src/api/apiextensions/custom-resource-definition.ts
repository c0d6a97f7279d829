import type { Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateImmutable } from "../../meta/validation.ts";
import { customResourceDefinitions } from "../generated/resources.ts";
import type { CustomResourceDefinition } from "../generated/types/apiextensions-v1.ts";
import { kind } from "../kind.ts";
import { defaultWebhookClient } from "../webhook-client-config.ts";
import { validateDefinition } from "./definition-validation.ts";

/**
 * The schemas inside are checked by what serves custom resources. Conditions and accepted names are set by a
 * controller. @upstream staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go
 */
export const customResourceDefinitionKind = kind<CustomResourceDefinition>({
  resource: customResourceDefinitions,
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  generation: "spec",
  defaults: defaultDefinition,
  prepareCreate(draft) {
    draft.status = {};
    addStoredVersions(draft);
  },
  prepareUpdate: addStoredVersions,
  *validate(definition) {
    yield* validateDefinition(definition);
    yield* validateStoredVersions(definition);
  },
  *validateUpdate(next, previous) {
    yield* validateImmutable(next.spec.group, previous.spec.group, new FieldPath("spec.group"));
    yield* validateImmutable(next.spec.names.plural, previous.spec.names.plural, new FieldPath("spec.names.plural"));
    if (!isEstablished(previous)) return;
    yield* validateImmutable(next.spec.scope, previous.spec.scope, new FieldPath("spec.scope"));
    yield* validateImmutable(next.spec.names.kind, previous.spec.names.kind, new FieldPath("spec.names.kind"));
  },
  *validateStatusUpdate(definition) {
    yield* validateStoredVersions(definition);
  },
});

/** @upstream staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go */
function defaultDefinition(draft: Draft<CustomResourceDefinition>): void {
  draft.spec ??= { group: "", names: { kind: "", plural: "" }, scope: "", versions: [] };
  draft.spec.names ??= { kind: "", plural: "" };
  draft.spec.versions ??= [];
  const { names } = draft.spec;
  if ((names.singular ?? "") === "") names.singular = (names.kind ?? "").toLowerCase();
  if ((names.listKind ?? "") === "" && (names.kind ?? "") !== "") names.listKind = `${names.kind}List`;
  draft.spec.conversion ??= { strategy: "None" };
  defaultWebhookClient(draft.spec.conversion.webhook?.clientConfig);
  draft.status ??= {};
}

/** What has ever been the storage version stays listed until a migration says otherwise. */
function addStoredVersions(draft: Draft<CustomResourceDefinition>): void {
  const stored = draft.spec.versions.filter(({ storage }) => storage).map(({ name }) => name);
  const known = draft.status?.storedVersions ?? [];
  const added = stored.filter((name) => !known.includes(name));
  if (added.length > 0) draft.status = { ...draft.status, storedVersions: [...known, ...added] };
}

function* validateStoredVersions({ spec, status }: CustomResourceDefinition): Iterable<FieldError> {
  const path = new FieldPath("status.storedVersions");
  const stored = status?.storedVersions ?? [];
  if (status !== undefined && stored.length === 0) yield path.invalid(stored, "must have at least one stored version");
  for (const [index, name] of stored.entries()) {
    if (spec.versions.some((version) => version.name === name)) continue;
    const until = `until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    yield path.index(index).invalid(name, `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions ${until}`);
  }
}

/** Whether its resources are served. */
export function isEstablished({ status }: CustomResourceDefinition): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === "Established" && value === "True") === true;
}
