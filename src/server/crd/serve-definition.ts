import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from "../../api/generated/types/apiextensions-v1.ts";
import type { Column, FieldReader, KindDefinition, ScaleDefinition } from "../../api/kind.ts";
import { schemaByName } from "../../api/schemas.ts";
import type { Draft } from "../../base/values.ts";
import { decode } from "../../meta/decode.ts";
import { JsonPath } from "../../meta/json-path.ts";
import type { KubeObject } from "../../meta/object.ts";
import { humanDuration } from "../../meta/table.ts";
import type { IndexValue } from "../cache/resource-cache.ts";
import { Retirement } from "../resources/retirement.ts";
import type { ServedResource } from "../resources/served-resource.ts";
import { applyDefaults } from "./apply-defaults.ts";
import { type ConversionDeps, webhookConverter } from "./conversion-webhook.ts";
import { customValidation } from "./custom-validation.ts";
import { CustomForms, type CustomFormsOptions } from "./custom-forms.ts";
import { prune } from "./prune.ts";
import { schemaOf } from "./schema-of.ts";
import type { Structural } from "./structural.ts";

type Definition = KindDefinition<KubeObject>;
const metadataSchema = schemaByName("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");

/** Every served version of a definition, ready for the table; `retire` ends their watches. */
export function serveDefinition(definition: CustomResourceDefinition, deps: ConversionDeps): ServedDefinition {
  const { group, versions, conversion } = definition.spec;
  const retirement = new Retirement();
  const shared: Shared = {
    retirement,
    schemas: new Map(versions.map((version) => [`${group}/${version.name}`, structuralOf(version)])),
    convert: versions.length > 1 && conversion?.strategy === "Webhook" ? webhookConverter(conversion, deps) : undefined,
    cache: deps.cache,
  };
  const made = versions.map((version) => ({ version, resource: serveVersion(definition, version, shared) }));
  return {
    resources: made.filter(({ version }) => version.served).map(({ resource }) => resource),
    stored: made.find(({ version }) => version.storage)?.resource,
    retire: () => retirement.retire(),
  };
}

export interface ServedDefinition {
  readonly resources: readonly ServedResource[];
  /** The version that objects are stored in, served or not. */
  readonly stored: ServedResource | undefined;
  /** Ends all watches. */
  retire(): void;
}

/** What the versions of a definition have in common. */
interface Shared extends Pick<CustomFormsOptions, "schemas" | "convert"> {
  readonly retirement: Retirement;
  readonly cache: ConversionDeps["cache"];
}

const structuralOf = ({ schema }: CustomResourceDefinitionVersion): Structural =>
  (schema?.openAPIV3Schema ?? { type: "object", "x-kubernetes-preserve-unknown-fields": true }) as Structural;

function serveVersion(definition: CustomResourceDefinition, version: CustomResourceDefinitionVersion, { retirement, schemas, convert, cache }: Shared): ServedResource {
  const { group, names, scope, versions } = definition.spec;
  const namespaced = scope === "Namespaced";
  const resource = { group, version: version.name, resource: names.plural, kind: names.kind, namespaced };
  const structural = structuralOf(version);
  const apiVersion = `${group}/${version.name}`;
  const storageVersion = versions.find(({ storage }) => storage)?.name ?? version.name;
  const prefix = `/registry/${group}/${names.plural}/`;
  const subresources = new Map<string, { readonly group: string; readonly version: string; readonly kind: string; readonly verbs: readonly string[] }>();
  const hasStatus = version.subresources?.status !== undefined;
  const verbs = ["get", "patch", "update"];
  if (hasStatus) subresources.set("status", { group, version: version.name, kind: names.kind, verbs });
  if (version.subresources?.scale !== undefined) subresources.set("scale", { group: "autoscaling", version: "v1", kind: "Scale", verbs });
  const kind = kindOf(definition, version, structural, resource);
  // Several versions may read the same field differently.
  const isIndexed = versions.length === 1;
  const forms = new CustomForms({ apiVersion, storageVersion: `${group}/${storageVersion}`, schemas, convert });
  const objects = cache.resource(prefix);
  objects.reindex(isIndexed ? indexesOf(kind, forms) : {});
  return {
    definition: kind,
    resource,
    apiVersion,
    schema: schemaOf(structural),
    verbs: new Set(["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]),
    subresources,
    storage: { prefix, apiVersion: `${group}/${storageVersion}`, cache: objects },
    ignoresIndexes: !isIndexed,
    conversion: forms,
    otherVersion(wanted) {
      const other = schemas.get(wanted);
      return other === undefined ? undefined : { schema: schemaOf(other), convert: (object) => forms.inVersion(object, wanted) };
    },
    retirement,
    prune: (value) => pruneObject(value, structural, resource),
    hasStatus,
    published: version.schema?.openAPIV3Schema as ServedResource["published"],
  };
}

/** Entries are filed by their fields as they are served. */
function indexesOf({ fieldSelectors = {} }: Definition, forms: CustomForms): Readonly<Record<string, IndexValue>> {
  return Object.fromEntries(Object.entries(fieldSelectors).map(([field, read]): [string, IndexValue] => [field, (object) => read(forms.repaired(object))]));
}

/** Metadata is typed as any object's; the rest is pruned by the definition's schema. */
function pruneObject(
  value: Record<string, unknown>,
  structural: Structural,
  { version, kind }: { readonly version: string; readonly kind: string },
): ReturnType<NonNullable<ServedResource["prune"]>> {
  const pruned = prune(value, structural);
  if (metadataSchema === undefined || value["metadata"] === undefined) return pruned;
  const metadata = decode(metadataSchema, value["metadata"], { gvk: { version, kind } });
  return { value: { ...pruned.value, metadata: metadata.value }, problems: [...metadata.problems.map((text) => text.replace('field "', 'field "metadata.')), ...pruned.problems] };
}

function kindOf(definition: CustomResourceDefinition, version: CustomResourceDefinitionVersion, structural: Structural, resource: Definition["resource"]): Definition {
  const { names } = definition.spec;
  const warning = version.deprecated === true ? (version.deprecationWarning ?? `${resource.group}/${version.name} ${names.kind} is deprecated`) : undefined;
  const selectable: Record<string, FieldReader<KubeObject>> = {};
  for (const { jsonPath } of version.selectableFields ?? []) {
    const path = JsonPath.parse(jsonPath);
    selectable[jsonPath.replace(/^\./, "")] = (object) => textOf(path.first(object));
  }
  const scale = scaleOf(version);
  return {
    resource,
    ...(names.singular === undefined ? {} : { singular: names.singular }),
    ...(names.shortNames === undefined ? {} : { shortNames: names.shortNames }),
    ...(names.categories === undefined ? {} : { categories: names.categories }),
    generation: "all-but-metadata",
    allowUnconditionalUpdate: false,
    defaults: (draft) => applyDefaults(draft, structural),
    ...customValidation(structural),
    *warnings() {
      if (warning !== undefined) yield warning;
    },
    columns: columnsOf(version),
    fieldSelectors: selectable,
    indexedFields: Object.keys(selectable),
    ...(scale === undefined ? {} : { scale }),
  };
}

const nameColumn: Column<KubeObject> = { name: "Name", type: "string", format: "name", value: ({ metadata }) => metadata.name ?? "" };
const ageColumn: Column<KubeObject> = { name: "Age", type: "date", value: ({ metadata }, { nowMs }) => ageOf(metadata.creationTimestamp, nowMs) };
const columnTypes: readonly string[] = ["string", "integer", "number", "boolean", "date"];

function ageOf(timestamp: unknown, nowMs: number): string {
  const at = typeof timestamp === "string" ? Date.parse(timestamp) : Number.NaN;
  return Number.isNaN(at) ? "<unknown>" : humanDuration(nowMs - at);
}

function columnsOf({ additionalPrinterColumns = [] }: CustomResourceDefinitionVersion): readonly Column<KubeObject>[] {
  if (additionalPrinterColumns.length === 0) return [nameColumn, ageColumn];
  const own = additionalPrinterColumns.map(({ name, type, format, priority, jsonPath }): Column<KubeObject> => {
    const path = JsonPath.parse(jsonPath);
    return {
      name,
      type: (columnTypes.includes(type) ? type : "string") as Column<KubeObject>["type"],
      ...(format === undefined ? {} : { format }),
      ...(priority === undefined ? {} : { priority }),
      value(object, { nowMs }) {
        const [found] = path.find(object);
        if (found === undefined || found === null) return null;
        if (type === "date") return ageOf(found, nowMs);
        if (type === "integer" || type === "number") return typeof found === "number" ? found : null;
        if (type === "boolean") return typeof found === "boolean" ? found : null;
        return path.find(object).map(textOf).join(",");
      },
    };
  });
  return [nameColumn, ...own];
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value as string | number | boolean);
}

function scaleOf({ subresources }: CustomResourceDefinitionVersion): ScaleDefinition<KubeObject> | undefined {
  const given = subresources?.scale;
  if (given === undefined) return undefined;
  const spec = JsonPath.parse(given.specReplicasPath);
  const status = JsonPath.parse(given.statusReplicasPath);
  const selector = given.labelSelectorPath === undefined || given.labelSelectorPath === "" ? undefined : JsonPath.parse(given.labelSelectorPath);
  const numberAt = (path: JsonPath, object: KubeObject): number => {
    const found = path.first(object);
    return typeof found === "number" ? found : 0;
  };
  return {
    replicas: (object) => numberAt(spec, object),
    statusReplicas: (object) => numberAt(status, object),
    selector: (object) => (selector === undefined ? "" : textOf(selector.first(object))),
    setReplicas(draft, replicas) {
      setAt(draft, spec.fields ?? ["spec", "replicas"], replicas);
    },
  };
}

function setAt(draft: Draft<KubeObject>, names: readonly string[], value: unknown): void {
  let target = draft as unknown as Record<string, unknown>;
  for (const name of names.slice(0, -1)) target = (target[name] ??= {}) as Record<string, unknown>;
  const last = names[names.length - 1];
  if (last !== undefined) target[last] = value;
}
