import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodes, podDisruptionBudgets, pods, priorityClasses } from "../../src/api/generated/resources.ts";
import type { PriorityClass } from "../../src/api/generated/types/scheduling-v1.ts";
import { failure } from "../../src/meta/status-error.ts";
import { schedulerWorld, type SchedulerWorld } from "./scheduler-world.ts";

const place = { namespace: "default" };
let world: SchedulerWorld;

const start = async (...options: Parameters<typeof schedulerWorld>): Promise<void> => {
  world = await schedulerWorld(...options);
};
afterEach(async () => {
  await world.stop();
});

describe("a pod", () => {
  beforeEach(() => start());

  it("goes to a node that fits, with an event", async () => {
    await world.addNode("n1");
    await world.addPod("web", { cpu: "1" });
    await world.settle();
    expect(await world.bound()).toEqual({ web: "n1" });
    expect((await world.pod("web")).status?.conditions).toMatchObject([{ type: "PodScheduled", status: "True" }]);
    expect(await world.eventsOf("web")).toEqual(["Normal Scheduled Successfully assigned default/web to n1"]);
    expect(world.complaints).toEqual([]);
  });

  it("that fits nowhere says why, and goes as soon as there is room", async () => {
    await world.addNode("small", { allocatable: { cpu: "1", memory: "1Gi", pods: "10" } });
    for (const name of ["t1", "t2"]) await world.addNode(name, { spec: { taints: [{ key: "a", value: "b", effect: "NoSchedule" }] } });
    await world.addPod("web", { cpu: "2" });
    await world.settle();
    const message =
      "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.";
    const waiting = await world.pod("web");
    expect(waiting.status?.conditions).toMatchObject([{ type: "PodScheduled", status: "False", reason: "Unschedulable", message, observedGeneration: 1 }]);
    expect(await world.eventsOf("web")).toEqual([`Warning FailedScheduling ${message}`]);
    expect(world.scheduler.verdictsOf("default/web")).toMatchObject({
      total: 3,
      verdicts: [
        { node: "small", plugin: "NodeResourcesFit", rejections: [{ reason: "Insufficient cpu", lack: { resource: "cpu", requested: 2000, free: 1000 } }] },
        { node: "t1", plugin: "TaintToleration", rejections: [{ detail: "{a: b}" }] },
        { node: "t2", plugin: "TaintToleration" },
      ],
    });
    await world.addNode("big");
    await world.settle();
    expect(await world.bound()).toEqual({ web: "big" });
    expect(world.scheduler.verdictsOf("default/web")).toBeUndefined();
  });

  it("waits while there are no nodes", async () => {
    await world.addPod("web");
    await world.settle();
    expect(await world.eventsOf("web")).toEqual(["Warning FailedScheduling no nodes available to schedule pods"]);
    await world.addNode("n1");
    await world.settle();
    expect(await world.bound()).toEqual({ web: "n1" });
  });

  it("with gates waits until they are gone", async () => {
    await world.addNode("n1");
    const gated = await world.addPod("web", { spec: { schedulingGates: [{ name: "a" }, { name: "b" }] } });
    await world.advance(60);
    expect(await world.bound()).toEqual({});
    expect(await world.eventsOf("web")).toEqual([]);
    const half = await world.client.update(pods, { ...gated, spec: { ...gated.spec, schedulingGates: [{ name: "b" }] } }, place);
    await world.settle();
    expect(await world.bound()).toEqual({});
    await world.client.update(pods, { ...half, spec: { ...half.spec, schedulingGates: [] } }, place);
    await world.settle();
    expect(await world.bound()).toEqual({ web: "n1" });
  });

  it("of another scheduler is left alone", async () => {
    await world.addNode("n1");
    await world.addPod("web", { spec: { schedulerName: "mine" } });
    await world.settle();
    expect(await world.bound()).toEqual({});
  });

  it("goes when another one ends", async () => {
    await world.addNode("n1", { allocatable: { cpu: "1", memory: "1Gi", pods: "10" } });
    await world.addPod("first", { cpu: "1" });
    await world.settle();
    await world.addPod("second", { cpu: "1" });
    await world.settle();
    expect(await world.bound()).toEqual({ first: "n1" });
    await world.client.delete(pods, "first", { ...place, gracePeriodSeconds: 0 });
    await world.settle();
    expect(await world.bound()).toEqual({ second: "n1" });
  });

  it("keeps away from cordoned nodes until they are uncordoned", async () => {
    const node = await world.addNode("n1", { spec: { unschedulable: true } });
    await world.addPod("web");
    await world.settle();
    expect(await world.bound()).toEqual({});
    await world.client.update(nodes, { ...node, spec: {} });
    await world.settle();
    expect(await world.bound()).toEqual({ web: "n1" });
  });
});

describe("preemption", () => {
  beforeEach(() => start());
  const room = { allocatable: { cpu: "2", memory: "8Gi", pods: "110" } };
  const high = { cpu: "2", spec: { priorityClassName: "high" } };

  it("ends pods of lower priority, says so, and nominates the node", async () => {
    await world.addNode("n1", room);
    await world.addPod("low", { cpu: "2" });
    await world.settle();
    const low = await world.pod("low");
    await world.addPod("vip", high);
    await world.settle();
    const vip = await world.pod("vip");
    expect(await world.eventsOf("low")).toEqual([
      "Normal Scheduled Successfully assigned default/low to n1",
      `Normal Preempted Preempted by pod ${vip.metadata.uid ?? ""} on node n1`,
    ]);
    expect(vip.status).toMatchObject({ nominatedNodeName: "n1", conditions: [{ reason: "Unschedulable", message: "0/1 nodes are available: 1 Insufficient cpu." }] });
    const ending = await world.pod("low");
    expect(ending.metadata).toMatchObject({ uid: low.metadata.uid });
    expect(ending.metadata.deletionTimestamp).toBeDefined();
    expect(ending.status?.conditions).toContainEqual(
      expect.objectContaining({
        type: "DisruptionTarget",
        status: "True",
        reason: "PreemptionByScheduler",
        message: "default-scheduler: preempting to accommodate a higher priority pod",
      }),
    );
    // The kubelet is through with it.
    await world.client.delete(pods, "low", { ...place, gracePeriodSeconds: 0 });
    await world.settle();
    expect(await world.bound()).toEqual({ vip: "n1" });
    expect(world.complaints).toEqual([]);
  });

  it("does not take a node that is being made room on from a pod of higher priority", async () => {
    await world.addNode("n1", room);
    await world.addPod("low", { cpu: "2" });
    await world.settle();
    await world.addPod("vip", high);
    await world.settle();
    await world.addPod("other", { cpu: "2" });
    await world.settle();
    await world.client.delete(pods, "low", { ...place, gracePeriodSeconds: 0 });
    await world.advance(20);
    expect(await world.bound()).toEqual({ vip: "n1" });
  });

  it("is not for pods that never preempt", async () => {
    await world.client.create(priorityClasses, { metadata: { name: "meek" }, value: 500, preemptionPolicy: "Never" } as Parameters<typeof world.client.create<PriorityClass>>[1]);
    await world.addNode("n1", room);
    await world.addPod("low", { cpu: "2" });
    await world.settle();
    await world.addPod("meek", { cpu: "2", spec: { priorityClassName: "meek" } });
    await world.settle();
    expect(await world.bound()).toEqual({ low: "n1" });
    expect(await world.eventsOf("meek")).toEqual(["Warning FailedScheduling 0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never."]);
  });

  it("says when it cannot help", async () => {
    await world.addNode("n1", room);
    await world.addPod("low", { cpu: "2" });
    await world.settle();
    await world.addPod("equal", { cpu: "2" });
    await world.settle();
    expect(await world.eventsOf("equal")).toEqual([
      "Warning FailedScheduling 0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
    ]);
  });

  it("spares pods whose budget is used up where it can", async () => {
    await world.addNode("n1", room);
    await world.addNode("n2", room);
    await world.addPod("guarded", { cpu: "2", labels: { app: "guarded" }, spec: { nodeSelector: { "kubernetes.io/hostname": "n1" } } });
    await world.addPod("free", { cpu: "2", labels: { app: "free" }, spec: { nodeSelector: { "kubernetes.io/hostname": "n2" } } });
    await world.client.create(podDisruptionBudgets, { metadata: { name: "b", ...place }, spec: { minAvailable: 1, selector: { matchLabels: { app: "guarded" } } } }, place);
    await world.settle();
    await world.addPod("vip", high);
    await world.settle();
    expect((await world.pod("vip")).status?.nominatedNodeName).toBe("n2");
    expect((await world.pod("guarded")).metadata.deletionTimestamp).toBeUndefined();
  });
});

describe("failures", () => {
  it("of the server are tried again after a back-off", async () => {
    let refusals = 2;
    await start({
      around: (client) => ({
        ...client,
        createSubresource: (...call) => {
          refusals -= 1;
          return refusals >= 0 ? Promise.reject(failure("InternalError", "no")) : client.createSubresource(...call);
        },
      }),
    });
    await world.addNode("n1");
    await world.addPod("web");
    await world.settle();
    expect(await world.bound()).toEqual({});
    expect((await world.pod("web")).status?.conditions).toMatchObject([{ status: "False", reason: "SchedulerError", message: 'running Bind plugin "DefaultBinder": no' }]);
    await world.advance(2);
    expect(await world.bound()).toEqual({});
    await world.advance(3);
    expect(await world.bound()).toEqual({ web: "n1" });
  });
});

describe("profiles", () => {
  it("schedule each their own pods in their own way", async () => {
    await start({
      profiles: [{ schedulerName: "default-scheduler" }, { schedulerName: "packer", scoringStrategy: "MostAllocated", disabled: ["NodeResourcesBalancedAllocation"] }],
    });
    for (const name of ["n1", "n2"]) await world.addNode(name);
    await world.addPod("seed", { cpu: "1", spec: { nodeSelector: { "kubernetes.io/hostname": "n2" } } });
    await world.settle();
    await world.addPod("spread", { cpu: "1" });
    await world.settle();
    await world.addPod("packed", { cpu: "1", spec: { schedulerName: "packer" } });
    await world.settle();
    await world.addPod("again", { cpu: "1", spec: { schedulerName: "packer" } });
    await world.settle();
    const bound = await world.bound();
    expect([bound["spread"], bound["again"]]).toEqual(["n1", bound["packed"]]);
  });
});
