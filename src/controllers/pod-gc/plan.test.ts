import { expect, it } from "vitest";
import { sampleNode, samplePod } from "../sample-objects.ts";
import { planPodGc, type PodGcState } from "./plan.ts";

const ready = { conditions: [{ type: "Ready", status: "True" }] };
const outOfService = sampleNode("broken", { spec: { taints: [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" }] } });
const plan = (pods: PodGcState["pods"], terminatedThreshold = 0) => {
  const known = new Map([sampleNode("n1", { status: ready }), outOfService].map((node) => [node.metadata.name ?? "", node]));
  const { doomed, nodeless } = planPodGc({ pods, node: (name) => known.get(name), terminatedThreshold });
  return { doomed: doomed.map(({ pod, why }) => `${pod.metadata.name} ${why}`), nodeless: [...nodeless.keys()] };
};

it("takes finished pods beyond the threshold, evicted ones first, then the oldest", () => {
  const pods = [
    samplePod("old", { phase: "Succeeded", createdAt: 1 }),
    samplePod("new", { phase: "Failed", createdAt: 9 }),
    samplePod("evicted", { phase: "Failed", createdAt: 5, status: { phase: "Failed", reason: "Evicted" } }),
    samplePod("running"),
  ];
  expect(plan(pods, 1).doomed).toEqual(["evicted terminated", "old terminated"]);
  expect(plan(pods, 3).doomed).toEqual([]);
  expect(plan(pods, 0).doomed).toEqual([]);
});

it("takes unscheduled pods that should end, and those that end on a node out of service", () => {
  const pods = [
    samplePod("waiting", { node: "", phase: "Pending" }),
    samplePod("cancelled", { node: "", phase: "Pending", deleted: true }),
    samplePod("stuck", { node: "broken", deleted: true }),
    samplePod("fine", { node: "broken" }),
    samplePod("ending", { deleted: true }),
  ];
  expect(plan(pods).doomed).toEqual(["cancelled unscheduled", "stuck out-of-service"]);
});

it("names the nodes that pods stand on and nobody knows", () => {
  expect(plan([samplePod("a", { node: "gone" }), samplePod("b")]).nodeless).toEqual(["gone"]);
});
