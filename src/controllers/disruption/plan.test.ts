import { describe, expect, it } from "vitest";
import type { PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus } from "../../api/generated/types/policy-v1.ts";
import { at, epochMs, samplePod } from "../sample-objects.ts";
import { budgetStatus, failedStatus } from "./plan.ts";

const nowMs = epochMs + 1000 * 1000;
const budget = (spec: PodDisruptionBudgetSpec, status?: PodDisruptionBudgetStatus): PodDisruptionBudget => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "b", namespace: "ns", generation: 2 },
  spec,
  ...(status === undefined ? {} : { status }),
});
const pods = (healthy: number, unhealthy = 0) => [
  ...Array.from({ length: healthy }, (_, index) => samplePod(`h${index}`, { readyAt: 1 })),
  ...Array.from({ length: unhealthy }, (_, index) => samplePod(`u${index}`)),
];

describe("budgetStatus", () => {
  it.each([
    [{ minAvailable: 2 }, 3, 0, undefined, { desiredHealthy: 2, expectedPods: 3, disruptionsAllowed: 1 }],
    [{ minAvailable: 3 }, 3, 1, undefined, { desiredHealthy: 3, expectedPods: 4, disruptionsAllowed: 0 }],
    [{ minAvailable: "50%" }, 5, 0, 5, { desiredHealthy: 3, expectedPods: 5, disruptionsAllowed: 2 }],
    [{ maxUnavailable: 1 }, 2, 1, 3, { desiredHealthy: 2, expectedPods: 3, disruptionsAllowed: 0 }],
    [{ maxUnavailable: "30%" }, 10, 0, 10, { desiredHealthy: 7, expectedPods: 10, disruptionsAllowed: 3 }],
    [{ maxUnavailable: "10%" }, 5, 0, 5, { desiredHealthy: 4, expectedPods: 5, disruptionsAllowed: 1 }],
    [{ maxUnavailable: 5 }, 2, 0, 2, { desiredHealthy: 0, expectedPods: 2, disruptionsAllowed: 2 }],
    [{ minAvailable: 0 }, 0, 0, undefined, { desiredHealthy: 0, expectedPods: 0, disruptionsAllowed: 0 }],
  ] as const)("%j with %d healthy, %d not", (spec, healthy, unhealthy, scale, wanted) => {
    const { status } = budgetStatus({ budget: budget(spec), pods: pods(healthy, unhealthy), scale, nowMs });
    expect(status).toMatchObject({ ...wanted, currentHealthy: healthy, observedGeneration: 2 });
    expect(status.conditions?.[0]).toMatchObject({
      type: "DisruptionAllowed",
      status: wanted.disruptionsAllowed > 0 ? "True" : "False",
      reason: wanted.disruptionsAllowed > 0 ? "SufficientPods" : "InsufficientPods",
    });
  });

  it("counts evicted pods as down until they are deleted, or two minutes have passed", () => {
    const disruptedPods = { h0: at(950), h1: at(800), gone: at(950) };
    const { status, recheckMs } = budgetStatus({ budget: budget({ minAvailable: 1 }, { disruptedPods }), pods: pods(3), scale: undefined, nowMs });
    expect([status.disruptedPods, status.currentHealthy, status.disruptionsAllowed, recheckMs]).toEqual([{ h0: at(950) }, 2, 1, 70_001]);
  });

  it("does not count pods that have ended or go", () => {
    const all = [...pods(2), samplePod("done", { phase: "Succeeded", readyAt: 1 }), samplePod("going", { readyAt: 1, deleted: true })];
    expect(budgetStatus({ budget: budget({ minAvailable: 1 }), pods: all, scale: undefined, nowMs }).status).toMatchObject({ currentHealthy: 2, expectedPods: 3 });
  });
});

it("allows nothing while it cannot tell", () => {
  const before = { currentHealthy: 3, desiredHealthy: 2, expectedPods: 3, disruptionsAllowed: 1 };
  const status = failedStatus(budget({ maxUnavailable: 1 }, before), "why", nowMs);
  expect(status).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 0 });
  expect(status.conditions?.[0]).toMatchObject({ status: "False", reason: "SyncFailed", message: "why" });
});
