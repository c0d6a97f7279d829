import { describe, expect, it } from "vitest";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { aNode, aPod, clusterOf } from "../sample-objects.ts";
import type { ClusterState } from "./cluster-state.ts";
import { podInfo } from "./pod-info.ts";

interface Wish {
  readonly uid?: string;
  readonly cpu?: string;
  readonly priority?: number;
}
const waiting = (reason: string, { uid = "u", cpu = "1", priority = 0 }: Wish = {}): Pod => {
  const made = aPod("p", { requests: { cpu }, spec: { priority }, status: { conditions: [{ type: "PodScheduled", status: "False", reason }] } });
  return { ...made, metadata: { ...made.metadata, uid, generation: 1 } };
};
const generationOf = (cluster: ClusterState): number => cluster.node("n")?.generation ?? Number.NaN;

describe("a pod that is nominated", () => {
  it("keeps what was worked out about its node when its status changes", () => {
    const cluster = clusterOf([aNode("n")]);
    const first = waiting("Unschedulable");
    const before = generationOf(cluster);
    cluster.nominations.set(podInfo(first), "n");
    const nominated = generationOf(cluster);
    expect(nominated).toBeGreaterThan(before);
    const second = podInfo(waiting("SchedulerError"), first);
    cluster.nominations.set(second, "n");
    expect(generationOf(cluster)).toBe(nominated);
    expect(cluster.nominations.on("n")).toEqual([second]);
    cluster.nominations.delete(second.key);
    expect(generationOf(cluster)).toBeGreaterThan(nominated);
    expect(cluster.nominations.on("n")).toEqual([]);
  });

  it.each<[string, Wish]>([
    ["takes more", { uid: "u", cpu: "2" }],
    ["is more important", { priority: 5 }],
    ["is another pod of that name", { uid: "other" }],
  ])("changes its node when it %s", (_what, wish) => {
    const cluster = clusterOf([aNode("n")]);
    cluster.nominations.set(podInfo(waiting("Unschedulable")), "n");
    const nominated = generationOf(cluster);
    cluster.nominations.set(podInfo(waiting("Unschedulable", wish)), "n");
    expect(generationOf(cluster)).toBeGreaterThan(nominated);
  });
});
