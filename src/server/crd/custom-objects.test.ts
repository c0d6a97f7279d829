import { describe, expect, it } from "vitest";
import { clone } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import { FieldPath } from "../../meta/field-path.ts";
import { fieldErrorBody } from "../../meta/status-error.ts";
import { applyDefaults } from "./apply-defaults.ts";
import { checkSchema } from "./check-structure.ts";
import { customValidation } from "./custom-validation.ts";
import { isSound } from "./is-sound.ts";
import { prune } from "./prune.ts";
import type { Structural } from "./structural.ts";
import { fitsFormat } from "./text-formats.ts";

const text: Structural = { type: "string" };
const anything: Structural = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const embedded: Structural = { ...anything, "x-kubernetes-embedded-resource": true };
const inSpec = (spec: Structural): Structural => ({ type: "object", properties: { spec } });
const object = (spec: unknown): KubeObject => ({ apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "x" }, spec }) as KubeObject;
const specOf = (value: unknown): unknown => (value as { readonly spec?: unknown }).spec;

describe("pruning", () => {
  it.each<readonly [string, Structural, unknown, unknown, readonly string[]]>([
    ["drops what no schema names", { type: "object", properties: { a: text } }, { a: "1", b: 2 }, { a: "1" }, ["spec.b"]],
    ["keeps what is to be preserved", anything, { a: { b: [{ c: 1 }] } }, { a: { b: [{ c: 1 }] } }, []],
    ["keeps lists of what may be anything", { "x-kubernetes-preserve-unknown-fields": true }, [{ a: 1 }], [{ a: 1 }], []],
    [
      "prunes what is specified inside of what is preserved",
      { ...anything, properties: { a: { type: "object", properties: { b: text } } } },
      { a: { b: "1", c: 2 }, d: 3 },
      { a: { b: "1" }, d: 3 },
      ["spec.a.c"],
    ],
    ["prunes each value of a map", { type: "object", additionalProperties: { type: "object", properties: { a: text } } }, { k: { a: "1", b: 2 } }, { k: { a: "1" } }, ["spec.k.b"]],
    ["prunes each item", { type: "array", items: { type: "object", properties: { a: text } } }, [{ a: "1", b: 2 }], [{ a: "1" }], ["spec[0].b"]],
    [
      "knows the fields that any object has",
      { ...embedded, "x-kubernetes-preserve-unknown-fields": undefined as never, properties: { x: text } },
      { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, y: 1 },
      { apiVersion: "v1", kind: "Pod", metadata: { name: "p" } },
      ["spec.y"],
    ],
    [
      "prunes the metadata of objects inside",
      embedded,
      { apiVersion: "v1", kind: "Pod", metadata: { name: "p", bogus: true }, y: 1 },
      { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, y: 1 },
      ["spec.metadata.bogus"],
    ],
    [
      "is not misled by names that objects have",
      { type: "object", properties: { a: text } },
      JSON.parse('{"constructor": 1, "__proto__": 2, "a": "1"}'),
      { a: "1" },
      ["spec.constructor", "spec.__proto__"],
    ],
  ])("%s", (_, spec, value, expected, unknown) => {
    const pruned = prune(object(value) as unknown as Record<string, unknown>, inSpec(spec));
    expect(specOf(pruned.value)).toEqual(expected);
    expect(pruned.problems).toEqual(unknown.map((path) => `unknown field ${JSON.stringify(path)}`));
    // Embedded metadata aside, which only writers have pruned.
    if (!unknown.includes("spec.metadata.bogus")) expect(isSound(object(value), inSpec(spec), true)).toBe(unknown.length === 0);
  });
});

describe("defaults", () => {
  const nested: Structural = {
    type: "object",
    properties: { a: { type: "integer", default: 1 }, b: { type: "object", default: {}, properties: { c: { type: "string", default: "x" } } } },
  };
  it.each<readonly [string, Structural, unknown, unknown]>([
    ["fill what is missing, and what they bring", nested, {}, { a: 1, b: { c: "x" } }],
    ["leave what is there", nested, { a: 5, b: { c: "y" } }, { a: 5, b: { c: "y" } }],
    ["take the place of null where null is not allowed", nested, { a: null, b: {} }, { a: 1, b: { c: "x" } }],
    ["leave null where it is", { type: "object", properties: { a: { type: "integer", nullable: true, default: 1 } } }, { a: null }, { a: null }],
    [
      "stand in items and in values of maps",
      { type: "object", properties: { l: { type: "array", items: nested }, m: { type: "object", additionalProperties: nested } } },
      { l: [{}], m: { k: {} } },
      { l: [{ a: 1, b: { c: "x" } }], m: { k: { a: 1, b: { c: "x" } } } },
    ],
  ])("%s", (_, spec, value, expected) => {
    const draft = clone(object(value));
    expect(isSound(draft, inSpec(spec), true)).toBe(JSON.stringify(value) === JSON.stringify(expected));
    applyDefaults(draft, inSpec(spec));
    expect(specOf(draft)).toEqual(expected);
    expect(isSound(draft, inSpec(spec), true)).toBe(true);
  });

  it.each<readonly [string, Structural, readonly string[]]>([
    [
      "of another type",
      { type: "integer", default: "x" },
      ['s.properties[spec].default: Invalid value: "string": s.properties[spec].default in body must be of type integer: "string"'],
    ],
    [
      "with fields that nobody knows",
      { type: "object", properties: { a: text }, default: { b: 1 } },
      ['s.properties[spec].default: Invalid value: {"b":1}: must not have unknown fields'],
    ],
    [
      "with items of which fields are unknown",
      { type: "array", items: { type: "object", properties: { a: text } }, default: [{ b: 1 }] },
      ['s.properties[spec].default: Invalid value: [{"b":1}]: must not have unknown fields'],
    ],
  ])("are refused %s", (_, spec, expected) => {
    expect([...checkSchema(inSpec(spec), new FieldPath("s"))].map((error) => `${error.field}: ${fieldErrorBody(error)}`)).toEqual(expected);
  });
});

const errorsOf = (spec: Structural, value: unknown, before?: unknown): readonly string[] => {
  const { validateCreate, validateUpdate } = customValidation(inSpec(spec));
  const errors = before === undefined ? validateCreate(object(value)) : validateUpdate(object(value), object(before));
  return [...errors].map((error) => `${error.field}: ${fieldErrorBody(error)}`);
};

describe("validation", () => {
  const intOrString: Structural = { "x-kubernetes-int-or-string": true };
  const set: Structural = { type: "array", "x-kubernetes-list-type": "set", items: text };
  const keyed: Structural = {
    type: "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["k"],
    items: { type: "object", required: ["k"], properties: { k: text, v: { type: "integer", maximum: 5 } } },
  };
  it.each<readonly [string, Structural, unknown, readonly string[]]>([
    ["an int where either may be", intOrString, 5, []],
    ["a text where either may be", intOrString, "50%", []],
    ["neither where either may be", intOrString, 1.5, ['spec: Invalid value: "number": spec in body must be of type integer,string: "number"']],
    ["null where it may be", { ...text, nullable: true }, null, []],
    ["null where it may not be", text, null, ['spec: Invalid value: "null": spec in body must be of type string: "null"']],
    ["a set", set, ["a", "b"], []],
    ["a set with doubles", set, ["a", "b", "a", "a"], ['spec[2]: Duplicate value: "a"']],
    ["a keyed list with doubles", keyed, [{ k: "a" }, { k: "b" }, { k: "a", v: 1 }], ['spec[2]: Duplicate value: {"k":"a"}']],
    [
      "sets of objects, whatever the order of fields",
      { type: "array", "x-kubernetes-list-type": "set", items: { ...anything, "x-kubernetes-map-type": "atomic" } },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      ['spec[1]: Duplicate value: {"b":2,"a":1}'],
    ],
    [
      "an object inside without a type",
      embedded,
      { metadata: { name: "p" } },
      ["spec.apiVersion: Required value: must not be empty", "spec.kind: Required value: must not be empty"],
    ],
    ["an object inside with a bad name", embedded, { apiVersion: "v1", kind: "Pod", metadata: { name: "a/b" } }, [`spec.metadata.name: Invalid value: "a/b": may not contain '/'`]],
    ["fields named like those of every object", { type: "object", required: ["constructor"], properties: {} }, {}, ["spec.constructor: Required value"]],
  ])("%s", (_, spec, value, expected) => {
    expect(errorsOf(spec, value)).toEqual(expected);
  });

  it("lets what was wrong and has not changed be", () => {
    const tight: Structural = {
      type: "object",
      required: ["z"],
      properties: { a: { type: "string", maxLength: 1 }, b: { type: "integer" }, l: keyed, s: set, t: { type: "array", items: { type: "integer", maximum: 5 } } },
    };
    const old = {
      a: "long",
      b: 1,
      l: [
        { k: "x", v: 9 },
        { k: "y", v: 1 },
      ],
      s: ["a", "a"],
      t: [9],
    };
    expect(errorsOf(tight, old, old)).toEqual([]);
    expect(errorsOf(tight, { ...old, z: 1, b: 2 }, old)).toEqual([]);
    expect(errorsOf(tight, { ...old, b: 2 }, old)).toEqual(["spec.z: Required value"]);
    expect(errorsOf(tight, { ...old, z: 1, a: "other" }, old)).toEqual(["spec.a: Too long: may not be more than 1 bytes"]);
    // By their keys, wherever they stand.
    expect(
      errorsOf(
        tight,
        {
          ...old,
          z: 1,
          l: [
            { k: "y", v: 2 },
            { k: "x", v: 9 },
          ],
        },
        old,
      ),
    ).toEqual([]);
    expect(errorsOf(tight, { ...old, z: 1, l: [{ k: "y", v: 9 }] }, old)).toEqual(["spec.l[0].v: Invalid value: 9: spec.l[0].v in body should be less than or equal to 5"]);
    // Of items without keys nobody knows what they were.
    expect(errorsOf(tight, { ...old, z: 1, t: [9, 1] }, old)).toEqual(["spec.t[0]: Invalid value: 9: spec.t[0] in body should be less than or equal to 5"]);
    // A list that had doubles may go on having them; one that had none may not begin.
    expect(errorsOf(tight, { ...old, z: 1, s: ["a", "a", "b"] }, old)).toEqual([]);
    expect(errorsOf(tight, { ...old, z: 1, s: ["a", "a"] }, { ...old, s: ["a"] })).toEqual(['spec.s[1]: Duplicate value: "a"']);
  });

  it("lets values be that a newer rule would not have let in, and compares with what stood before where it may", () => {
    const ruled: Structural = {
      type: "object",
      properties: {
        a: { type: "integer", "x-kubernetes-validations": [{ rule: "self > 5" }] },
        b: { type: "integer" },
        c: { type: "integer", "x-kubernetes-validations": [{ rule: "!oldSelf.hasValue() || self >= oldSelf.value()", optionalOldSelf: true, message: "only grows" }] },
      },
    };
    expect(errorsOf(ruled, { a: 1, b: 2 }, { a: 1, b: 1 })).toEqual([]);
    expect(errorsOf(ruled, { a: 2, b: 2 }, { a: 1, b: 1 })).toEqual(['spec.a: Invalid value: "integer": failed rule: self > 5']);
    expect(errorsOf(ruled, { c: 1 })).toEqual([]);
    expect(errorsOf(ruled, { c: 1 }, {})).toEqual([]);
    expect(errorsOf(ruled, { c: 1 }, { c: 2 })).toEqual(['spec.c: Invalid value: "integer": only grows']);
  });
});

describe("formats", () => {
  it.each<readonly [string, readonly string[], readonly string[]]>([
    ["date-time", ["2024-02-29T12:00:00Z", "2024-01-01T00:00:00.5+01:00"], ["2024-02-30T12:00:00Z", "2024-01-01", "x"]],
    ["date", ["2024-02-29"], ["2023-02-29", "2024-1-1"]],
    ["duration", ["1h30m", "5s", "0", "-1.5h", "3 days"], ["5", "x", ""]],
    ["ipv4", ["10.0.0.1"], ["::1", "10.0.0", "10.0.0.256"]],
    ["ipv6", ["::1", "fd00::1"], ["10.0.0.1", "x"]],
    ["cidr", ["10.0.0.0/8", "fd00::/8"], ["10.0.0.0", "10.0.0.0/33"]],
    ["mac", ["01:23:45:67:89:ab", "0123.4567.89ab"], ["01:23", "zz:23:45:67:89:ab"]],
    ["uuid", ["7ba5c9b6-8d5a-4bd2-9a25-4f7d0c1c2b3a"], ["7ba5c9b6"]],
    ["uuid4", ["7ba5c9b6-8d5a-4bd2-9a25-4f7d0c1c2b3a"], ["7ba5c9b6-8d5a-5bd2-9a25-4f7d0c1c2b3a"]],
    ["isbn", ["0306406152", "978-0-306-40615-7"], ["0306406153"]],
    ["creditcard", ["4111 1111 1111 1111"], ["4111 1111 1111 1112"]],
    ["hexcolor", ["#fff", "00ff00"], ["#ff"]],
    ["rgbcolor", ["rgb(0, 128,255)"], ["rgb(256,0,0)"]],
    ["byte", ["aGk="], ["a", "###"]],
    ["hostname", ["a.example.com"], ["-a"]],
    ["email", ["a@example.com"], ["a@", "a b@example.com"]],
    ["k8s-short-name", ["abc"], ["a.b"]],
    ["k8s-long-name", ["a.b"], ["A"]],
    ["whatever", ["anything"], []],
  ])("%s", (format, good, bad) => {
    expect(good.filter((value) => !fitsFormat(value, format))).toEqual([]);
    expect(bad.filter((value) => fitsFormat(value, format))).toEqual([]);
  });
});
