import { kindOfDefinition, schemaByName } from "../../api/schemas.ts";
import type { GroupVersionKind } from "../../meta/resource.ts";
import type { Schema } from "../../meta/schema.ts";
import type { ServedResource } from "../resources/served-resource.ts";
import { customDefinition, customListDefinition } from "./custom-definitions.ts";
import { definitionNameOfServed } from "./definition-names.ts";
import type { Dialect, Json } from "./dialect.ts";

const META = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
/** Kinds that belong to every group and version there is. */
const inEveryGroup: { readonly [name: string]: string | undefined } = { [`${META}DeleteOptions`]: "DeleteOptions", [`${META}WatchEvent`]: "WatchEvent" };

/** Types that are documents of their own although they are texts and numbers. @upstream OpenAPISchemaType of each */
const special: { readonly [name: string]: { readonly [dialect in Dialect]: Json } | undefined } = {
  [QUANTITY]: { v2: { type: "string" }, v3: { oneOf: [{ type: "string" }, { type: "number" }] } },
  [INT_OR_STRING]: {
    v2: { type: "string", format: "int-or-string" },
    v3: { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
  },
  [`${META}Time`]: { v2: { type: "string", format: "date-time" }, v3: { type: "string", format: "date-time" } },
  [`${META}MicroTime`]: { v2: { type: "string", format: "date-time" }, v3: { type: "string", format: "date-time" } },
  [`${META}FieldsV1`]: { v2: { type: "object" }, v3: { type: "object" } },
  [`${META}Patch`]: { v2: { type: "object" }, v3: { type: "object" } },
  "io.k8s.apimachinery.pkg.runtime.RawExtension": { v2: { type: "object" }, v3: { type: "object" } },
};

/**
 * Definitions as they are asked for, with all that they lead to. `refer` gives the reference; `all` what has been
 * referred to by then. One instance makes one document.
 */
export class Definitions {
  readonly #dialect: Dialect;
  readonly #custom = new Map<string, () => Json>();
  readonly #groupVersions: readonly GroupVersionKind[];
  readonly #wanted = new Set<string>();

  /** What every group has is said to be in each of the built-in ones: documents do not change with what others define. */
  constructor(dialect: Dialect, served: readonly ServedResource[]) {
    this.#dialect = dialect;
    const seen = new Map<string, GroupVersionKind>();
    for (const entry of served) {
      const { group, version, kind } = entry.resource;
      if (entry.schema.name !== undefined) {
        seen.set(`${group}/${version}`, { group, version, kind: "" });
        continue;
      }
      const name = definitionNameOfServed(entry);
      this.#custom.set(name, () => customDefinition(dialect, { group, version, kind }, entry.published, (to) => this.refer(to)));
      this.#custom.set(`${name}List`, () => customListDefinition({ group, version, kind }, name, (to) => this.refer(to)));
    }
    this.#groupVersions = [...seen.values()].sort((a, b) => (`${a.group}/${a.version}` < `${b.group}/${b.version}` ? -1 : 1));
  }

  refer(name: string): Json {
    this.#wanted.add(name);
    return { $ref: (this.#dialect === "v2" ? "#/definitions/" : "#/components/schemas/") + name };
  }

  /** Everything referred to, and what that refers to, by name. */
  all(): { readonly [name: string]: Json } {
    const made = new Map<string, Json>();
    // The set grows while it is walked: that is how the closure comes about.
    for (const name of this.#wanted) made.set(name, this.#define(name));
    return Object.fromEntries([...made].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #define(name: string): Json {
    const custom = this.#custom.get(name);
    if (custom !== undefined) return custom();
    const known = special[name];
    if (known !== undefined) return known[this.#dialect];
    const schema = schemaByName(name);
    if (schema?.fields === undefined) return {};
    const properties: Record<string, Json> = {};
    for (const [field, value] of Object.entries(schema.fields).sort(([a], [b]) => (a < b ? -1 : 1))) properties[field] = this.#field(value);
    const every = inEveryGroup[name];
    const kind = kindOfDefinition(name);
    const kinds = every !== undefined ? this.#groupVersions.map((at) => ({ ...at, kind: every })) : kind === undefined ? [] : [kind];
    return {
      ...(Object.keys(properties).length === 0 ? {} : { properties }),
      ...(schema.required === undefined ? {} : { required: schema.required }),
      type: "object",
      ...(kinds.length === 0 ? {} : { "x-kubernetes-group-version-kind": kinds.map(({ group, version, kind: one }) => ({ group, kind: one, version })) }),
      ...(schema.mapType === undefined ? {} : { "x-kubernetes-map-type": schema.mapType }),
    };
  }

  #field(schema: Schema): Json {
    const extensions = extensionsOf(schema);
    const type = this.#type(schema);
    // In v3 nothing may stand beside a reference.
    if (this.#dialect === "v3" && "$ref" in type && Object.keys(extensions).length > 0) return { allOf: [type], ...extensions };
    return { ...type, ...extensions };
  }

  #type(schema: Schema): Json {
    switch (schema.type) {
      case "string":
      case "boolean":
        return { type: schema.type };
      case "int32":
      case "int64":
        return { format: schema.type, type: "integer" };
      case "double":
        return { format: "double", type: "number" };
      case "bytes":
        return { format: "byte", type: "string" };
      case "quantity":
        return this.refer(QUANTITY);
      case "time":
        return this.refer(`${META}Time`);
      case "microtime":
        return this.refer(`${META}MicroTime`);
      case "int-or-string":
        return this.refer(INT_OR_STRING);
      case "map":
        return { additionalProperties: schema.items === undefined ? {} : this.#field(schema.items), type: "object" };
      case "array":
        return { items: schema.items === undefined ? {} : this.#field(schema.items), type: "array" };
      default:
        return schema.name === undefined ? { type: "object" } : this.refer(schema.name);
    }
  }
}

function extensionsOf(schema: Schema): Json {
  // A definition says its own map type; a field only what differs from it.
  const mapType = schema.type === "object" && schema.name !== undefined && schema.mapType === schemaByName(schema.name)?.mapType ? undefined : schema.mapType;
  return {
    ...(schema.listMapKeys === undefined ? {} : { "x-kubernetes-list-map-keys": schema.listMapKeys }),
    ...(schema.listType === undefined ? {} : { "x-kubernetes-list-type": schema.listType }),
    ...(mapType === undefined ? {} : { "x-kubernetes-map-type": mapType }),
    ...(schema.patchMergeKey === undefined ? {} : { "x-kubernetes-patch-merge-key": schema.patchMergeKey }),
    ...(schema.patchStrategy === undefined ? {} : { "x-kubernetes-patch-strategy": schema.patchStrategy.join(",") }),
  };
}
