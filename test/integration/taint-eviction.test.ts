import { afterEach, beforeEach, expect, it } from "vitest";
import { nodes, pods } from "../../src/api/generated/resources.ts";
import type { Toleration } from "../../src/api/generated/types/core-v1.ts";
import { taintEvictionController } from "../../src/controllers/taint-eviction/reconcile.ts";
import { schedulerWorld, type SchedulerWorld } from "./scheduler-world.ts";

const place = { namespace: "default" };
let world: SchedulerWorld;
/** Keys of pods that the controller looked at. */
let looks: string[];

beforeEach(async () => {
  looks = [];
  world = await schedulerWorld({
    controllers: (deps) => {
      const controller = taintEvictionController(deps);
      return [
        {
          ...controller,
          reconcile(key, signal) {
            looks.push(key);
            return controller.reconcile(key, signal);
          },
        },
      ];
    },
  });
  await world.addNode("n1");
});
afterEach(() => world.stop());

const taint = async (...keys: readonly string[]): Promise<void> => {
  const node = await world.client.get(nodes, "n1");
  await world.client.update(nodes, { ...node, spec: { ...node.spec, taints: keys.map((key) => ({ key, effect: "NoExecute" })) } });
  await world.settle();
};
const addPod = async (name: string, ...tolerations: readonly Toleration[]): Promise<void> => {
  await world.addPod(name, { spec: { tolerations, terminationGracePeriodSeconds: 0 } });
  await world.settle();
};
const names = async (): Promise<string[]> => (await world.client.list(pods, place)).items.map(({ metadata }) => metadata.name ?? "");

it("pods that do not tolerate a taint go, some after a while, and not when it is taken off in time", async () => {
  await addPod("plain");
  await addPod("hardy", { key: "hot", operator: "Exists" });
  await addPod("patient", { key: "hot", operator: "Exists", effect: "NoExecute", tolerationSeconds: 60 });
  await taint("hot");
  expect(await names()).toEqual(["hardy", "patient"]);
  await world.advance(30);
  await taint();
  expect(await world.eventsOf("patient")).toContain("Normal TaintManagerEviction Cancelling deletion of Pod default/patient");
  await world.advance(60);
  expect(await names()).toEqual(["hardy", "patient"]);
  await taint("hot");
  await world.advance(61);
  expect(await names()).toEqual(["hardy"]);
});

it("a pod is looked at when it comes to a node that evicts, not at each of its updates", async () => {
  await taint("hot");
  await addPod("a", { key: "hot", operator: "Exists" });
  expect(looks).toEqual(["default/a"]);
  for (const phase of ["Pending", "Running"]) {
    await world.client.patch(pods, "a", { type: "merge", value: { status: { phase } } }, { ...place, subresource: "status" });
    await world.settle();
  }
  await world.client.delete(pods, "a", { ...place, gracePeriodSeconds: 0 });
  await world.settle();
  expect(looks).toEqual(["default/a"]);
});

it("a pod on a node that evicts nobody is not looked at until the node does", async () => {
  await addPod("a");
  expect(await world.bound()).toEqual({ a: "n1" });
  expect(looks).toEqual([]);
  await taint("hot");
  expect(looks).toContain("default/a");
  expect(await names()).toEqual([]);
});

it("a pod that is on its node before the node is there goes when the node comes with a taint", async () => {
  await world.addPod("early", { spec: { nodeName: "n2", terminationGracePeriodSeconds: 0 } });
  await world.settle();
  expect(await names()).toEqual(["early"]);
  await world.addNode("n2", { spec: { taints: [{ key: "hot", effect: "NoExecute" }] } });
  await world.settle();
  expect(await names()).toEqual([]);
});

it("a pod that stops tolerating a taint goes, and one made anew under its name is another", async () => {
  await addPod("a", { key: "hot", operator: "Exists", effect: "NoExecute", tolerationSeconds: 60 });
  await taint("hot");
  await world.client.delete(pods, "a", { ...place, gracePeriodSeconds: 0 });
  await world.settle();
  await addPod("a", { key: "hot", operator: "Exists" });
  await world.advance(90);
  expect(await names()).toEqual(["a"]);
  const pod = await world.pod("a");
  // Tolerations may only be added: a shorter one beside the other counts.
  await world.client.update(
    pods,
    { ...pod, spec: { ...pod.spec, tolerations: [...(pod.spec.tolerations ?? []), { key: "hot", operator: "Exists", effect: "NoExecute", tolerationSeconds: 5 }] } },
    place,
  );
  await world.settle();
  await world.advance(6);
  expect(await names()).toEqual([]);
});
