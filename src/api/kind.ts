import type { Draft } from "../base/values.ts";
import type { KubeObject } from "../meta/object.ts";
import type { Resource } from "../meta/resource.ts";
import type { FieldError } from "../meta/status-error.ts";

/**
 * All that is particular to one kind in one version. The generic server, discovery, tables and clients are driven by
 * this and by the generated facts; what a definition leaves out has the behaviour most kinds share.
 */
export interface KindDefinition<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** What metadata.name must be; `dns-subdomain` when left out. */
  readonly name?: NameRule;

  /** Fills in what upstream's defaulting fills in. Runs on every decoded object, also those read from the store. */
  defaults?(draft: Draft<T>): void;
  /** Before validation of a create: drop what a creator may not set. `status` has been emptied where it is a subresource. */
  prepareCreate?(draft: Draft<T>): void;
  /** Before validation of an update of the main resource: carry over what an updater may not change. `status` is carried over already. */
  prepareUpdate?(draft: Draft<T>, previous: T): void;
  /** Before validation of a status update: `spec`, and metadata but for what status writers may set, are carried over already. */
  prepareStatusUpdate?(draft: Draft<T>, previous: T): void;
  /** Everything but metadata, which is validated for all kinds alike. */
  validate?(object: T): Iterable<FieldError>;
  /** What holds only when an object is made; runs besides validate. */
  validateCreate?(object: T): Iterable<FieldError>;
  /** What may not change; runs besides validate. */
  validateUpdate?(object: T, previous: T): Iterable<FieldError>;
  validateStatusUpdate?(object: T, previous: T): Iterable<FieldError>;
  /** Texts for the Warning header. */
  warnings?(object: T, previous: T | undefined): Iterable<string>;
  /** `spec`: metadata.generation starts at 1 and rises when spec changes. When left out: `spec` for kinds with a status subresource or named in upstream's strategies. */
  readonly generation?: "spec" | "spec-and-annotations" | "all-but-metadata" | "none";
  /** A creator may set `status` although it is a subresource: Nodes register with theirs. */
  readonly keepsStatusOnCreate?: boolean;
  /** What stays allowed although it may not be written: true permits update without resourceVersion. @upstream AllowUnconditionalUpdate */
  readonly allowUnconditionalUpdate?: boolean;
  /** PUT creates what is not there (Leases, Events, Endpoints …). @upstream AllowCreateOnUpdate */
  readonly allowCreateOnUpdate?: boolean;
  /** Seconds that deletion waits when the caller names none; absent: deleted at once. */
  gracePeriodSeconds?(object: T, requested: number | undefined): number;

  /** Finalizers that stand elsewhere than in metadata: spec.finalizers of a Namespace. */
  finalizersBeside?(object: T): readonly string[];
  /** What else changes when deletion begins and has to wait: the phase of a Namespace. */
  markDeleting?(draft: Draft<T>): void;

  readonly columns?: readonly Column<T>[];
  /** Beyond metadata.name and metadata.namespace. The value as text, "" when absent. */
  readonly fieldSelectors?: { readonly [field: string]: FieldReader<T> };
  /** Which of `fieldSelectors` are worth an index in the watch cache. */
  readonly indexedFields?: readonly string[];
  readonly scale?: ScaleDefinition<T>;
}

export type NameRule = "dns-subdomain" | "dns-label" | "dns-label-1035" | "path-segment" | "rbac";

/** One column of a Table. `priority` above 0 shows only with -o wide. */
export interface Column<T> {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: string;
  readonly priority?: number;
  value(object: T, context: { readonly nowMs: number }): string | number | boolean | null;
}

export interface ScaleDefinition<T> {
  replicas(object: T): number;
  setReplicas(draft: Draft<T>, replicas: number): void;
  statusReplicas(object: T): number;
  /** The label selector as text. */
  selector(object: T): string;
}

/** A field's value as text. Written as a method so that the definition of a Pod is one of any object. */
export type FieldReader<T> = { read(object: T): string }["read"];

/** What a registry holds: every definition is one. */
export type AnyKindDefinition = KindDefinition<KubeObject>;

/** Types a definition by its resource. */
export function kind<T extends KubeObject>(definition: KindDefinition<T>): KindDefinition<T> {
  return definition;
}
