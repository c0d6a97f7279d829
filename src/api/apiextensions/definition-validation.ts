import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dns1035LabelErrors, dnsSubdomainErrors, invalidEach } from "../../meta/validation.ts";
import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
  CustomResourceSubresourceScale,
} from "../generated/types/apiextensions-v1.ts";
import { validateWebhookClient } from "../webhook-client-config.ts";

const columnTypes = ["boolean", "date", "integer", "number", "string"];
const columnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const reviewVersions = ["v1", "v1beta1"];

/** All but the schemas. @upstream staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go ValidateCustomResourceDefinition */
export function* validateDefinition({ metadata, spec }: CustomResourceDefinition): Iterable<FieldError> {
  const path = new FieldPath("spec");
  const { group = "", scope = "" } = spec as Partial<CustomResourceDefinition["spec"]>;
  const { names, versions, conversion, preserveUnknownFields } = spec;
  const name = metadata.name ?? "";
  if (name !== `${names.plural ?? ""}.${group}`) yield new FieldPath("metadata.name").invalid(name, 'must be spec.names.plural+"."+spec.group');
  const groupFaults = dnsSubdomainErrors(group);
  if (group === "") yield path.child("group").required();
  else if (groupFaults.length > 0) yield path.child("group").invalid(group, groupFaults.join(","));
  else if (!group.includes(".")) yield path.child("group").invalid(group, "should be a domain with at least one dot");
  if (scope === "") yield path.child("scope").required();
  else if (scope !== "Cluster" && scope !== "Namespaced") yield path.child("scope").notSupported(scope, ["Cluster", "Namespaced"]);
  if (preserveUnknownFields === true) {
    yield path.child("preserveUnknownFields").invalid(true, "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead");
  }
  yield* validateVersions(path.child("versions"), versions);
  yield* validateNames(path.child("names"), names);
  yield* validateConversion(path.child("conversion"), conversion, versions);
}

function* validateVersions(path: FieldPath, versions: readonly CustomResourceDefinitionVersion[]): Iterable<FieldError> {
  const names = versions.map(({ name }) => name);
  for (const [index, version] of versions.entries()) yield* validateVersion(path.index(index), version);
  if (new Set(names).size !== names.length) yield path.invalid(versions, "must contain unique version names");
  if (versions.filter(({ storage }) => storage).length !== 1) yield path.invalid(versions, "must have exactly one version marked as storage version");
}

function* validateVersion(path: FieldPath, version: Partial<CustomResourceDefinitionVersion>): Iterable<FieldError> {
  const { name = "", deprecated = false, deprecationWarning, schema, additionalPrinterColumns = [], subresources, selectableFields = [] } = version;
  const faults = dns1035LabelErrors(name);
  if (faults.length > 0) yield path.child("name").invalid(name, faults.join(","));
  if (deprecationWarning !== undefined) {
    const at = path.child("deprecationWarning");
    if (!deprecated) yield at.invalid(deprecationWarning, "can only be set for deprecated versions");
    if (deprecationWarning === "") yield at.invalid(deprecationWarning, "must be at least 1 character long");
    else if (deprecationWarning.length > 256) yield at.tooLong(256);
    else if (/[\p{Cc}]/u.test(deprecationWarning)) yield at.invalid(deprecationWarning, "must only contain printable UTF-8 characters; non-printable character found");
  }
  if (schema?.openAPIV3Schema === undefined) yield path.child("schema", "openAPIV3Schema").required("schemas are required");
  for (const [index, column] of additionalPrinterColumns.entries()) yield* validateColumn(path.child("additionalPrinterColumns").index(index), column);
  if (subresources?.scale !== undefined) yield* validateScale(path.child("subresources", "scale"), subresources.scale);
  const seen = new Set<string>();
  for (const [index, { jsonPath = "" }] of (selectableFields as readonly { readonly jsonPath?: string }[]).entries()) {
    const at = path.child("selectableFields").index(index).child("jsonPath");
    if (jsonPath === "") yield at.required();
    else if (seen.has(jsonPath)) yield at.duplicate(jsonPath);
    seen.add(jsonPath);
  }
}

function* validateColumn(path: FieldPath, { name = "", type = "", jsonPath = "", format = "" }: Partial<CustomResourceColumnDefinition>): Iterable<FieldError> {
  if (name === "") yield path.child("name").required();
  if (type === "") yield path.child("type").required(`must be one of ${columnTypes.join(",")}`);
  else if (!columnTypes.includes(type)) yield path.child("type").invalid(type, `must be one of ${columnTypes.join(",")}`);
  if (format !== "" && !columnFormats.includes(format)) yield path.child("format").invalid(format, `must be one of ${columnFormats.join(",")}`);
  if (jsonPath === "") yield path.child("jsonPath").required();
  else yield* checkJsonPath(path.child("jsonPath"), jsonPath);
}

/** Array notation is for printer columns alone. */
function* checkJsonPath(path: FieldPath, jsonPath: string): Iterable<FieldError> {
  if (!jsonPath.startsWith(".")) yield path.invalid(jsonPath, "must be a simple json path starting with .");
}

function* validateScale(
  path: FieldPath,
  { specReplicasPath = "", statusReplicasPath = "", labelSelectorPath = "" }: Partial<CustomResourceSubresourceScale>,
): Iterable<FieldError> {
  yield* checkScalePath(path.child("specReplicasPath"), specReplicasPath, { places: [".spec"], text: ".spec" });
  yield* checkScalePath(path.child("statusReplicasPath"), statusReplicasPath, { places: [".status"], text: ".status" });
  if (labelSelectorPath !== "") yield* checkScalePath(path.child("labelSelectorPath"), labelSelectorPath, { places: [".spec", ".status"], text: "either .spec or .status" });
}

function* checkScalePath(path: FieldPath, jsonPath: string, { places, text }: { readonly places: readonly string[]; readonly text: string }): Iterable<FieldError> {
  if (jsonPath === "") yield path.required();
  else if (/[[\]]/.test(jsonPath) || !places.some((place) => jsonPath.startsWith(`${place}.`))) yield path.invalid(jsonPath, `should be a json path under ${text}`);
}

function* validateNames(path: FieldPath, names: Partial<CustomResourceDefinitionNames>): Iterable<FieldError> {
  const { plural = "", singular = "", kind = "", listKind = "", shortNames = [], categories = [] } = names;
  const label = function* (at: FieldPath, value: string): Iterable<FieldError> {
    const faults = dns1035LabelErrors(value);
    if (faults.length > 0) yield at.invalid(value, faults.join(","));
  };
  const mixed = function* (at: FieldPath, value: string): Iterable<FieldError> {
    const faults = dns1035LabelErrors(value.toLowerCase());
    if (faults.length > 0) yield at.invalid(value, `may have mixed case, but should otherwise match: ${faults.join(",")}`);
  };
  if (plural === "") yield path.child("plural").required();
  else yield* label(path.child("plural"), plural);
  if (singular === "") yield path.child("singular").required();
  else yield* label(path.child("singular"), singular);
  if (kind === "") yield path.child("kind").required();
  else yield* mixed(path.child("kind"), kind);
  if (listKind === "") yield path.child("listKind").required();
  else yield* mixed(path.child("listKind"), listKind);
  for (const [index, name] of shortNames.entries()) yield* label(path.child("shortNames").index(index), name);
  if (listKind !== "" && kind === listKind) yield path.child("listKind").invalid(listKind, "kind and listKind may not be the same");
  for (const [index, category] of categories.entries()) yield* label(path.child("categories").index(index), category);
}

function* validateConversion(path: FieldPath, conversion: CustomResourceConversion | undefined, versions: readonly CustomResourceDefinitionVersion[]): Iterable<FieldError> {
  if (conversion === undefined) return;
  const { strategy = "", webhook } = conversion as Partial<CustomResourceConversion>;
  if (strategy === "") yield path.child("strategy").required();
  else if (strategy !== "None" && strategy !== "Webhook") yield path.child("strategy").notSupported(strategy, ["None", "Webhook"]);
  if (strategy !== "Webhook") {
    if (webhook !== undefined) yield path.child("webhook").forbidden("should not be set when strategy is not set to Webhook");
    return;
  }
  if (versions.length === 0) yield path.child("strategy").invalid(strategy, "must be None if there is only one version");
  if (webhook?.clientConfig === undefined) yield path.child("webhook", "clientConfig").required("required when strategy is set to Webhook");
  else yield* validateWebhookClient(path.child("webhook", "clientConfig"), webhook.clientConfig);
  const accepted = webhook?.conversionReviewVersions ?? [];
  const at = path.child("webhook", "conversionReviewVersions");
  if (accepted.length === 0) yield at.required();
  for (const [index, version] of accepted.entries()) {
    if (accepted.indexOf(version) < index) yield at.index(index).invalid(version, "duplicate version");
    yield* invalidEach(at.index(index), version, dns1035LabelErrors(version));
  }
  if (accepted.length > 0 && !accepted.some((version) => reviewVersions.includes(version))) yield at.invalid(accepted, `must include at least one of ${reviewVersions.join(", ")}`);
}
