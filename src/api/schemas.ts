import { invariant } from "../base/invariant.ts";
import type { GroupVersionKind } from "../meta/resource.ts";
import type { Schema, SchemaType } from "../meta/schema.ts";
import { definitionFacts } from "./generated/facts.ts";

/** `s`, `#io.k8s…PodSpec`, `Jio.k8s…RawExtension`, `[s`, `{Q`, `["[", code]`, or a code with list, map and patch attributes. */
type FieldCode = string | readonly [string, FieldCode] | AttributedCode;
interface AttributedCode {
  readonly t: FieldCode;
  readonly lt?: "atomic" | "set" | "map";
  readonly lk?: readonly string[];
  readonly mt?: "atomic" | "granular";
  readonly mk?: string;
  /** Comma-separated. */
  readonly ps?: string;
}
interface DefinitionFacts {
  readonly f: { readonly [field: string]: FieldCode };
  readonly r?: readonly string[];
  readonly mt?: "atomic" | "granular";
  readonly k?: readonly [group: string, version: string, kind: string];
}
interface Attributes {
  readonly listType?: Schema["listType"];
  readonly listMapKeys?: Schema["listMapKeys"];
  readonly mapType?: Schema["mapType"];
  readonly patchMergeKey?: string;
  readonly patchStrategy?: readonly string[];
}

const scalarTypes: { readonly [code: string]: SchemaType } = {
  s: "string",
  b: "boolean",
  i: "int32",
  l: "int64",
  d: "double",
  B: "bytes",
  Q: "quantity",
  T: "time",
  M: "microtime",
  I: "int-or-string",
  J: "any",
};

/** Key fields of lists that upstream defaults before it compares keys. */
const keyDefaults: { readonly [definition: string]: { readonly [field: string]: string } | undefined } = {
  "io.k8s.api.core.v1.ContainerPort": { protocol: "TCP" },
  "io.k8s.api.core.v1.ServicePort": { protocol: "TCP" },
};

/**
 * Lists that are optional and all the same kept when they are empty: Go writes most of them though they are empty, and to
 * rules of scaling an empty list of policies is another thing than none.
 */
const keptEmpty = new Set([
  "io.k8s.api.autoscaling.v2.HPAScalingRules.policies",
  "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus.currentMetrics",
  "io.k8s.api.core.v1.ContainerImage.names",
  "io.k8s.api.core.v1.ProjectedVolumeSource.sources",
  "io.k8s.api.discovery.v1.EndpointSlice.ports",
  "io.k8s.api.flowcontrol.v1.ResourcePolicyRule.namespaces",
  "io.k8s.api.rbac.v1.ClusterRole.rules",
  "io.k8s.api.rbac.v1.Role.rules",
  "io.k8s.api.storage.v1.CSINodeDriver.topologyKeys",
  "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus.conditions",
  "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus.storedVersions",
]);

let factsByName: { readonly [name: string]: DefinitionFacts } | undefined;
let namesByKind: Map<string, string> | undefined;
const schemas = new Map<string, Schema>();
const scalars = new Map<string, Schema>();

function facts(): { readonly [name: string]: DefinitionFacts } {
  factsByName ??= JSON.parse(definitionFacts) as { readonly [name: string]: DefinitionFacts };
  return factsByName;
}

/** A definition; its fields are built when first looked at, because definitions refer to themselves. */
class DefinitionSchema implements Schema {
  readonly type = "object";
  readonly name: string;
  readonly required: readonly string[] | undefined;
  readonly mapType: Schema["mapType"];
  readonly patchStrategy: readonly string[] | undefined;
  readonly #codes: DefinitionFacts["f"];
  #fields: { readonly [name: string]: Schema } | undefined;

  constructor(name: string, definition: DefinitionFacts, attributes: Attributes) {
    this.name = name;
    this.required = definition.r;
    this.mapType = attributes.mapType ?? definition.mt;
    this.patchStrategy = attributes.patchStrategy;
    this.#codes = definition.f;
  }

  get fields(): { readonly [name: string]: Schema } {
    if (this.#fields === undefined) {
      const fields: Record<string, Schema> = {};
      for (const name in this.#codes) {
        const code = this.#codes[name];
        const fallback = keyDefaults[this.name]?.[name];
        if (code === undefined) continue;
        fields[name] = fallback === undefined ? this.#field(name, code) : { ...schemaOfCode(code), default: fallback };
      }
      this.#fields = fields;
    }
    return this.#fields;
  }

  #field(name: string, code: FieldCode): Schema {
    const schema = schemaOfCode(code);
    // Optional fields are those that Go leaves out when they are empty, and some more that are named above.
    if (schema instanceof CollectionSchema) schema.omitsEmpty = this.required?.includes(name) !== true && !keptEmpty.has(`${this.name}.${name}`);
    return schema;
  }
}

/** An array or a map; what it holds is built when first looked at. */
class CollectionSchema implements Schema {
  readonly type: "array" | "map";
  readonly listType: Schema["listType"];
  readonly listMapKeys: readonly string[] | undefined;
  readonly mapType: Schema["mapType"];
  readonly patchMergeKey: string | undefined;
  readonly patchStrategy: readonly string[] | undefined;
  /** Of the field whose value it is. */
  omitsEmpty = false;
  readonly #code: FieldCode;
  #items: Schema | undefined;

  constructor(type: "array" | "map", code: FieldCode, attributes: Attributes) {
    this.type = type;
    this.listType = attributes.listType;
    this.listMapKeys = attributes.listMapKeys;
    this.mapType = attributes.mapType;
    this.patchMergeKey = attributes.patchMergeKey;
    this.patchStrategy = attributes.patchStrategy;
    this.#code = code;
  }

  get items(): Schema {
    this.#items ??= schemaOfCode(this.#code);
    return this.#items;
  }
}

function schemaOfCode(code: FieldCode, attributes: Attributes = {}): Schema {
  if (typeof code === "object") {
    if (!("t" in code)) return new CollectionSchema(code[0] === "[" ? "array" : "map", code[1], attributes);
    return schemaOfCode(code.t, {
      ...(code.lt === undefined ? {} : { listType: code.lt }),
      ...(code.lk === undefined ? {} : { listMapKeys: code.lk }),
      ...(code.mt === undefined ? {} : { mapType: code.mt }),
      ...(code.mk === undefined ? {} : { patchMergeKey: code.mk }),
      ...(code.ps === undefined ? {} : { patchStrategy: code.ps.split(",") }),
    });
  }
  const first = code.charAt(0);
  if (first === "[" || first === "{") return new CollectionSchema(first === "[" ? "array" : "map", code.slice(1), attributes);
  if (first === "#") {
    const name = code.slice(1);
    const schema = Object.keys(attributes).length === 0 ? schemaByName(name) : definition(name, attributes);
    invariant(schema, `definition ${name} is among the facts`);
    return schema;
  }
  let scalar = scalars.get(code);
  if (scalar === undefined) {
    const type = scalarTypes[first];
    invariant(type, `field code ${code} is known`);
    scalar = code.length === 1 ? { type } : { type, name: code.slice(1) };
    scalars.set(code, scalar);
  }
  return scalar;
}

function definition(name: string, attributes: Attributes): Schema | undefined {
  const known = facts();
  const found = Object.hasOwn(known, name) ? known[name] : undefined;
  return found === undefined ? undefined : new DefinitionSchema(name, found, attributes);
}

/** The schema of a definition by its OpenAPI name: `io.k8s.api.core.v1.PodSpec`. The same object every time. */
export function schemaByName(name: string): Schema | undefined {
  const known = schemas.get(name);
  if (known !== undefined) return known;
  const made = definition(name, {});
  if (made !== undefined) schemas.set(name, made);
  return made;
}

/** The schema of a built-in kind, lists among them. */
export function schemaOf({ group, version, kind }: GroupVersionKind): Schema | undefined {
  const name = definitionNameOf({ group, version, kind });
  return name === undefined ? undefined : schemaByName(name);
}

/** `{ apps, v1, Deployment }` to `io.k8s.api.apps.v1.Deployment`. */
export function definitionNameOf({ group, version, kind }: GroupVersionKind): string | undefined {
  if (namesByKind === undefined) {
    namesByKind = new Map();
    for (const [name, { k }] of Object.entries(facts())) if (k !== undefined) namesByKind.set(k.join("/"), name);
  }
  return namesByKind.get(`${group}/${version}/${kind}`);
}

/** The kind of a definition that is one of an object or a list; undefined for parts and for what every group has: DeleteOptions. */
export function kindOfDefinition(name: string): GroupVersionKind | undefined {
  const known = facts();
  const parts = Object.hasOwn(known, name) ? known[name]?.k : undefined;
  return parts === undefined ? undefined : { group: parts[0], version: parts[1], kind: parts[2] };
}

/** All definitions by OpenAPI name, sorted. */
export function definitionNames(): readonly string[] {
  return Object.keys(facts());
}
