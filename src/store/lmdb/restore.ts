import { decodeSnapshot } from "../snapshot-format.ts";
import type { LmdbDatabase, Write } from "./database.ts";
import { encodePlace, encodeRecord, logKey } from "./layout.ts";

/** Fills a database that was opened as `restoring`. Entries of one commit keep its revision and get ops one after another. */
export async function restoreInto(database: LmdbDatabase, snapshot: AsyncIterable<Uint8Array>): Promise<void> {
  const { state } = database.view;
  const ops = new Map<number, number>();
  let newest = state.revision;
  for await (const { revision, entries } of decodeSnapshot(snapshot)) {
    newest = revision;
    const writes: Write[] = [];
    for (const entry of entries) {
      const key = Buffer.from(entry.key);
      const op = ops.get(entry.revision) ?? 0;
      ops.set(entry.revision, op + 1);
      const place = { revision: entry.revision, op, deleted: false };
      writes.push({ table: "log", key: logKey(place.revision, place.op), value: encodeRecord(key, entry.value, undefined) }, { table: "index", key, value: encodePlace(place) });
    }
    await database.write(writes, state);
  }
  await database.finish({ revision: newest, compacted: newest, scrubbed: newest });
}
