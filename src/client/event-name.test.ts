import { expect, it } from "vitest";
import type { Random } from "../base/random.ts";
import { EventNames } from "./event-name.ts";

const START = Date.UTC(2026, 0, 1);
const clockAt = (now: () => number) => ({ now, after: () => () => {} });
const randomAt = (next: number): Random => ({ next: () => next, bytes: (length) => new Uint8Array(length) });
const names = (ms: number, first = 0): EventNames => new EventNames({ clock: clockAt(() => ms), random: randomAt(first / 1_000_000) });

it.each([START, START + 1, START + 0.75, START + 2 ** 24, Date.UTC(2999, 11, 31), 2 ** 24 - 1, 2 ** 24])("is the nanosecond in hexadecimal at %d ms", (ms) => {
  for (const sequence of [0, 1, 999_998]) {
    const nanoseconds = BigInt(Math.floor(ms)) * 1_000_000n + BigInt(sequence + 1);
    expect(names(ms, sequence).next("web")).toBe(`web.${nanoseconds.toString(16).padStart(7, "0")}`);
  }
});

it("begins its count anew after a million, within the same millisecond or not", () => {
  const at = names(START, 999_999);
  expect(at.next("web")).toBe(`web.${(BigInt(START) * 1_000_000n).toString(16)}`);
});

it("never gives a name twice, whatever the clock's steps", () => {
  let ms = START;
  const stepping = new EventNames({ clock: clockAt(() => ms), random: randomAt(0.5) });
  const given = new Set<string>();
  for (let index = 0; index < 5_000; index += 1) {
    if (index % 3 === 0) ms += 7;
    given.add(stepping.next("web"));
  }
  expect(given.size).toBe(5_000);
});

const v4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

it.each([
  ["a name", "web-1.example", /^web-1\.example\.[0-9a-f]{16}$/],
  ["as long as a name may be", "a".repeat(236), /^a{236}\.[0-9a-f]{16}$/],
  ["longer than that", "a".repeat(237), v4],
  ["upper case", "system:Node", v4],
  ["nothing", "", v4],
  ["an empty label", "a..b", v4],
  ["a dash at the end", "a-", v4],
])("keeps to what a name may be: %s", (_, about, expected) => expect(names(START).next(about)).toMatch(expected));
