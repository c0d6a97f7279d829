import type { CustomResourceDefinition } from "../../api/generated/types/apiextensions-v1.ts";
import { deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import { invalid } from "../../meta/status-error.ts";
import type { AdmissionPlugin } from "../admission/admission.ts";
import { checkSchema } from "./check-structure.ts";
import { checkSelectable } from "./check-selectable.ts";
import { checkApproval } from "./api-approval.ts";
import type { Structural } from "./structural.ts";

/** Refuses definitions whose schemas are not structural, or whose rules do not compile. What did not change is let be. */
export const definitionSchemas: AdmissionPlugin = {
  name: "CustomResourceDefinitionSchemas",
  validate({ operation, served, subresource, object, previous, name }) {
    const { group, resource } = served.resource;
    if (resource !== "customresourcedefinitions" || group !== "apiextensions.k8s.io" || subresource !== "" || object === undefined || operation === "DELETE") return;
    const { spec } = object as unknown as CustomResourceDefinition;
    const before = (previous as CustomResourceDefinition | undefined)?.spec.versions ?? [];
    const [first] = spec.versions;
    // One schema of all versions stands in one place, as upstream keeps it.
    const isShared = spec.versions.every(({ schema }) => deepEqual(schema, first?.schema));
    const errors = (isShared ? spec.versions.slice(0, 1) : spec.versions).flatMap((version, index) => {
      const schema = version.schema?.openAPIV3Schema;
      const known = before.find((other) => other.name === version.name)?.schema?.openAPIV3Schema;
      if (schema === undefined || (known !== undefined && deepEqual(schema, known))) return [];
      const path = new FieldPath(isShared ? "spec.validation.openAPIV3Schema" : `spec.versions[${index}].schema.openAPIV3Schema`);
      return [...checkSchema(schema as Structural, path)];
    });
    errors.push(...checkApproval(object as unknown as CustomResourceDefinition, previous as CustomResourceDefinition | undefined));
    for (const [index, version] of spec.versions.entries()) {
      const same = before.find((other) => other.name === version.name);
      if (deepEqual(same?.selectableFields, version.selectableFields) && deepEqual(same?.schema, version.schema)) continue;
      errors.push(...checkSelectable(version, new FieldPath(`spec.versions[${index}].selectableFields`)));
    }
    if (errors.length > 0) throw invalid({ group, kind: served.resource.kind, name }, errors);
  },
};
