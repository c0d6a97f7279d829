import type { Metrics } from "../base/metrics.ts";
import type { ServerParts } from "./context.ts";

/** Brings the gauges of what is stored up to date, just before they are shown. @upstream apiserver/pkg/storage/etcd3/metrics/metrics.go */
export function stateMetrics({ table, store }: Pick<ServerParts, "table" | "store">, metrics: Metrics): () => Promise<void> {
  const objects = metrics.gauge("apiserver_resource_objects", "Objects that are stored, by resource", ["group", "resource"]);
  const formerly = metrics.gauge("apiserver_storage_objects", "Objects that are stored, by resource; use apiserver_resource_objects", ["resource"]);
  const bytes = metrics.gauge("apiserver_storage_size_bytes", "Size of the store", ["storage_cluster_id"]);
  let shown = new Set<string>();
  return async () => {
    const now = new Set<string>();
    for (const {
      resource: { group, resource },
      storage,
    } of table.all()) {
      const name = group === "" ? resource : `${resource}.${group}`;
      if (storage === undefined || now.has(name)) continue;
      now.add(name);
      objects.set(storage.cache.size, [group, resource]);
      formerly.set(storage.cache.size, [name]);
    }
    // What is no longer served has nothing.
    for (const name of shown) {
      if (now.has(name)) continue;
      const [resource = "", ...group] = name.split(".");
      objects.set(0, [group.join("."), resource]);
      formerly.set(0, [name]);
    }
    shown = now;
    bytes.set(await store.size(), ["etcd-0"]);
  };
}
