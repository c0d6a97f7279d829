import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseYaml, parseYamlDocuments, toYaml } from "./yaml-codec.ts";

describe("parseYaml", () => {
  it.each([
    ["a: yes", { a: true }],
    ["a: off", { a: false }],
    ["a: 0777", { a: 511 }],
    ["a: 0x1F", { a: 31 }],
    ["a: 1_000", { a: 1000 }],
    ["a: 08", { a: 8 }],
    ["a: 1:30", { a: "1:30" }],
    ["a: 2026-01-01", { a: "2026-01-01" }],
    ["a: 1e3", { a: 1000 }],
    ["a: ~", { a: null }],
    ["1: x\ntrue: z", { "1": "x", true: "z" }],
    ["base: &b {k: 1, l: 2}\nnext: {<<: *b, l: 3}", { base: { k: 1, l: 2 }, next: { k: 1, l: 3 } }],
    ["", null],
    ['{"a": ["b"]}', { a: ["b"] }],
  ])("%j", (text, value) => {
    expect(parseYaml(text)).toEqual({ value, problems: [] });
  });

  it("reports keys that come twice; the last one counts", () => {
    expect(parseYaml("a: 1\nb: {c: 1, c: 2}\na: 2")).toEqual({ value: { a: 2, b: { c: 2 } }, problems: ['key "c" already set in map', 'key "a" already set in map'] });
    expect(parseYaml("b: &b {x: 1}\nn:\n  <<: *b\n  x: 2\n  x: 3").problems).toEqual(['key "x" already set in map']);
  });

  it("copies what aliases share", () => {
    const { value } = parseYaml("a: &x {k: 1}\nb: *x");
    const { a, b } = value as { a: object; b: object };
    expect(a).toEqual(b);
    expect(a).not.toBe(b);
  });

  it("refuses aliases that explode or contain themselves", () => {
    const bomb = Array.from({ length: 12 }, (_, level) => `a${level}: &a${level} [${Array.from({ length: 10 }, () => (level === 0 ? "x" : `*a${level - 1}`)).join(", ")}]`).join(
      "\n",
    );
    expect(() => parseYaml(bomb)).toThrow("excessive aliasing");
    expect(() => parseYaml("a: &a [*a]")).toThrow("contains itself");
    expect(() => parseYaml(`${"[".repeat(2000)}${"]".repeat(2000)}`)).toThrow("error converting YAML to JSON: yaml: line 1:");
  });

  it("names the line of a fault", () => {
    expect(() => parseYaml("a: 1\nb: c: d")).toThrow("error converting YAML to JSON: yaml: line 2: ");
  });

  it("reads a stream of documents and leaves out empty ones", () => {
    expect(parseYamlDocuments("a: 1\n---\n---\n# nothing\n---\nb: 2\n").map(({ value }) => value)).toEqual([{ a: 1 }, { b: 2 }]);
  });
});

describe("toYaml", () => {
  it("prints as kubectl does", () => {
    const text = toYaml({
      kind: "Pod",
      apiVersion: "v1",
      metadata: { name: "a", creationTimestamp: "2026-01-01T00:00:00Z", labels: { b: "true", a: "1" }, annotations: { note: "a: b", list: "- x", "last-applied": '{"a":1}\n' } },
      spec: {
        containers: [{ name: "c", args: ["a\nb", "", " x", "tab\t", "'q'", "#no", "a #b", "1.5", "0x1f", "on"], env: [] }],
        nested: [["a", ["b"]], {}],
        on: null,
        x: undefined,
      },
      status: { ratio: 0.5, big: 1234567.5, count: 3 },
    });
    expect(text).toBe(`apiVersion: v1
kind: Pod
metadata:
  annotations:
    last-applied: |
      {"a":1}
    list: '- x'
    note: 'a: b'
  creationTimestamp: "2026-01-01T00:00:00Z"
  labels:
    a: "1"
    b: "true"
  name: a
spec:
  containers:
  - args:
    - |-
      a
      b
    - ""
    - ' x'
    - "tab\\t"
    - '''q'''
    - '#no'
    - 'a #b'
    - "1.5"
    - "0x1f"
    - "on"
    env: []
    name: c
  nested:
  - - a
    - - b
  - {}
  "on": null
status:
  big: 1.2345675e+06
  count: 3
  ratio: 0.5
`);
  });

  it("folds long text after column 80", () => {
    expect(toYaml({ message: `The node was low on resource: memory. Threshold quantity: 100Mi, available: 98Mi.` })).toBe(
      "message: 'The node was low on resource: memory. Threshold quantity: 100Mi, available:\n  98Mi.'\n",
    );
  });

  it("sorts keys as go-yaml does", () => {
    expect(Object.keys(parseYaml(toYaml({ a10: 1, a9: 1, "a-b": 1, ab: 1, A: 1, "a.b": 1 })).value as object)).toEqual(["A", "a-b", "a.b", "a9", "a10", "ab"]);
  });

  it("prints scalars and empty collections alone", () => {
    expect([toYaml(1), toYaml("a"), toYaml([]), toYaml({}), toYaml(null), toYaml(["a"])]).toEqual(["1\n", "a\n", "[]\n", "{}\n", "null\n", "- a\n"]);
  });

  it("is read back as it was", () => {
    const text = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: fc.constantFrom("a", " ", "\n", ":", "-", "#", "'", '"', "\\", "1", ".", "e", "~", "\t", "{"), maxLength: 120 }),
      fc.constantFrom("yes", "1e3", "0777", "2026-01-01", "<<", "=", "null", "---", "...", "? a", "!x", "&x", "*x", "%x", "@x", "`x"),
    );
    const key = fc.oneof(text, fc.string({ unit: "grapheme", minLength: 120, maxLength: 200 }));
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        text,
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(key, tie("value"), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(json, (value) => {
        const plain: unknown = JSON.parse(JSON.stringify({ value }));
        expect(parseYaml(toYaml(plain)).value).toEqual(plain);
      }),
      { numRuns: 500 },
    );
  });
});
