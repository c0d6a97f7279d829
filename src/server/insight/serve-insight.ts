import { accessExplanationKind, accessExplanationSchema } from "../../api/insight/access-explanation.ts";
import { podVerdictKind, podVerdictSchema } from "../../api/insight/pod-verdict.ts";
import type { AnyKindDefinition } from "../../api/kind.ts";
import type { JSONSchemaProps } from "../../api/generated/types/apiextensions-v1.ts";
import { apiVersionOf } from "../../meta/resource.ts";
import { schemaOf } from "../crd/schema-of.ts";
import type { Structural } from "../crd/structural.ts";
import type { ResourceTable } from "../resources/resource-table.ts";
import type { ServedResource } from "../resources/served-resource.ts";

/** Makes the resources of insight.keles.dev known; who answers for them is among the special handlers. */
export function serveInsight(table: ResourceTable): void {
  table.set(virtual(podVerdictKind as AnyKindDefinition, podVerdictSchema, ["get", "list"]));
  table.set(virtual(accessExplanationKind as AnyKindDefinition, accessExplanationSchema, ["create"]));
}

function virtual(definition: AnyKindDefinition, schema: object, verbs: readonly string[]): ServedResource {
  return {
    definition,
    resource: definition.resource,
    apiVersion: apiVersionOf(definition.resource),
    schema: schemaOf(schema as Structural),
    verbs: new Set(verbs),
    subresources: new Map(),
    hasStatus: false,
    published: schema as JSONSchemaProps as NonNullable<ServedResource["published"]>,
  };
}
