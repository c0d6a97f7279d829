import type { Op, Store, StoreBatch, StoreEvent } from "./contract.ts";

// The words in which the contract suite speaks of commits and events.

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const plain = (value: Uint8Array): string => new TextDecoder().decode(value);
export const put = (key: string, value = "v", condition?: Op["if"]): Op => ({ type: "put", key, value: text(value), ...(condition === undefined ? {} : { if: condition }) });
export const del = (key: string, condition?: Op["if"]): Op => ({ type: "delete", key, ...(condition === undefined ? {} : { if: condition }) });
export const same = (a: Uint8Array | undefined, b: Uint8Array): boolean => a?.length === b.length && a.every((byte, index) => byte === b[index]);
export const told = (events: readonly StoreEvent[]): string[] =>
  events.map((event) => (event.type === "put" ? `${event.revision} put ${event.key}=${plain(event.value)}` : `${event.revision} delete ${event.key}`));

/** The batches after `since` until all commits up to `until` have been delivered. */
export async function batchesUntil(store: Store, prefix: string, since: number, until: number): Promise<StoreBatch[]> {
  const controller = new AbortController();
  const batches: StoreBatch[] = [];
  if (since >= until) return batches;
  for await (const batch of store.watch(prefix, { since, signal: controller.signal })) {
    batches.push(batch);
    if (batch.revision >= until) break;
  }
  controller.abort();
  return batches;
}

export const eventsUntil = async (store: Store, prefix: string, since: number, until: number): Promise<string[]> =>
  told((await batchesUntil(store, prefix, since, until)).flatMap((batch) => batch.events));

export const contents = async (store: Store, prefix = ""): Promise<string[]> =>
  (await store.range(prefix)).entries.map((entry) => `${entry.key}=${plain(entry.value)}@${entry.revision}`);
