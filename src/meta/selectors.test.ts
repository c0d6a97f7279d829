import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeFieldValue, FieldSelector } from "./field-selector.ts";
import { LabelSelector } from "./label-selector.ts";

describe("LabelSelector", () => {
  it.each([
    ["", ""],
    ["a", "a"],
    [" a = b , c!=d ", "a=b,c!=d"],
    ["a==b", "a==b"],
    ["x in (b,a),!y,z notin (c)", "x in (a,b),!y,z notin (c)"],
    ["x in ()", "x in ()"],
    ["x in (,a)", "x in (,a)"],
    ["a>1,b<2", "a>1,b<2"],
    ["a=", "a="],
    ["in in (in,notin)", "in in (in,notin)"],
    ["b,a", "a,b"],
    ["example.com/a=b", "example.com/a=b"],
    ["!a", "!a"],
  ])("reads %j", (text, printed) => {
    expect(LabelSelector.parse(text).toString()).toBe(printed);
  });

  it.each([
    ["a,", "found '', expected: identifier after ','"],
    [",a", "found ',', expected: !, identifier, or 'end of string'"],
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["a=b c", "found 'c', expected: ',' or 'end of string'"],
    ["!a=b", "found '=', expected: ',' or 'end of string'"],
    ["a in b", "unable to parse requirement: found 'b' expected: '('"],
    ["a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"],
    ["a=(b)", "unable to parse requirement: found '(', expected: identifier"],
    ["!", "unable to parse requirement: found '', expected: identifier"],
    ["a>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"],
  ])("refuses %j", (text, message) => {
    expect(() => LabelSelector.parse(text)).toThrow(expect.objectContaining({ message, code: 400 }));
  });

  it("says what is wrong with keys and values", () => {
    expect(() => LabelSelector.parse("-a")).toThrow(/^unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of/);
    expect(() => LabelSelector.parse("a=-")).toThrow(/^unable to parse requirement: values\[0\]\[a\]: Invalid value: "-": a valid label must be/);
  });

  it.each<[string, Record<string, string>, boolean]>([
    ["a=b", { a: "b" }, true],
    ["a=b", {}, false],
    ["a=", {}, false],
    ["a!=b", {}, true],
    ["a!=b", { a: "b" }, false],
    ["a in (b,c)", { a: "c" }, true],
    ["a notin (b)", {}, true],
    ["a notin (b)", { a: "b" }, false],
    ["a", { a: "" }, true],
    ["!a", { a: "" }, false],
    ["a>9", { a: "10" }, true],
    ["a<9", { a: "10" }, false],
    ["a>9", { a: "x" }, false],
    ["a=b,c", { a: "b" }, false],
    ["toString", {}, false],
  ])("%s on %j", (text, labels, matches) => {
    expect(LabelSelector.parse(text).matches(labels)).toBe(matches);
  });

  it("reads selectors of specs", () => {
    const of = LabelSelector.of({
      matchLabels: { b: "c" },
      matchExpressions: [
        { key: "a", operator: "NotIn", values: ["x", "w"] },
        { key: "d", operator: "Exists" },
        { key: "e", operator: "DoesNotExist" },
      ],
    });
    expect(of.toString()).toBe("a notin (w,x),b=c,d,!e");
    expect(of.matches({ b: "c", d: "" })).toBe(true);
    expect(LabelSelector.of(undefined).matches({})).toBe(false);
    expect(LabelSelector.of({}).matches({})).toBe(true);
    expect(LabelSelector.of({}).matchesEverything).toBe(true);
    expect(() => LabelSelector.of({ matchExpressions: [{ key: "a", operator: "Eq" }] })).toThrow('"Eq" is not a valid label selector operator');
  });

  it("stays quick for many requirements and refuses more", () => {
    const text = Array.from({ length: 100_000 }, (_, index) => `k${index}!=v`).join(",");
    expect(LabelSelector.parse(text).requirements).toHaveLength(100_000);
    expect(() => LabelSelector.parse(`${text},x`)).toThrow("at most 100000 requirements");
  });

  it("prints what reads back the same", () => {
    const name = fc.stringMatching(/^[a-z]{1,3}$/);
    const one = fc.oneof(
      fc.tuple(name, fc.constantFrom("=", "==", "!="), name).map((parts) => parts.join("")),
      fc.tuple(name, fc.constantFrom(" in ", " notin "), fc.uniqueArray(name, { minLength: 1, maxLength: 3 })).map(([key, sign, values]) => `${key}${sign}(${values.join(",")})`),
      name,
      name.map((key) => `!${key}`),
      fc
        .tuple(name, fc.constantFrom(">", "<"), fc.integer())
        .map((parts) => parts.join(""))
        .filter((text) => !text.includes("-")),
    );
    fc.assert(
      fc.property(fc.array(one, { maxLength: 5 }), (parts) => {
        const printed = LabelSelector.parse(parts.join(",")).toString();
        expect(LabelSelector.parse(printed).toString()).toBe(printed);
      }),
    );
  });
});

describe("FieldSelector", () => {
  it.each([
    ["", []],
    ["a.b=c", [["a.b", "=", "c"]]],
    [
      "a==c,b!=d,",
      [
        ["a", "=", "c"],
        ["b", "!=", "d"],
      ],
    ],
    ["a=", [["a", "=", ""]]],
    ["a=x\\,y\\=z\\\\", [["a", "=", "x,y=z\\"]]],
  ])("reads %j", (text, parts) => {
    expect(FieldSelector.parse(text).requirements.map(({ field, operator, value }) => [field, operator, value])).toEqual(parts);
  });

  it.each([
    ["a", "invalid selector: 'a'; can't understand 'a'"],
    ["a=b=c", "invalid field selector: unescaped character in value: 61"],
    ["a=\\x", "invalid field selector: invalid escape sequence: \\x"],
    ["a=\\", "invalid field selector: invalid escape sequence: \\"],
  ])("refuses %j", (text, message) => {
    expect(() => FieldSelector.parse(text)).toThrow(message);
  });

  it("matches and prints", () => {
    const selector = FieldSelector.parse("spec.nodeName=n1,status.phase!=Failed");
    const on = (fields: Record<string, string>): boolean => selector.matches((field) => fields[field] ?? "");
    expect([on({ "spec.nodeName": "n1" }), on({ "spec.nodeName": "n1", "status.phase": "Failed" }), on({})]).toEqual([true, false, false]);
    expect(selector.exactValue("spec.nodeName")).toBe("n1");
    fc.assert(fc.property(fc.string(), (value) => FieldSelector.parse(`a=${escapeFieldValue(value)}`).requirements[0]?.value === value));
  });
});

it("decides the same with many requirements as with few", () => {
  const key = fc.constantFrom("a", "b", "c", "d", "e");
  const value = fc.constantFrom("1", "2", "x", "");
  const term = fc.oneof(
    fc.tuple(key, fc.constantFrom("=", "!="), value).map(([k, sign, v]) => `${k}${sign}${v}`),
    fc.tuple(key, fc.constantFrom("in", "notin"), fc.array(value, { minLength: 1 })).map(([k, word, values]) => `${k} ${word} (${values.join()})`),
    key,
    key.map((k) => `!${k}`),
    fc.tuple(key, fc.constantFrom(">", "<")).map(([k, sign]) => `${k}${sign}1`),
  );
  const filler = Array.from({ length: 20 }, (_, index) => `!filler${index}`);
  fc.assert(
    fc.property(fc.array(term, { maxLength: 4 }), fc.dictionary(key, value), (terms, labels) => {
      expect(LabelSelector.parse([...terms, ...filler].join()).matches(labels)).toBe(LabelSelector.parse(terms.join()).matches(labels));
    }),
  );
});

it("says of each requirement the opposite of its opposite, and of several what all of them say", () => {
  const key = fc.constantFrom("a", "b", "c");
  const value = fc.constantFrom("1", "2", "");
  const values = fc.uniqueArray(value, { minLength: 1 });
  /** A requirement, its opposite, and what it means. */
  const pair = fc.oneof(
    fc.tuple(key, value).map(([k, v]) => ({ text: `${k}=${v}`, not: `${k}!=${v}`, means: (labels: Record<string, string>) => labels[k] === v })),
    fc.tuple(key, values).map(([k, list]) => ({
      text: `${k} in (${list.join()})`,
      not: `${k} notin (${list.join()})`,
      means: (labels: Record<string, string>) => labels[k] !== undefined && (list as readonly string[]).includes(labels[k]),
    })),
    key.map((k) => ({ text: k, not: `!${k}`, means: (labels: Record<string, string>) => labels[k] !== undefined })),
  );
  fc.assert(
    fc.property(fc.array(pair, { minLength: 1, maxLength: 4 }), fc.dictionary(key, value), (pairs, labels) => {
      for (const { text, not, means } of pairs) {
        expect(LabelSelector.parse(text).matches(labels)).toBe(means(labels));
        expect(LabelSelector.parse(not).matches(labels)).toBe(!means(labels));
      }
      expect(LabelSelector.parse(pairs.map(({ text }) => text).join()).matches(labels)).toBe(pairs.every(({ means }) => means(labels)));
    }),
  );
});
