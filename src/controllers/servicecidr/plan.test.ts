import { describe, expect, it } from "vitest";
import type { IPAddress, ServiceCIDR } from "../../api/generated/types/networking-v1.ts";
import { holding, isNeeded, overlapping } from "./plan.ts";

const range = (name: string, cidrs: readonly string[], deletionTimestamp?: string): ServiceCIDR => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "ServiceCIDR",
  metadata: { name, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
  spec: { cidrs },
});
const address = (name: string): IPAddress => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "IPAddress",
  metadata: { name },
  spec: { parentRef: { resource: "services", name: "s" } },
});
const gone = "2026-01-01T00:00:00Z";
const namesOf = (ranges: readonly ServiceCIDR[]): readonly string[] => ranges.map(({ metadata }) => metadata.name ?? "");

describe("a range that is going", () => {
  it.each<[string, readonly ServiceCIDR[], readonly string[], boolean]>([
    ["without addresses", [], [], false],
    ["with an address", [], ["10.1.0.5"], true],
    ["with addresses elsewhere", [], ["10.2.0.5", "fd00::1"], false],
    ["with an address that a wider range has too", [range("wide", ["10.0.0.0/8"])], ["10.1.0.5"], false],
    ["with an address that another range has, which is going as well", [range("wide", ["10.0.0.0/8"], gone)], ["10.1.0.5"], true],
    ["with an address outside a narrower range", [range("narrow", ["10.1.1.0/24"])], ["10.1.1.5", "10.1.2.5"], true],
  ])("%s is needed: %#", (_name, others, addresses, needed) => {
    const going = range("going", ["10.1.0.0/16", "fd01::/64"], gone);
    expect(isNeeded(going, [going, ...others], addresses.map(address))).toBe(needed);
  });
});

it("knows which ranges hold an address and which overlap", () => {
  const all = [range("a", ["10.1.0.0/16"]), range("b", ["10.1.5.0/24", "fd00::/64"]), range("c", ["10.2.0.0/16"])];
  expect(namesOf(holding("10.1.5.9", all))).toEqual(["a", "b"]);
  expect(namesOf(holding("fd00::9", all))).toEqual(["b"]);
  expect(namesOf(overlapping(range("b", ["10.1.5.0/24"]), all))).toEqual(["a", "b"]);
});
