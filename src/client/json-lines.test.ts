import * as fc from "fast-check";
import { expect, it } from "vitest";
import { JsonLines } from "./json-lines.ts";

it("gives the same values however the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 8 }), fc.array(fc.nat(40), { maxLength: 30 }), fc.boolean(), (values, cuts, newlineAtEnd) => {
      const bytes = new TextEncoder().encode(values.map((value) => JSON.stringify(value)).join("\n") + (newlineAtEnd ? "\n" : ""));
      const lines = new JsonLines();
      const got: unknown[] = [];
      let at = 0;
      for (const cut of cuts) {
        got.push(...lines.push(bytes.subarray(at, at + cut)));
        at += cut;
      }
      got.push(...lines.push(bytes.subarray(at)), ...lines.end());
      expect(got).toEqual(values.map((value) => JSON.parse(JSON.stringify(value)) as unknown));
    }),
  );
});

it("keeps a character whole that is split between chunks", () => {
  const bytes = new TextEncoder().encode('{"a":"κέλης ⛵"}\n');
  const lines = new JsonLines();
  const got = [...bytes].flatMap((byte) => lines.push(Uint8Array.of(byte)));
  expect(got).toEqual([{ a: "κέλης ⛵" }]);
});

it("drops a last line that was cut off and refuses lines that are not JSON", () => {
  const lines = new JsonLines();
  expect(lines.push(new TextEncoder().encode('{"a":1}\n{"b'))).toEqual([{ a: 1 }]);
  expect(lines.end()).toEqual([]);
  expect(() => lines.push(new TextEncoder().encode("no\n"))).toThrow(SyntaxError);
});
