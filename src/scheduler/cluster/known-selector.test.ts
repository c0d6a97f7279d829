import { describe, expect, it } from "vitest";
import { knownSelector, withLabelKeys } from "./known-selector.ts";

describe("a known selector", () => {
  it("is found again by its content", () => {
    expect(knownSelector({ matchLabels: { app: "web" } })).toBe(knownSelector({ matchLabels: { app: "web" } }));
  });

  it.each([
    [undefined, undefined, false],
    [{}, undefined, true],
    [{ matchLabels: { app: "web" } }, "app=web", true],
    [{ matchExpressions: [{ key: "app", operator: "In", values: ["web"] }] }, "app=web", true],
    [{ matchExpressions: [{ key: "app", operator: "In", values: ["web", "db"] }] }, undefined, true],
    [{ matchExpressions: [{ key: "app", operator: "Exists" }] }, undefined, true],
    [{ matchExpressions: [{ key: "app", operator: "Nonsense" }] }, undefined, false],
  ])("%j wants %s of everybody", (spec, pair, selectsWeb) => {
    const known = knownSelector(spec);
    expect([known.pair, known.selector.matches({ app: "web" })]).toEqual([pair, selectsWeb]);
  });
});

describe("label keys", () => {
  const spec = { matchLabels: { app: "web" } };
  it("add the pod's own values, and only those it has", () => {
    const merged = withLabelKeys(spec, { app: "web", version: "2", tier: "x" }, { match: ["version", "absent"], mismatch: ["tier"] });
    const { selector } = knownSelector(merged);
    expect([
      selector.matches({ app: "web", version: "2" }),
      selector.matches({ app: "web", version: "1" }),
      selector.matches({ app: "web", version: "2", tier: "x" }),
      selector.matches({ app: "web", version: "2", tier: "y" }),
    ]).toEqual([true, false, false, true]);
  });

  it("that the server has merged already are not added again", () => {
    const merged = { ...spec, matchExpressions: [{ key: "version", operator: "In", values: ["1"] }] };
    expect(withLabelKeys(merged, { version: "2" }, { match: ["version"] })).toBe(merged);
  });

  it("select nothing without a selector", () => {
    expect(withLabelKeys(undefined, { version: "2" }, { match: ["version"] })).toBeUndefined();
  });
});
