import type { CustomResourceDefinition } from "../../api/generated/types/apiextensions-v1.ts";
import { builtinResources } from "../../api/resource-facts.ts";
import { schemaByName, schemaOf } from "../../api/schemas.ts";
import { type CelType, type ObjectField, string, typeOfSchema } from "../../meta/cel/type.ts";
import type { GroupVersionKind } from "../../meta/resource.ts";
import type { KindTypes } from "../../server/admission/policy/type-check.ts";
import { celTypeOf } from "../../server/crd/cel-type.ts";
import type { Structural } from "../../server/crd/structural.ts";

/** Built-in kinds by the generated facts, custom ones by their definitions. */
export function kindTypes(definitions: readonly CustomResourceDefinition[]): KindTypes {
  return {
    kindOf(group, version, resource) {
      const fact = builtinResources.find((one) => one.group === group && one.version === version && one.resource === resource);
      if (fact !== undefined) return { group, version, kind: fact.kind };
      const definition = definitions.find(
        ({ spec }) => spec.group === group && spec.names.plural === resource && spec.versions.some(({ name, served }) => name === version && served),
      );
      return definition === undefined ? undefined : { group, version, kind: definition.spec.names.kind };
    },
    typeOf(kind) {
      const schema = schemaOf(kind);
      return schema === undefined ? customType(kind, definitions) : typeOfSchema(schema);
    },
  };
}

function customType({ group, version, kind }: GroupVersionKind, definitions: readonly CustomResourceDefinition[]): CelType | undefined {
  const definition = definitions.find(({ spec }) => spec.group === group && spec.names.kind === kind);
  const schema = definition?.spec.versions.find(({ name }) => name === version)?.schema?.openAPIV3Schema;
  const metadata = schemaByName("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
  if (schema === undefined || metadata === undefined) return undefined;
  const type = celTypeOf(schema as Structural, true);
  if (type.kind !== "object") return type;
  // What is published of a custom kind has the metadata of any object.
  const fields = new Map<string, ObjectField>([
    ...type.fields(),
    ["apiVersion", { raw: "apiVersion", type: string }],
    ["kind", { raw: "kind", type: string }],
    ["metadata", { raw: "metadata", type: typeOfSchema(metadata) }],
  ]);
  return { kind: "object", name: kind, fields: () => fields };
}
