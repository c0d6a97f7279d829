import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileRe2, type Re2 } from "./re2.ts";

const re = (pattern: string): Re2 => {
  const compiled = compileRe2(pattern);
  if (typeof compiled === "string") throw new Error(compiled);
  return compiled;
};

describe("RE2", () => {
  it.each([
    ["^([a-z]+\\.)*[a-z]+$", "a.b.c", true],
    ["^a{2,3}$", "aaaa", false],
    ["(?i)^HELLO$", "hello", true],
    ["^[[:alpha:]_]+$", "ab_", true],
    ["^\\pL+$", "äé", true],
    ["\\bfoo\\b", "a foo b", true],
    ["^\\Qa.b\\E$", "a.b", true],
    ["^a$", "a\n", false],
    ["(?m)^b$", "a\nb", true],
    ["^[^a-c]$", "d", true],
    ["^$", "", true],
    ["\\A(?P<x>a|b)+\\z", "abab", true],
  ])("%s on %j", (pattern, text, expected) => {
    expect(re(pattern).test(text)).toBe(expected);
  });

  it.each([
    ["a(?=b)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"],
    ["(", "error parsing regexp: missing closing ): `(`"],
    ["[a", "error parsing regexp: missing closing ]: `[a`"],
    ["*", "error parsing regexp: missing argument to repetition operator: `*`"],
    ["a**", "error parsing regexp: invalid nested repetition operator: `a**`"],
    ["a\\1b", "error parsing regexp: invalid escape sequence: `\\1`"],
    ["a{1001}", "error parsing regexp: invalid repeat count: `{1001}`"],
  ])("refuses %s", (pattern, message) => {
    expect(compileRe2(pattern)).toBe(message);
  });

  it("takes linear time where backtracking takes forever", () => {
    expect(re("^(a+)+$").test(`${"a".repeat(5000)}b`)).toBe(false);
  });

  it("finds what JavaScript finds", () => {
    const pattern = fc.constantFrom("a*", "a+?b", "(ab|a)(c|bcd)?", "[a-c]{1,2}", "(a|b)*c", "b?", "a|ab", "(?:a*)*b", "\\bab");
    fc.assert(
      fc.property(pattern, fc.string({ unit: fc.constantFrom("a", "b", "c", "d", " "), maxLength: 12 }), (source, text) => {
        const wanted = [...text.matchAll(new RegExp(source, "gu"))];
        // Go leaves out an empty match that touches the one before.
        const kept = wanted.filter((match, index) => match[0] !== "" || index === 0 || match.index !== (wanted[index - 1]?.index ?? 0) + (wanted[index - 1]?.[0].length ?? 0));
        expect(re(source).findAll(text, -1)).toEqual(kept.map(([found]) => found));
      }),
    );
  });
});
