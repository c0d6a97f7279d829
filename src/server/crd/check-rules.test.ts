import { describe, expect, it } from "vitest";
import { kubernetesFunctions } from "../../meta/cel/library/kubernetes-functions.ts";
import { mostCost } from "../../meta/cel/program.ts";
import { FieldPath } from "../../meta/field-path.ts";
import { fieldErrorBody } from "../../meta/status-error.ts";
import { celTypeOf } from "./cel-type.ts";
import { checkSchemaRules, tooDear } from "./check-rules.ts";
import { checkSchema } from "./check-structure.ts";
import { declaredSize, mostOccurrences, sizeIn } from "./declared-size.ts";
import type { Structural } from "./structural.ts";

/** What one evaluation of a rule costs at most. */
function costOf(schema: Structural, rule: string): number | undefined {
  const [self, size] = [celTypeOf(schema), declaredSize(schema, false)];
  return size === undefined ? undefined : mostCost(rule, { variables: { self, oldSelf: self }, functions: kubernetesFunctions }, sizeIn(size));
}

const of = (type: string, format?: string): Structural => ({ type, ...(format === undefined ? {} : { format }) });
const text = of("string");
const intOrString: Structural = { "x-kubernetes-int-or-string": true };
const listOf = (items: Structural, maxItems?: number): Structural => ({ type: "array", items, ...(maxItems === undefined ? {} : { maxItems }) });
const mapOf = (additionalProperties: Structural, maxProperties?: number): Structural => ({
  type: "object",
  additionalProperties,
  ...(maxProperties === undefined ? {} : { maxProperties }),
});
const texts = (maxLength?: number): Structural => (maxLength === undefined ? text : { ...text, maxLength });
const thing: Structural = { type: "object", required: ["required"], properties: { required: text, optional: text } };

/** As many as the schema of upstream's validator were found to cost. @upstream apiextensions-apiserver/pkg/apiserver/schema/cel/compilation_test.go */
describe("costs what upstream's estimator says", () => {
  it.each<readonly [rule: string, schema: (most?: number) => Structural, unbounded: number, most: number, bounded: number]>([
    ["self.all(x, true)", (most) => listOf(of("number"), most), 4718591, 10, 32],
    ["self.all(x, true)", (most) => listOf(text, most), 3145727, 20, 62],
    ["self.all(x, true)", (most) => listOf(of("boolean"), most), 1887437, 5, 17],
    ["self.all(x, true)", (most) => listOf(listOf(of("number")), most), 3145727, 100, 302],
    ["self.all(x, true)", (most) => listOf(thing, most), 555128, 50, 152],
    ["self.all(x, true)", (most) => listOf(intOrString, most), 4718591, 10, 32],
    ["self.all(x, true)", (most) => listOf(of("string", "duration"), most), 2359295, 5, 17],
    ["self.all(x, true)", (most) => listOf(of("string", "date"), most), 725936, 15, 47],
    ["self.all(x, true)", (most) => listOf(of("string", "date-time"), most), 428963, 25, 77],
    ["self.all(x, true)", (most) => mapOf(of("number"), most), 1348169, 10, 32],
    ["self.all(x, true)", (most) => mapOf(text, most), 1179647, 3, 11],
    ["self.all(x, true)", (most) => mapOf(thing, most), 428963, 20, 62],
    ["self.all(x, true)", (most) => mapOf(mapOf(of("number")), most), 1179647, 10, 32],
    ["self.contains('test')", texts, 314574, 10, 5],
    ["self.startsWith('test')", texts, 2, 15, 2],
    ['size(self + "hello") > size("hello")', texts, 314578, 4, 7],
    ["self[1] == 0.0", (most) => listOf(of("number"), most), 2, 5000, 2],
    ["self[1] == self[1]", (most) => listOf(text, most), 314577, 8, 314577],
    ['self.matches("x")', texts, 314574, 50, 22],
    ['"".matches("(((((((((())))))))))[0-9]")', texts, 7, 10, 7],
    ['self.matches("")', texts, 1, 100, 1],
    ["self.all(x, x.contains(self[x]))", (most) => mapOf(texts(most), most), 2752507, 10, 72],
    ['self == "x"', texts, 2, 0, 1],
    ['self == b"x"', (most) => ({ ...of("string", "byte"), ...(most === undefined ? {} : { maxLength: most }) }), 2, 0, 1],
    ["self.all(x, x == 0.0)", (most) => listOf(of("number"), most), 6291454, 3 * 1024 * 2048, 25165826],
    ['self.all(x, x["y"].required == "z")', (most) => listOf(mapOf({ ...thing, ...(most === undefined ? {} : { maxProperties: most }) }, most), most), 7340027, 10, 72],
    ["self[0] == 5", (most) => listOf(intOrString, most), 3, 10, 3],
    ["self[0] == null", (most) => listOf(thing, most), 2, 422, 2],
    ["self[0][0] == -1.0", (most) => listOf(listOf(of("number")), most), 3, 51, 3],
    ["self.all(x, x.y == 25.2)", (most) => listOf(mapOf(of("number")), most), 6291452, 12, 74],
    ["self[0].x > 2.0", (most) => listOf(mapOf(of("number")), most), 4, 3000, 4],
    ["self[0].getHours() == 2", (most) => listOf(of("string", "duration"), most), 4, 525, 4],
    ["self[2].getDayOfMonth() == 13", (most) => listOf(of("string", "date"), most), 4, 42, 4],
    ["self.find('[0-9]+') == ''", texts, 629147, 10, 11],
    ["self.join(' ') == 'aa bb'", (most) => listOf(texts(most), most), 329853068905, 10, 43],
    ["self.isSorted() == true", (most) => listOf(texts(most), most), 329854432052, 10, 52],
    ["self.str.split(self.separator) == []", (most) => ({ type: "object", properties: { str: texts(most), separator: texts(most) } }), 629160, 10, 22],
    [
      "self.str.replace(self.before, self.after) == 'does not matter'",
      (most) => ({ type: "object", properties: { str: texts(most), before: texts(2), after: texts(4) } }),
      629154,
      4,
      12,
    ],
    ["self.lowerAscii() == 'lower!'", texts, 314575, 10, 6],
    ["oldSelf.size() == self.size()", (most) => mapOf(of("integer"), most), 5, 10, 5],
    ['self["a"] == self["b"]', (most) => mapOf(of("string", "date-time"), most), 8, 7, 8],
    ["self.contains('A')", (most) => ({ ...texts(most), enum: ["A", "B", "LongValue"] }), 2, 1000, 401],
  ])("%s", (rule, schema, unbounded, most, bounded) => {
    expect([costOf(schema(), rule), costOf(schema(most), rule)]).toEqual([unbounded, bounded]);
  });

  it.each([
    ["self.all(x, self.all(y, true))", 352],
    ["self.all(x, self.all(y, self.all(z, true)))", 3552],
  ])("%s, which is more than any rule may", (rule, bounded) => {
    expect(costOf(listOf(of("number")), rule)).toBeGreaterThan(10_000_000);
    expect(costOf(listOf(of("number"), 10), rule)).toBe(bounded);
  });
});

it.each([
  [16, 909_090],
  [63, 333_333],
  [253, 94_339],
  [1024, 24_154],
])("takes items of at most %d characters up to %d of them", (maxLength, maxItems) => {
  const errors = (most: number): readonly unknown[] => [
    ...checkSchemaRules({ ...listOf(texts(maxLength), most), "x-kubernetes-validations": [{ rule: "self.all(x, x.contains('gpu'))" }] }, new FieldPath("spec")),
  ];
  expect(errors(maxItems)).toEqual([]);
  expect(errors(maxItems + 1)).toHaveLength(1);
});

const errorsOf = (schema: Structural): readonly string[] => {
  const whole: Structural = { type: "object", properties: { spec: schema } };
  return [...checkSchema(whole, new FieldPath("s"))].map((error) => `${error.field}: ${fieldErrorBody(error)}`);
};
const hint = "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
const at = "s.properties[spec]";

describe("a definition's schema is refused", () => {
  it("for a rule without bounds, with what all rules together cost", () => {
    expect(errorsOf({ ...listOf(text), "x-kubernetes-validations": [{ rule: "self.all(x, x.contains('gpu'))" }] })).toEqual([
      `${at}.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${hint}`,
      `${at}.x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
      `s: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x ${hint}`,
    ]);
  });

  it("for a cheap rule that is done too often", () => {
    const each: Structural = { type: "object", properties: { a: { ...text, maxLength: 10, "x-kubernetes-validations": [{ rule: "self.contains('x')" }] } } };
    expect(errorsOf(listOf(each, 100))).toEqual([]);
    // Nothing limits the list: as many as fit in a request.
    expect(mostOccurrences({ most: 0, bytes: 2 })).toBe(1048576);
    expect(errorsOf(listOf(each))).toEqual([]);
    const dear: Structural = { ...each, properties: { a: { ...each.properties?.["a"], maxLength: 40 } as Structural } };
    expect(errorsOf(listOf(dear))).toEqual([`${at}.items.properties[a].x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of 1.8x ${hint}`]);
  });

  it("for a message that costs too much", () => {
    expect(
      errorsOf({
        type: "object",
        properties: { min: { type: "integer" } },
        "x-kubernetes-validations": [{ rule: "self.min > 0", messageExpression: "'min ' + string(self.min)" }],
      }),
    ).toContain(`${at}.x-kubernetes-validations[0].messageExpression: Forbidden: estimated messageExpression cost exceeds budget by factor of more than 100x ${hint}`);
    expect(
      errorsOf({
        type: "object",
        properties: { min: { type: "integer" } },
        "x-kubernetes-validations": [{ rule: "self.min > 0", messageExpression: "'min %d'.format([self.min])" }],
      }),
    ).toEqual([]);
  });

  it.each<readonly [string, Structural, string]>([
    [
      "oldSelf inside an atomic list",
      listOf({ ...text, "x-kubernetes-validations": [{ rule: "self == oldSelf" }] }, 5),
      `${at}.items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within ${at}`,
    ],
    [
      "optionalOldSelf without oldSelf",
      { ...text, "x-kubernetes-validations": [{ rule: "self != ''", optionalOldSelf: true }] },
      `${at}.x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`,
    ],
    [
      "a reason that there is not",
      { ...text, "x-kubernetes-validations": [{ rule: "self != ''", reason: "Because" }] },
      `${at}.x-kubernetes-validations[0].reason: Unsupported value: "Because": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"`,
    ],
    [
      "a field path to nowhere",
      { type: "object", properties: { a: text }, "x-kubernetes-validations": [{ rule: "true", fieldPath: ".b" }] },
      `${at}.x-kubernetes-validations[0].fieldPath: Invalid value: ".b": fieldPath must be a valid path`,
    ],
    [
      "a message that is blank",
      { ...text, "x-kubernetes-validations": [{ rule: "true", message: "  " }] },
      `${at}.x-kubernetes-validations[0].message: Invalid value: "  ": message must be non-empty if specified`,
    ],
    [
      "granular items of a set",
      { ...listOf(thing), "x-kubernetes-list-type": "set" },
      `${at}.items.x-kubernetes-map-type: Invalid value: "null": must be atomic as item of a list with x-kubernetes-list-type=set`,
    ],
    [
      "keys of a list that are objects",
      { ...listOf({ type: "object", required: ["k"], properties: { k: thing } }), "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"] },
      `${at}.items.properties[k].type: Invalid value: "object": must be a scalar type if parent array's x-kubernetes-list-type is map`,
    ],
  ])("for %s", (_, schema, expected) => {
    expect(errorsOf(schema)).toEqual([expected]);
  });
});

it.each([
  [14_000_000, "1.400000x"],
  [15_000_000, "1.5x"],
  [1_000_000_000, "100.0x"],
  [1_000_000_001, "more than 100x"],
])("says by how much %d is too much", (cost, factor) => {
  expect(tooDear("it", cost, 10_000_000)).toBe(`it exceeds budget by factor of ${factor} ${hint}`);
});
