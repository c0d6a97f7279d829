import * as fc from "fast-check";
import { expect } from "vitest";
import { CompactedError, ConflictError, type Op, type Store } from "./contract.ts";
import { del, eventsUntil, plain, put, told } from "./suite-words.ts";
import { TwinStore } from "./twin-store.ts";

/** Random histories give the same answers as `TwinStore`; each has its own root, so that a store may serve many. */
export async function agreesWithTwin(store: Store, runs: number): Promise<void> {
  const key = fc.constantFrom("a", "b", "c", "d/1", "d/2");
  const condition = fc.constantFrom("none", "absent", "current", "stale");
  const change = fc.record({ key, action: fc.constantFrom("put", "put", "delete"), value: fc.string({ maxLength: 3 }), condition });
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ step: fc.constant("commit" as const), changes: fc.uniqueArray(change, { selector: (item) => item.key, maxLength: 4 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        step: fc.constant("range" as const),
        prefix: fc.constantFrom("", "a", "d/"),
        after: fc.option(key, { nil: undefined }),
        limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
        back: fc.option(fc.nat(12), { nil: undefined }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ step: fc.constant("watch" as const), prefix: fc.constantFrom("", "d/"), back: fc.nat(12) }) },
    { weight: 1, arbitrary: fc.record({ step: fc.constant("compact" as const), back: fc.nat(8) }) },
  );
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const root = `/run${String(run++).padStart(6, "0")}/`;
      const start = await store.revision();
      const twin = new TwinStore(start);
      for (const [index, action] of steps.entries()) {
        const head = twin.revision;
        const back = "back" in action && action.back !== undefined ? Math.max(start, head - action.back) : undefined;
        if (action.step === "commit") {
          const ops = action.changes.map(({ key, action: type, value, condition }): Op => {
            const name = root + key;
            const current = twin.range(name, head).find((entry) => entry.key === name)?.revision;
            const wanted: Op["if"] | undefined =
              condition === "none" ? undefined : condition === "absent" ? "absent" : { revision: condition === "stale" || current === undefined ? start : current };
            return type === "put" ? put(name, `${index}${value}`, wanted) : del(name, wanted);
          });
          const outcome = await store.commit(ops).catch((error: unknown) => (error instanceof ConflictError ? `conflict ${error.key} ${error.current?.revision}` : error));
          expect(outcome).toBe(twin.commit(ops));
        } else if (action.step === "range") {
          const after = action.after === undefined ? undefined : root + action.after;
          const outcome = await store
            .range(root + action.prefix, {
              ...(after === undefined ? {} : { after }),
              ...(action.limit === undefined ? {} : { limit: action.limit }),
              ...(back === undefined ? {} : { at: back }),
            })
            .catch((error: unknown) => error);
          if (back !== undefined && back < twin.compacted) {
            expect(outcome).toBeInstanceOf(CompactedError);
            continue;
          }
          const entries = twin.range(root + action.prefix, back ?? head).filter((entry) => after === undefined || entry.key > after);
          const limited = entries.slice(0, action.limit);
          const { entries: got, more, revision } = outcome as Awaited<ReturnType<Store["range"]>>;
          expect(got.map((entry) => [entry.key, plain(entry.value), entry.revision])).toEqual(limited.map((entry) => [entry.key, plain(entry.value), entry.revision]));
          expect(more).toBe(limited.length < entries.length);
          expect(revision).toBe(back ?? head);
        } else if (action.step === "watch") {
          const since = back ?? head;
          if (since < twin.compacted) {
            // Whether the compacted revision's own commit can still be seen is the engine's choice.
            if (since < twin.compacted - 1) expect(await eventsUntil(store, root, since, head).catch((error: unknown) => error)).toBeInstanceOf(CompactedError);
            continue;
          }
          expect(await eventsUntil(store, root + action.prefix, since, head)).toEqual(told(twin.events(root + action.prefix, since)));
        } else {
          const revision = back ?? head;
          await store.compact(revision);
          twin.compacted = Math.max(twin.compacted, revision);
        }
      }
    }),
    { numRuns: runs },
  );
}
