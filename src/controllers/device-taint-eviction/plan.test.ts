import { describe, expect, it } from "vitest";
import type { DeviceTaint, DeviceToleration, ResourceClaim, ResourceSlice } from "../../api/generated/types/resource-v1.ts";
import { at, epochMs } from "../sample-objects.ts";
import { evictingTaints, evictionTime, poolsOfClaim } from "./plan.ts";

const driver = "gpu.example.com";
const slice = (generation: number, taints: Readonly<Record<string, readonly DeviceTaint[]>>): ResourceSlice => ({
  apiVersion: "resource.k8s.io/v1",
  kind: "ResourceSlice",
  metadata: { name: `s${generation}` },
  spec: { driver, nodeName: "n1", pool: { name: "p", generation, resourceSliceCount: 1 }, devices: Object.entries(taints).map(([name, own]) => ({ name, taints: own })) },
});
const claim = (devices: readonly string[], tolerations: readonly DeviceToleration[] = []): ResourceClaim => ({
  apiVersion: "resource.k8s.io/v1",
  kind: "ResourceClaim",
  metadata: { name: "c", namespace: "ns" },
  spec: {},
  status: { allocation: { devices: { results: devices.map((device) => ({ driver, pool: "p", device, request: "r", tolerations })) } } },
});
const hot: DeviceTaint = { key: "hot", value: "very", effect: "NoExecute", timeAdded: at(10) };
const broken: DeviceTaint = { key: "broken", effect: "NoExecute", timeAdded: at(20) };

describe("evictionTime", () => {
  it.each<readonly [string, readonly DeviceTaint[], readonly DeviceToleration[], number | undefined]>([
    ["no taint", [], [], undefined],
    ["a taint that only keeps others away", [{ ...hot, effect: "NoSchedule" }], [], undefined],
    ["no toleration", [hot], [], 10],
    ["tolerated for ever", [hot], [{ key: "hot", operator: "Exists", effect: "NoExecute" }], undefined],
    ["everything tolerated", [hot, broken], [{ operator: "Exists" }], undefined],
    ["tolerated for a while", [hot], [{ key: "hot", operator: "Exists", effect: "NoExecute", tolerationSeconds: 30 }], 40],
    ["tolerated for less than nothing", [hot], [{ key: "hot", operator: "Exists", effect: "NoExecute", tolerationSeconds: -5 }], 10],
    [
      "the shorter of two",
      [hot],
      [
        { operator: "Exists", tolerationSeconds: 60 },
        { key: "hot", value: "very", tolerationSeconds: 5 },
      ],
      15,
    ],
    ["another value", [hot], [{ key: "hot", value: "little" }], 10],
    ["one of two", [hot, broken], [{ key: "hot", operator: "Exists" }], 20],
    ["the earlier of two", [broken, hot], [{ key: "hot", operator: "Exists", tolerationSeconds: 300 }], 20],
  ])("%s", (_name, taints, tolerations, seconds) => {
    const slices = [slice(1, { a: taints, b: [hot] })];
    expect(evictionTime(claim(["a"], tolerations), () => slices)).toBe(seconds === undefined ? undefined : epochMs + seconds * 1000);
  });

  it("looks at all devices of a claim", () => {
    expect(evictionTime(claim(["a", "b"]), () => [slice(1, { a: [], b: [broken] })])).toBe(epochMs + 20_000);
  });
});

it("slices of older generations say nothing", () => {
  expect(evictingTaints([slice(1, { a: [hot] }), slice(2, { a: [] })], "a")).toEqual([]);
  expect(evictingTaints([slice(3, { a: [hot] }), slice(2, { a: [] })], "a")).toEqual([hot]);
});

it("a claim is of the pools of its devices", () => {
  expect(poolsOfClaim(claim(["a", "b"]))).toEqual(["gpu.example.com/p"]);
});
