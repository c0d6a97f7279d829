/** A kind as it is served: all that a client needs to form a path. `T` is the object's type. */
export interface Resource<T> {
  readonly group: string;
  readonly version: string;
  /** The lower-case plural in the path: `deployments`. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Carries T for the compiler; never present. */
  readonly __object?: T;
}

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}
export interface GroupVersionKind extends GroupVersion {
  readonly kind: string;
}
export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf({ group, version }: GroupVersion): string {
  return group === "" ? version : `${group}/${version}`;
}

/** `apps/v1` to its parts; the core group is the empty string. */
export function parseApiVersion(apiVersion: string): GroupVersion {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? { group: "", version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** `deployments.apps`, or `pods` in the core group: how messages name a resource. */
export function groupResourceText({ group, resource }: GroupResource): string {
  return group === "" ? resource : `${resource}.${group}`;
}

/** `/apis/apps/v1/namespaces/ns/deployments/name/status`; parts that are absent are left out. */
export function resourcePath(
  resource: Resource<unknown>,
  place: { readonly namespace?: string | undefined; readonly name?: string | undefined; readonly subresource?: string | undefined },
): string {
  let path = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  if (resource.namespaced && place.namespace !== undefined && place.namespace !== "") path += `/namespaces/${encodeURIComponent(place.namespace)}`;
  path += `/${resource.resource}`;
  if (place.name !== undefined) path += `/${encodeURIComponent(place.name)}`;
  if (place.subresource !== undefined) path += `/${place.subresource}`;
  return path;
}
