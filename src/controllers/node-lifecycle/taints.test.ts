import { describe, expect, it } from "vitest";
import { at, epochMs, sampleNode } from "../sample-objects.ts";
import { noExecuteTaints, noScheduleTaints, secondaryLabels } from "./taints.ts";
import { evictionRates, ZoneQueue, zoneStateOf } from "./zones.ts";

const rates = { normal: 0.1, reduced: 0.01, largeZone: 50, unhealthyShare: 0.55 };
const own = { key: "dedicated", value: "db", effect: "NoSchedule" };
const taint = (key: string, effect: string) => ({ key: `node.kubernetes.io/${key}`, effect, timeAdded: at(0) });
const conditions = (status: Record<string, string>) => ({ conditions: Object.entries(status).map(([type, value]) => ({ type, status: value })) });

describe("noScheduleTaints", () => {
  it.each([
    ["ready", { Ready: "True" }, []],
    ["not ready", { Ready: "False" }, ["not-ready"]],
    ["silent", { Ready: "Unknown", MemoryPressure: "Unknown" }, ["unreachable"]],
    ["short of things", { Ready: "True", MemoryPressure: "True", DiskPressure: "True", PIDPressure: "True" }, ["memory-pressure", "disk-pressure", "pid-pressure"]],
    ["without network", { Ready: "True", NetworkUnavailable: "True" }, ["network-unavailable"]],
  ])("a node that is %s", (_name, status, keys) => {
    const node = sampleNode("n1", { spec: { taints: [own] }, status: conditions(status) });
    const next = noScheduleTaints(node, epochMs);
    expect(next ?? [own]).toEqual([own, ...keys.map((key) => taint(key, "NoSchedule"))]);
    if (next !== undefined) expect(noScheduleTaints({ ...node, spec: { taints: next } }, epochMs + 5000)).toBeUndefined();
  });

  it("follows spec.unschedulable", () => {
    const cordoned = sampleNode("n1", { spec: { unschedulable: true }, status: conditions({ Ready: "True" }) });
    expect(noScheduleTaints(cordoned, epochMs)).toEqual([taint("unschedulable", "NoSchedule")]);
    expect(noScheduleTaints({ ...cordoned, spec: { taints: [taint("unschedulable", "NoSchedule"), own] } }, epochMs)).toEqual([own]);
  });
});

describe("noExecuteTaints", () => {
  it("swaps one for the other and takes both away", () => {
    const tainted = sampleNode("n1", { spec: { taints: [own, taint("not-ready", "NoExecute"), taint("not-ready", "NoSchedule")] } });
    expect(noExecuteTaints(tainted, "False", epochMs)).toBeUndefined();
    expect(noExecuteTaints(tainted, "Unknown", epochMs)).toEqual([own, taint("not-ready", "NoSchedule"), taint("unreachable", "NoExecute")]);
    expect(noExecuteTaints(tainted, "True", epochMs)).toEqual([own, taint("not-ready", "NoSchedule")]);
    expect(noExecuteTaints(sampleNode("n1"), "True", epochMs)).toBeUndefined();
  });
});

it("keeps the deprecated labels of system and architecture", () => {
  const labels = { "kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64", "beta.kubernetes.io/os": "linux" };
  expect(secondaryLabels(sampleNode("n1", { labels }))).toEqual({ "beta.kubernetes.io/arch": "arm64" });
});

describe("zones", () => {
  it.each([
    [["True", "True"], "Normal"],
    [["False"], "FullDisruption"],
    [["True", "False", "Unknown"], "Normal"],
    [["True", "True", "False", "False", "Unknown"], "PartialDisruption"],
    [["True", "True", "True", "False", "False", "False"], "Normal"],
  ] as const)("%j is %s", (ready, state) => {
    expect(zoneStateOf(ready, rates)).toBe(state);
  });

  it("stop evicting when all are down, or a small one is partly", () => {
    const zone = (state: "Normal" | "PartialDisruption" | "FullDisruption", nodes = 10) => ({ state, nodes });
    const of = (zones: Record<string, ReturnType<typeof zone>>) => Object.fromEntries(evictionRates(new Map(Object.entries(zones)), rates));
    expect(of({ a: zone("FullDisruption"), b: zone("FullDisruption") })).toEqual({ a: 0, b: 0 });
    expect(of({ a: zone("FullDisruption"), b: zone("Normal") })).toEqual({ a: 0.1, b: 0.1 });
    expect(of({ a: zone("PartialDisruption", 10), b: zone("PartialDisruption", 51) })).toEqual({ a: 0, b: 0.01 });
  });

  it("hand their nodes out one in ten seconds", () => {
    const queue = new ZoneQueue(0.1);
    queue.add("a");
    queue.add("b");
    expect([queue.take(0), queue.take(0), queue.waitMs(4000), queue.take(9999), queue.take(10_000), queue.waitMs(10_000)]).toEqual([
      "a",
      undefined,
      6000,
      undefined,
      "b",
      undefined,
    ]);
  });
});
