import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { duplicateFields, maxJsonDepth, parseJson } from "./json-codec.ts";

describe("parseJson", () => {
  it("reads text and bytes", () => {
    expect(parseJson('{"a":[1,"é"]}')).toEqual({ a: [1, "é"] });
    expect(parseJson(new TextEncoder().encode('{"a":"é"}'))).toEqual({ a: "é" });
    expect(() => parseJson(new Uint8Array([0x22, 0xff, 0x22]))).toThrow("not valid UTF-8");
  });

  it.each([
    ["", "unexpected end of JSON input"],
    ['{"a":', "unexpected end of JSON input"],
    ['{"a"', "unexpected end of JSON input"],
    ["x", "invalid character 'x' looking for beginning of value"],
    ["{a:1}", "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ["[1 2]", "invalid character '2' after array element"],
    ["{} x", "invalid character 'x' after top-level value"],
    ["nul", "unexpected end of JSON input"],
    ["nulx", "invalid character 'x' in literal null (expecting 'l')"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ["-x", "invalid character 'x' in numeric literal"],
    ["1.x", "invalid character 'x' after decimal point in numeric literal"],
    ["[1,]", "invalid character ']' looking for beginning of value"],
    ["01", "invalid character '1' after top-level value"],
  ])("says what is wrong with %j", (text, message) => {
    expect(() => parseJson(text)).toThrow(expect.objectContaining({ message, code: 400 }));
  });

  it("finds a fault exactly where the parser does", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("{", "}", "[", "]", '"', ":", ",", "1", "-", ".", "e", " ", "\\", "u", "true", "null") }), (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        if (isJson) expect(parseJson(text)).toEqual(JSON.parse(text));
        else expect(() => parseJson(text)).toThrow(/^(invalid character .* (looking|after|in) |unexpected end of JSON input$)/);
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses nesting without end", () => {
    const nested = (depth: number): string => '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
    expect(() => parseJson(nested(maxJsonDepth))).not.toThrow();
    expect(() => parseJson(nested(maxJsonDepth + 1))).toThrow("exceeded max depth");
  });
});

describe("duplicateFields", () => {
  it.each([
    ['{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}', []],
    ['{"a":1,"a":2}', ["a"]],
    ['{"spec":{"replicas":1,"x":{"y":1},"replicas":2}}', ["spec.replicas"]],
    ['{"a":[[],{"b":1},{"b":[{"c":1,"d":",","c":"}"}]}]}', ["a[2].b[0].c"]],
    ['{"a\\"":1,"a\\u0022":2}', ['a"']],
    ['{"a":"\\\\","a":1}', ["a"]],
    ['{"a":1,"a":2,"a":3}', ["a", "a"]],
    ['["a","a"]', []],
    [`{${Array.from({ length: 40 }, (_, index) => `"k${index}":1`).join(",")},"k3":1,"k39":1}`, ["k3", "k39"]],
  ])("%s", (text, paths) => {
    expect(duplicateFields(text)).toEqual(paths.map((path) => `duplicate field ${JSON.stringify(path)}`));
  });

  it("finds none in what was printed", () => {
    fc.assert(fc.property(fc.json({ maxDepth: 5 }), (text) => duplicateFields(text).length === 0));
  });

  it("stops at 100", () => {
    expect(duplicateFields(`{${Array.from({ length: 500 }, () => '"a":1').join(",")}}`)).toHaveLength(100);
  });
});
