import type { JSONSchemaProps } from "../../api/generated/types/apiextensions-v1.ts";

/** A structural schema: JSONSchemaProps with the unions that it may hold made plain. */
export type Structural = Omit<JSONSchemaProps, "items" | "additionalProperties" | "properties"> & {
  readonly items?: Structural;
  readonly additionalProperties?: Structural | boolean;
  readonly properties?: { readonly [name: string]: Structural };
};

export const isIntOrString = (schema: Structural): boolean => schema["x-kubernetes-int-or-string"] === true;
export const keepsUnknown = (schema: Structural): boolean => schema["x-kubernetes-preserve-unknown-fields"] === true;
export const isEmbedded = (schema: Structural): boolean => schema["x-kubernetes-embedded-resource"] === true;

/** Fields that every object of the API has, whatever the schema says. */
export const objectFields: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
