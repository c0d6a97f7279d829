import type { ListMeta, ObjectMeta, OwnerReference } from "./generated/meta-v1.ts";

/** Any object of the API, JSON-shaped. Objects that come from a cache are frozen. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** An object whose other fields are looked at without a type. */
export type AnyObject = KubeObject & { readonly [field: string]: unknown };

export interface KubeList<T> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ListMeta;
  readonly items: readonly T[];
}

/** `ns/name`, or `name` for what has no namespace: the key of work queues and listers. */
export function keyOf(object: { readonly metadata: ObjectMeta }): string {
  const { namespace, name = "" } = object.metadata;
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

/** `ns/name` to its parts; the namespace of `name` alone is the empty string. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { namespace: "", name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The owner that manages this object, if one does. */
export function controllerOf(object: { readonly metadata: ObjectMeta }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}
