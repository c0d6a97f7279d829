import { describe, expect, it } from "vitest";
import { retryMs, rotateAtMs, satisfies, servingNames } from "./rotation-plan.ts";

const facts = { notBeforeMs: 1000, notAfterMs: 2000, commonName: "system:node:n1", dnsNames: ["n1", "more"], ips: ["10.0.0.1", "fd00::1"] };

describe("a certificate", () => {
  it.each([
    [0, 1700],
    [0.5, 1800],
    [0.999, 1900],
  ])("is changed after 70 to 90 %% of its life (share %d)", (share, expected) => expect(rotateAtMs(facts, share)).toBeCloseTo(expected, 0));

  it.each([
    [{}, true],
    [{ commonName: "system:node:n1", organizations: ["system:nodes"], dnsNames: ["n1"], ips: ["fd00::1"] }, true],
    [{ commonName: "system:node:n2" }, false],
    [{ dnsNames: ["n1", "n2"] }, false],
    [{ ips: ["10.0.0.2"] }, false],
  ])("with names may be enough for %o: %s", (names, expected) => expect(satisfies(facts, names)).toBe(expected));
});

it("a node serves under its names and addresses, once it has an address", () => {
  const addresses = [
    { type: "InternalIP", address: "10.0.0.2" },
    { type: "InternalIP", address: "FD00:0::1" },
    { type: "Hostname", address: "n1" },
    { type: "InternalDNS", address: "n1.internal" },
    { type: "ExternalIP", address: "10.0.0.1" },
    { type: "Other", address: "elsewhere" },
  ];
  expect(servingNames("n1", addresses)).toEqual({
    commonName: "system:node:n1",
    organizations: ["system:nodes"],
    dnsNames: ["n1", "n1.internal"],
    ips: ["10.0.0.1", "10.0.0.2", "fd00::1"],
  });
  expect(servingNames("n1", [{ type: "Hostname", address: "n1" }])).toBeUndefined();
  expect(servingNames("n1", [{ type: "Hostname", address: "10.0.0.1" }])).toMatchObject({ dnsNames: [], ips: ["10.0.0.1"] });
});

it("waits between failures grow to half a minute", () => {
  expect([1, 2, 3, 4, 5, 6, 60].map((failures) => retryMs(failures, 0))).toEqual([2000, 4000, 8000, 16_000, 32_000, 32_000, 32_000]);
  expect(retryMs(1, 0.5)).toBe(2100);
});
