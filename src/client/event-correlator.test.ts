import fc from "fast-check";
import { expect, it } from "vitest";
import type { Event } from "../api/generated/types/core-v1.ts";
import { EventCorrelator, noteWritten } from "./event-correlator.ts";

interface Said {
  readonly about?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly fieldPath?: string;
  readonly afterMs?: number;
}

let serial = 0;
function eventOf({ about = "web", reason = "Failed", message = "no", fieldPath }: Said, nowMs: number): Event {
  serial += 1;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${about}.${serial}`, namespace: "default" },
    involvedObject: { kind: "Pod", name: about, ...(fieldPath === undefined ? {} : { fieldPath }) },
    type: "Warning",
    reason,
    message,
    firstTimestamp: `first ${nowMs}`,
    lastTimestamp: `last ${nowMs}`,
    count: 1,
  };
}

/** What becomes of each, in short: `x2 no`, `drop`. */
function correlator() {
  let nowMs = 0;
  const made = new EventCorrelator({ clock: { now: () => nowMs, after: () => () => {} } });
  return {
    made,
    say(said: Said = {}): string {
      nowMs += said.afterMs ?? 0;
      const correlated = made.correlate(eventOf(said, nowMs), said.about ?? "web");
      return correlated.action === "drop" ? "drop" : `x${correlated.event.count ?? 0} ${correlated.event.message ?? ""}`;
    },
  };
}

it("counts on the event that the server has", () => {
  const { made } = correlator();
  const first = made.correlate(eventOf({}, 5), "web");
  if (first.action !== "create") throw new Error("the first is written");
  noteWritten(first.written, { ...first.event, metadata: { name: "elsewhere" }, count: 7, firstTimestamp: "then" });
  expect(made.correlate(eventOf({}, 9), "web")).toMatchObject({
    action: "count",
    event: { metadata: { name: "elsewhere", namespace: "default" }, firstTimestamp: "then", count: 8 },
    patch: { count: 8, lastTimestamp: "last 9", message: "no" },
  });
});

it.each<[string, Said]>([
  ["object", { about: "other" }],
  ["reason", { reason: "Killed" }],
  ["message", { message: "maybe" }],
  ["field", { fieldPath: "spec.containers{a}" }],
])("takes events that differ in their %s for different ones", (_, said) => {
  const { say } = correlator();
  expect([say(), say(said), say(), say(said)].map((text) => text.slice(0, 2))).toEqual(["x1", "x1", "x2", "x2"]);
});

it("forgets the object that nothing was heard of for longest", () => {
  const { say } = correlator();
  say();
  for (let index = 1; index < 4096; index += 1) say({ about: `p${index}` });
  expect(say()).toBe("x2 no");
  for (let index = 0; index < 4096; index += 1) say({ about: `q${index}` });
  expect(say()).toBe("x1 no");
});

it("remembers four thousand kinds of event about few objects", () => {
  const { say } = correlator();
  const tell = (index: number): string => say({ about: `p${index % 400}`, reason: `r${index}` });
  for (let index = 0; index < 4096; index += 1) tell(index);
  expect(tell(0)).toBe("x2 no");
  for (let index = 4096; index < 2 * 4096; index += 1) tell(index);
  expect(tell(0)).toBe("x1 no");
});

/** The rules said plainly, with nothing forgotten but what time ends. */
function plain() {
  let nowMs = 0;
  const same = new Map<string, number>();
  const similar = new Map<string, { messages: string[]; lastMs: number }>();
  const tokens = new Map<string, { left: number; atMs: number }>();
  return ({ about = "web", reason = "Failed", message = "no", fieldPath = "", afterMs = 0 }: Said): string => {
    nowMs += afterMs;
    const kind = JSON.stringify([about, reason]);
    const known = similar.get(kind);
    const messages = known === undefined || nowMs - known.lastMs > 600_000 ? [] : known.messages;
    const now = messages.includes(message) ? messages : [...messages, message];
    const combined = now.length >= 10;
    similar.set(kind, { messages: combined ? now.slice(1) : now, lastMs: nowMs });
    const key = combined ? kind : JSON.stringify([about, reason, fieldPath, message]);
    const count = (same.get(key) ?? 0) + 1;
    same.set(key, count);
    const bucket = tokens.get(about) ?? { left: 25, atMs: nowMs };
    const left = Math.min(25, bucket.left + (nowMs - bucket.atMs) / 300_000);
    tokens.set(about, { left: left < 1 ? left : left - 1, atMs: nowMs });
    if (left < 1) return "drop";
    return `x${count} ${combined ? "(combined from similar events): " : ""}${message}`;
  };
}

it("does as the rules say", () => {
  const said = fc.record({
    about: fc.constantFrom("a", "b"),
    reason: fc.constantFrom("Failed", "Killed"),
    message: fc.integer({ min: 0, max: 14 }).map((index) => `m${index}`),
    fieldPath: fc.constantFrom("", "spec"),
    afterMs: fc.constantFrom(0, 0, 0, 1_000, 300_000, 600_000, 600_001),
  });
  fc.assert(
    fc.property(fc.array(said, { minLength: 1, maxLength: 120 }), (all) => {
      const { say } = correlator();
      const rules = plain();
      for (const one of all) expect(say(one)).toBe(rules(one));
    }),
  );
});
