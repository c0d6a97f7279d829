import type { ServedResource } from "../resources/served-resource.ts";

/** `io.k8s.api.core.v1.Pod`; of a custom resource `com.example.stable.v1.CronTab`. */
export function definitionNameOfServed({ schema, resource }: ServedResource): string {
  if (schema.name !== undefined) return schema.name;
  return [...resource.group.split(".").reverse(), resource.version, resource.kind].join(".");
}
