import { expect, it } from "vitest";
import { VirtualClock } from "../base/virtual-clock.ts";
import { Expectations } from "./expectations.ts";

const setup = () => {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  return { clock, expectations: new Expectations({}, { clock }) };
};

it("is satisfied once every creation was seen", () => {
  const { expectations } = setup();
  expect(expectations.satisfied("ns/a")).toBe(true);
  expectations.expectCreations("ns/a", 2);
  expectations.creationObserved("ns/a");
  expect(expectations.satisfied("ns/a")).toBe(false);
  expectations.creationObserved("ns/b");
  expect(expectations.satisfied("ns/a")).toBe(false);
  expectations.creationObserved("ns/a");
  expect(expectations.satisfied("ns/a")).toBe(true);
});

it("counts each deletion once", () => {
  const { expectations } = setup();
  expectations.expectDeletions("ns/a", ["u1", "u2"]);
  expectations.deletionObserved("ns/a", "u1");
  expectations.deletionObserved("ns/a", "u1");
  expect(expectations.satisfied("ns/a")).toBe(false);
  expectations.deletionObserved("ns/a", "u2");
  expect(expectations.satisfied("ns/a")).toBe(true);
});

it("waits for creations and deletions expected together", () => {
  const { expectations } = setup();
  expectations.expect("a", { creations: 1, deletions: ["x"] });
  expectations.creationObserved("a");
  expect(expectations.satisfied("a")).toBe(false);
  expectations.deletionObserved("a", "x");
  expect(expectations.satisfied("a")).toBe(true);
});

it("believes the cache again after five minutes, or when forgotten", async () => {
  const { clock, expectations } = setup();
  expectations.expectCreations("a", 1);
  await clock.advance(5 * 60_000);
  expect(expectations.satisfied("a")).toBe(false);
  await clock.advance(1);
  expect(expectations.satisfied("a")).toBe(true);
  expectations.expectCreations("a", 1);
  expectations.forget("a");
  expect(expectations.satisfied("a")).toBe(true);
});
