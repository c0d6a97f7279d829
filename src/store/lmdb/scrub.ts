import type { Write } from "./database.ts";
import { type Place, decodePrevious, decodeRecordKey, isDelete, logKey } from "./layout.ts";
import type { View } from "./view.ts";

export interface Scrub {
  readonly writes: readonly Write[];
  /** Nothing superfluous is left up to here. */
  readonly scrubbed: number;
}

/**
 * Walks the log up to `compacted` and removes what only older revisions could see: the version that each change
 * superseded, and deletes themselves. Stops at the end of a commit once `budget` log entries were looked at. `changed`
 * tells where a key will stand after the transaction in which the removals happen.
 */
export function scrub(view: View, compacted: number, budget: number, changed: (key: string) => Place | undefined): Scrub {
  const writes: Write[] = [];
  let current = view.state.scrubbed;
  if (current >= compacted) return { writes, scrubbed: current };
  let seen = 0;
  for (const { revision, op, head } of view.heads(current)) {
    if (revision > compacted) break;
    if (revision !== current && seen >= budget) return { writes, scrubbed: current };
    current = revision;
    seen += 1;
    const previous = decodePrevious(head);
    if (previous !== undefined) writes.push({ table: "log", key: logKey(previous.revision, previous.op) });
    if (!isDelete(head)) continue;
    writes.push({ table: "log", key: logKey(revision, op) });
    const name = decodeRecordKey(head);
    const key = Buffer.from(name);
    if ((changed(name) ?? view.place(key))?.revision === revision) writes.push({ table: "index", key });
  }
  return { writes, scrubbed: compacted };
}
