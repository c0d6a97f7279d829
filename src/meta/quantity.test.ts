import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalQuantity, isQuantity, Quantity, QuantityError } from "./quantity.ts";

describe("Quantity", () => {
  it.each([
    ["0", "0"],
    ["00", "0"],
    ["0Ki", "0"],
    ["0.0m", "0"],
    ["-0", "0"],
    ["1", "1"],
    ["1000", "1k"],
    ["1000m", "1"],
    ["0.5", "500m"],
    ["1.5", "1500m"],
    ["12.5k", "12500"],
    ["1.5Gi", "1536Mi"],
    ["1024Mi", "1Gi"],
    ["1025Mi", "1025Mi"],
    ["1000Ki", "1000Ki"],
    ["1024", "1024"],
    ["0.5Ki", "512"],
    ["1.1Ki", "1126400m"],
    ["0.1n", "1n"],
    ["-0.1n", "-1n"],
    ["1e3", "1e3"],
    ["1E3", "1E3"],
    ["10e3", "10e3"],
    ["1000e3", "1e6"],
    ["5E", "5E"],
    ["1e-3", "1e-3"],
    ["0.0001e0", "100e-6"],
    ["+5", "+5"],
    ["1.500", "1.500"],
    ["100000000000000000000", "100E"],
    ["1e21", "1e21"],
    ["8Ei", "9223372036854775807"],
    ["-1.5Gi", "-1536Mi"],
    [".5", "500m"],
    ["5.", "5."],
  ])("%s prints as %s", (text, printed) => {
    expect(Quantity.parse(text).toString()).toBe(printed);
  });

  it.each([
    ["", "quantities must match the regular expression"],
    ["x", "quantities must match the regular expression"],
    ["1.1.1", "quantities must match the regular expression"],
    ["1 Gi", "quantities must match the regular expression"],
    ["1i", "unable to parse quantity's suffix"],
    ["1mi", "unable to parse quantity's suffix"],
    ["1KiB", "quantities must match the regular expression"],
    ["1e", "unable to parse quantity's suffix"],
    ["1e99999999", "unable to parse numeric part of quantity"],
    ["9".repeat(100_000), "quantities must match the regular expression"],
  ])("refuses %s", (text, message) => {
    expect(isQuantity(text)).toBe(false);
    expect(() => Quantity.parse(text)).toThrow(QuantityError);
    expect(() => Quantity.parse(text)).toThrow(message);
  });

  it("rounds values away from zero", () => {
    expect([
      Quantity.parse("1m").value(),
      Quantity.parse("-1m").value(),
      Quantity.parse("1500m").value(),
      Quantity.parse("1500m").milliValue(),
      Quantity.parse("1u").milliValue(),
    ]).toEqual([1, -1, 2, 1500, 1]);
    expect(Quantity.parse("64Mi").value()).toBe(67108864);
    expect(Quantity.parse("2500m").toNumber()).toBe(2.5);
  });

  it("keeps the format of what it is added to", () => {
    expect(Quantity.parse("1Gi").add(Quantity.parse("1k")).toString()).toBe("1073742824");
    expect(Quantity.zero.add(Quantity.parse("1Gi")).toString()).toBe("1Gi");
    expect(Quantity.parse("1").sub(Quantity.parse("1500m")).toString()).toBe("-500m");
    expect(Quantity.parse("250m").mul(3).toString()).toBe("750m");
    expect(Quantity.of(1024, "BinarySI").toString()).toBe("1Ki");
    expect(Quantity.ofMilli(1500).toString()).toBe("1500m");
    expect(canonicalQuantity(2)).toBe("2");
    expect(canonicalQuantity(" 0.1 ")).toBe("100m");
    expect(JSON.stringify({ a: Quantity.parse("1000") })).toBe('{"a":"1k"}');
  });

  const texts = fc
    .tuple(
      fc.constantFrom("", "-"),
      fc.nat(),
      fc.option(fc.nat({ max: 999_999 })),
      fc.constantFrom("", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "e3", "E-3", "e12"),
    )
    .map(([sign, whole, part, suffix]) => `${sign}${whole}${part === null ? "" : `.${part}`}${suffix}`);
  const quantities = texts.map((text) => Quantity.parse(text));

  it("prints what reads back to the same amount and the same text", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const quantity = Quantity.parse(text);
        const again = Quantity.parse(quantity.toString());
        expect(again.compare(quantity)).toBe(0);
        expect(canonicalQuantity(quantity.toString())).toBe(quantity.toString());
      }),
    );
  });

  it("adds and compares as numbers do", () => {
    fc.assert(
      fc.property(quantities, quantities, quantities, (a, b, c) => {
        expect(a.add(b).equals(b.add(a))).toBe(true);
        expect(
          a
            .add(b)
            .add(c)
            .equals(a.add(b.add(c))),
        ).toBe(true);
        expect(a.add(b).sub(b).equals(a)).toBe(true);
        expect(a.compare(b)).toBe(-b.compare(a) + 0);
        expect(a.compare(b)).toBe(a.add(c).compare(b.add(c)));
        expect(a.add(a.neg()).isZero).toBe(true);
        expect(a.sign).toBe(a.compare(Quantity.zero));
      }),
    );
  });

  it("rounds to the next whole unit", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), (milli) => {
        const quantity = Quantity.ofMilli(milli);
        expect(quantity.milliValue()).toBe(Number(milli));
        expect(quantity.value()).toBe(Number(milli < 0n ? -((-milli + 999n) / 1000n) : (milli + 999n) / 1000n) + 0);
      }),
    );
  });
});
