import { describe, expect, it } from "vitest";
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec } from "../../api/generated/types/autoscaling-v2.ts";
import { noMemory, normalize, remember, type ScaleMemory, tolerancesOf } from "./behavior.ts";

const hpa = (spec: Partial<HorizontalPodAutoscalerSpec> = {}): HorizontalPodAutoscaler => ({
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "h", namespace: "ns" },
  spec: { minReplicas: 1, maxReplicas: 20, scaleTargetRef: { kind: "Deployment", name: "web" }, ...spec },
});
const second = 1000;
const judge = (wanted: number, current: number, given = hpa(), memory: ScaleMemory = noMemory, nowMs = 0) => {
  const { replicas, stabilized, limited } = normalize(given, wanted, current, memory, nowMs);
  return [replicas, stabilized.reason, limited.reason];
};

describe("normalize", () => {
  it.each([
    ["takes what is wanted", 5, 3, [5, "ReadyForNewScale", "DesiredWithinRange"]],
    ["at most doubles, or adds four", 20, 3, [7, "ReadyForNewScale", "ScaleUpLimit"]],
    ["at most doubles", 20, 6, [12, "ReadyForNewScale", "ScaleUpLimit"]],
    ["stops at the maximum", 30, 15, [20, "ReadyForNewScale", "TooManyReplicas"]],
    ["stops at the minimum", 0, 4, [1, "ReadyForNewScale", "TooFewReplicas"]],
    ["stays", 3, 3, [3, "ReadyForNewScale", "DesiredWithinRange"]],
  ] as const)("%s", (_name, wanted, current, result) => {
    expect(judge(wanted, current)).toEqual(result);
  });

  it("shrinks to the highest of the last five minutes", () => {
    const memory = {
      ...noMemory,
      recommendations: [
        { replicas: 9, atMs: 0 },
        { replicas: 7, atMs: 100 * second },
      ],
    };
    expect(judge(2, 10, hpa(), memory, 200 * second)).toEqual([9, "ScaleDownStabilized", "DesiredWithinRange"]);
    expect(judge(2, 10, hpa(), memory, 350 * second)).toEqual([7, "ScaleDownStabilized", "DesiredWithinRange"]);
    expect(judge(2, 10, hpa(), memory, 500 * second)).toEqual([2, "ReadyForNewScale", "DesiredWithinRange"]);
  });

  it("grows to the lowest within its window", () => {
    const given = hpa({ behavior: { scaleUp: { stabilizationWindowSeconds: 60 } } });
    const memory = { ...noMemory, recommendations: [{ replicas: 4, atMs: 0 }] };
    expect(judge(8, 3, given, memory, 30 * second)).toEqual([4, "ScaleUpStabilized", "DesiredWithinRange"]);
    expect(judge(7, 3, given, memory, 90 * second)).toEqual([7, "ReadyForNewScale", "DesiredWithinRange"]);
  });

  it("obeys policies over their period", () => {
    const policies = [
      { type: "Pods", value: 2, periodSeconds: 60 },
      { type: "Percent", value: 10, periodSeconds: 60 },
    ];
    const slow = hpa({ behavior: { scaleDown: { stabilizationWindowSeconds: 0, policies }, scaleUp: { policies } } });
    expect(judge(1, 10, slow)[0]).toBe(8);
    expect(judge(20, 10, slow)[0]).toBe(12);
    const memory = remember(slow, noMemory, -2, 0);
    expect(judge(1, 8, slow, memory, 30 * second)).toEqual([8, "ReadyForNewScale", "ScaleDownLimit"]);
    expect(judge(1, 8, slow, memory, 61 * second)[0]).toBe(6);
    const careful = hpa({ behavior: { scaleDown: { stabilizationWindowSeconds: 0, policies, selectPolicy: "Min" } } });
    expect(judge(1, 10, careful)[0]).toBe(9);
    const never = hpa({ behavior: { scaleDown: { stabilizationWindowSeconds: 0, policies, selectPolicy: "Disabled" } } });
    expect(judge(1, 10, never)[0]).toBe(10);
  });
});

it("reads tolerances", () => {
  expect(tolerancesOf(hpa())).toEqual({ up: 0.1, down: 0.1 });
  expect(tolerancesOf(hpa({ behavior: { scaleUp: { tolerance: "0" }, scaleDown: { tolerance: "50m" } } }))).toEqual({ up: 0, down: 0.05 });
});
