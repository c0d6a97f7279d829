import { describe, expect, it } from "vitest";
import type { Lease } from "../../api/generated/types/coordination-v1.ts";
import { at, epochMs, sampleNode } from "../sample-objects.ts";
import { judgeHealth, type NodeHealth } from "./health.ts";

const times = { gracePeriodMs: 50_000, startupGracePeriodMs: 60_000 };
const second = (count: number): number => epochMs + count * 1000;
const node = (beat?: number, status = "True") =>
  sampleNode(
    "n1",
    beat === undefined ? {} : { status: { conditions: [{ type: "Ready", status, reason: "KubeletReady", lastHeartbeatTime: at(beat), lastTransitionTime: at(0) }] } },
  );
const lease = (renewed: number): Lease => ({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "n1" }, spec: { renewTime: at(renewed) } });
const judge = (before: NodeHealth | undefined, seconds: number, given = node(0), given2?: Lease) =>
  judgeHealth(before, { node: given, lease: given2, nowMs: second(seconds), times });

describe("judgeHealth", () => {
  it("gives a node up after 50 s of silence, and says so in all conditions", () => {
    const first = judge(undefined, 0);
    expect(judge(first.health, 50).conditions).toBeUndefined();
    const lost = judge(first.health, 51);
    expect([lost.observed, lost.ready]).toEqual(["True", "Unknown"]);
    expect(lost.conditions?.map(({ type, status, reason, message }) => [type, status, reason, message])).toEqual([
      ["Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."],
      ["MemoryPressure", "Unknown", "NodeStatusNeverUpdated", "Kubelet never posted node status."],
      ["DiskPressure", "Unknown", "NodeStatusNeverUpdated", "Kubelet never posted node status."],
      ["PIDPressure", "Unknown", "NodeStatusNeverUpdated", "Kubelet never posted node status."],
    ]);
    expect(lost.conditions?.[0]).toMatchObject({ lastHeartbeatTime: at(0), lastTransitionTime: at(51) });
    const given = { ...node(), status: { conditions: lost.conditions } };
    expect(judge(lost.health, 60, given).conditions).toBeUndefined();
  });

  it.each([
    ["a renewed lease", node(0), lease(40)],
    ["a new heartbeat", node(40), lease(0)],
  ])("takes %s for a sign of life", (_name, given, renewed) => {
    const first = judge(undefined, 0, node(0), lease(0));
    const alive = judge(first.health, 45, given, renewed);
    expect(judge(alive.health, 90, given, renewed).ready).toBe("True");
    expect(judge(alive.health, 96, given, renewed).ready).toBe("Unknown");
  });

  it("does not trust the node's clock", () => {
    const first = judge(undefined, 0, node(9000), lease(9000));
    expect(judge(first.health, 51, node(9000), lease(9000)).ready).toBe("Unknown");
  });

  it("waits a minute for a kubelet that has never reported", () => {
    const first = judge(undefined, 5, node());
    expect(judge(first.health, 60, node()).conditions).toBeUndefined();
    expect(judge(first.health, 61, node()).conditions).toHaveLength(4);
  });

  it("lets a node come back", () => {
    const lost = judge(judge(undefined, 0).health, 51);
    expect(judge(lost.health, 70, node(70))).toMatchObject({ ready: "True", conditions: undefined });
  });
});
