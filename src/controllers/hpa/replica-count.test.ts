import { describe, expect, it } from "vitest";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { at, epochMs, samplePod, type SamplePod } from "../sample-objects.ts";
import type { PodMetric } from "./metrics-source.ts";
import { countByAverage, countByTotal, countByUtilization, countByValue, type CountState } from "./replica-count.ts";

const nowMs = epochMs + 3600 * 1000;
const pod = (name: string, sample: SamplePod = {}): Pod => {
  const made = samplePod(name, { readyAt: 10, spec: { containers: [{ name: "main", resources: { requests: { cpu: "1" } } }] }, ...sample });
  return { ...made, status: { ...made.status, startTime: at(0) } };
};
const pods = (count: number) => Array.from({ length: count }, (_, index) => pod(`p${index}`));
const used = (...milli: readonly number[]): readonly PodMetric[] => milli.map((value, index) => ({ pod: `p${index}`, milli: value, atMs: nowMs, windowMs: 60_000 }));
const state = (given: readonly Pod[], rest: Partial<CountState> = {}): CountState => ({ current: given.length, pods: given, tolerances: { up: 0.1, down: 0.1 }, nowMs, ...rest });
const utilization = (given: CountState, metrics: readonly PodMetric[], target: number) => countByUtilization(given, metrics, target, { resource: "cpu" });

describe("countByUtilization", () => {
  it.each([
    ["grows", [300, 500, 700], 30, 5, 50],
    ["shrinks", [100, 100, 100, 100, 100], 50, 1, 10],
    ["stays within the tolerance", [1010, 1030, 1020], 100, 3, 102],
    ["rounds up", [400, 400, 401], 100, 2, 40],
  ] as const)("%s", (_name, milli, target, replicas, measured) => {
    expect(utilization(state(pods(milli.length)), used(...milli), target)).toEqual({ replicas, measured });
  });

  it("takes pods without numbers for idle when it would grow, and for busy when it would shrink", () => {
    expect(utilization(state(pods(4)), used(1000, 1000), 50).replicas).toBe(4);
    expect(utilization(state(pods(4)), used(500, 500, 500), 25).replicas).toBe(6);
    expect(utilization(state(pods(4)), used(100, 100, 100), 50).replicas).toBe(3);
    expect(utilization(state(pods(2)), used(200), 50).replicas).toBe(2);
  });

  it("does not grow for pods that only just start", () => {
    const fresh = { ...pod("p2"), status: { ...pod("p2").status, phase: "Pending" } };
    expect(utilization(state([...pods(2), fresh]), used(600, 600), 50).replicas).toBe(3);
    const warming = { ...pod("p1"), status: { ...pod("p1").status, startTime: at(3500), conditions: [{ type: "Ready", status: "False", lastTransitionTime: at(3500) }] } };
    expect(utilization(state([pod("p0"), warming]), used(500, 5000), 50).measured).toBe(50);
  });

  it("leaves out what goes or has failed", () => {
    const given = [pod("p0"), pod("p1", { deleted: true }), pod("p2", { phase: "Failed" })];
    expect(utilization(state(given, { current: 1 }), used(1000, 9000, 9000), 50).replicas).toBe(2);
  });

  it("needs requests and numbers", () => {
    expect(() =>
      utilization(
        state([samplePod("p0", { readyAt: 1, status: { phase: "Running", startTime: at(0), conditions: [{ type: "Ready", status: "True", lastTransitionTime: at(1) }] } })]),
        used(1),
        50,
      ),
    ).toThrow("missing request for cpu in container main of Pod p0");
    expect(() => utilization(state(pods(1)), [], 50)).toThrow("did not receive metrics");
  });
});

it("counts by average use, by a total, and by a share of it", () => {
  expect(countByValue(state(pods(3)), used(20_000, 10_000, 30_000), 15_000, "")).toEqual({ replicas: 4, measured: 20_000 });
  expect(countByTotal(state(pods(3)), 20_000, 15_000)).toEqual({ replicas: 4, measured: 20_000 });
  expect(countByTotal(state([], { current: 0 }), 20_000, 15_000).replicas).toBe(2);
  expect(countByAverage(state(pods(3)), 100_000, 25_000)).toEqual({ replicas: 4, measured: 33_334 });
  expect(countByAverage(state(pods(4)), 104_000, 25_000).replicas).toBe(4);
});
