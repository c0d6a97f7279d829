import type { ResourceCache } from "../cache/resource-cache.ts";

/** The class that an annotation makes the default; of several the newest, then the first by name. */
export function defaultClass(classes: ResourceCache, annotations: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly created: string } | undefined;
  for (const [, { object }] of classes.range(classes.prefix)) {
    const { name = "", creationTimestamp: created = "" } = object.metadata;
    if (!annotations.some((annotation) => object.metadata.annotations?.[annotation] === "true")) continue;
    if (best === undefined || created > best.created) best = { name, created };
  }
  return best?.name;
}
