import { type Draft, clone } from "../base/values.ts";
import { decode } from "../meta/decode.ts";
import type { KubeObject } from "../meta/object.ts";
import { type FieldError, fieldErrorBody } from "../meta/status-error.ts";
import { parseYaml } from "../meta/yaml-codec.ts";
import type { KindDefinition } from "./kind.ts";
import { schemaOf } from "./schemas.ts";

/** What became of an object, and what is wrong with it: `spec.replicas: Invalid value: -1: must be …`. */
export interface Trial<T> {
  readonly object: T;
  readonly errors: readonly string[];
}

/** For tests: a definition's part of a create, without a server. `text` is YAML; the object gets the uid `u`. */
export function tryCreate<T extends KubeObject>(definition: KindDefinition<T>, text: string): Trial<T> {
  const draft = decoded(definition, text);
  draft.metadata = { ...draft.metadata, uid: "u" };
  if (definition.keepsStatusOnCreate !== true) delete (draft as { status?: unknown }).status;
  definition.defaults?.(draft);
  definition.prepareCreate?.(draft);
  const object = draft as unknown as T;
  return { object, errors: texts([...(definition.validate?.(object) ?? []), ...(definition.validateCreate?.(object) ?? [])]) };
}

/** The same for an update: `change` works on a copy of what is there. */
export function tryUpdate<T extends KubeObject>(definition: KindDefinition<T>, previous: T, change: (draft: Draft<T>) => void): Trial<T> {
  const draft = clone(previous) as Draft<T>;
  change(draft);
  definition.defaults?.(draft);
  definition.prepareUpdate?.(draft, previous);
  const object = draft as unknown as T;
  return { object, errors: texts([...(definition.validate?.(object) ?? []), ...(definition.validateUpdate?.(object, previous) ?? [])]) };
}

export function tryStatusUpdate<T extends KubeObject>(definition: KindDefinition<T>, previous: T, change: (draft: Draft<T>) => void): Trial<T> {
  const draft = clone(previous) as Draft<T>;
  change(draft);
  definition.defaults?.(draft);
  definition.prepareStatusUpdate?.(draft, previous);
  const object = draft as unknown as T;
  return { object, errors: texts([...(definition.validateStatusUpdate?.(object, previous) ?? [])]) };
}

/** The cells of one row by column, those of -o wide included. */
export function rowOf<T extends KubeObject>(definition: KindDefinition<T>, object: T, nowMs: number): Record<string, unknown> {
  return Object.fromEntries((definition.columns ?? []).map((column) => [column.name, column.value(object, { nowMs })]));
}

function decoded<T extends KubeObject>({ resource }: KindDefinition<T>, text: string): Draft<T> {
  const schema = schemaOf(resource);
  if (schema === undefined) throw new Error(`no schema of ${resource.kind}`);
  return decode(schema, parseYaml(text).value).value as Draft<T>;
}

const texts = (errors: readonly FieldError[]): string[] => errors.map((error) => `${error.field}: ${fieldErrorBody(error)}`);
