import { describe, expect, it } from "vitest";
import { epochMs, samplePod, type SamplePod } from "../sample-objects.ts";
import { deletionCost, rankForDeletion } from "./deletion-rank.ts";

const nowMs = epochMs + 100_000 * 1000;
const cost = (value: string) => ({ annotations: { "controller.kubernetes.io/pod-deletion-cost": value } });

describe("rankForDeletion", () => {
  const cases: readonly (readonly [name: string, goes: SamplePod, stays: SamplePod])[] = [
    ["unscheduled before scheduled", { node: "", phase: "Pending" }, { phase: "Pending" }],
    ["pending before unknown", { phase: "Pending" }, { phase: "Unknown" }],
    ["unknown before running", { phase: "Unknown" }, {}],
    ["not ready before ready", {}, { readyAt: 1 }],
    ["cheap before dear", { readyAt: 1, ...cost("-5") }, { readyAt: 1, ...cost("3") }],
    ["readiness outweighs cost", { ...cost("100") }, { readyAt: 1, ...cost("-100") }],
    ["crowded before lonely", { readyAt: 1, node: "crowded" }, { readyAt: 1, node: "lonely" }],
    ["ready for a shorter time first", { readyAt: 99_999 }, { readyAt: 1 }],
    ["more restarts first", { readyAt: 1, restarts: 4 }, { readyAt: 1, restarts: 1 }],
    ["younger first", { createdAt: 99_990 }, { createdAt: 10 }],
    ["of about the same age the lower uid", { uid: "a", createdAt: 10 }, { uid: "b", createdAt: 20 }],
  ];
  it.each(cases)("%s", (_name, goes, stays) => {
    const crowding = (pod: { spec: { nodeName?: string | undefined } }): number => (pod.spec.nodeName === "crowded" ? 2 : 1);
    for (const order of [["goes", "stays"] as const, ["stays", "goes"] as const]) {
      const pods = order.map((name) => samplePod(name, name === "goes" ? goes : stays));
      expect(rankForDeletion(pods, crowding, nowMs).map((pod) => pod.metadata.name)).toEqual(["goes", "stays"]);
    }
  });

  it.each([
    ["12", 12],
    ["-3", -3],
    ["+3", 0],
    ["012", 0],
    ["2147483648", 0],
    ["many", 0],
  ])("reads a cost of %s as %d", (text, value) => {
    expect(deletionCost(samplePod("a", cost(text)))).toBe(value);
  });
});
