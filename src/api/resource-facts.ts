import { optionalResourceFacts, resourceFacts } from "./generated/facts.ts";

/** What a v1.36 server serves by default, per resource and version: from the generated facts. */
export interface ResourceFact {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  /** OpenAPI name of the object's definition. */
  readonly definition: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: { readonly [name: string]: SubresourceFact };
}

export interface SubresourceFact {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

export const builtinResources: readonly ResourceFact[] = JSON.parse(resourceFacts) as readonly ResourceFact[];

/** What it serves besides when it is told to: versions before stable. */
export const optionalResources: readonly ResourceFact[] = JSON.parse(optionalResourceFacts) as readonly ResourceFact[];
