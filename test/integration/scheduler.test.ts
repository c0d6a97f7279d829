import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodes, persistentVolumeClaims, persistentVolumes, podDisruptionBudgets, pods, priorityClasses, services, storageClasses } from "../../src/api/generated/resources.ts";
import type { Pod } from "../../src/api/generated/types/core-v1.ts";
import type { PriorityClass } from "../../src/api/generated/types/scheduling-v1.ts";
import type { StorageClass } from "../../src/api/generated/types/storage-v1.ts";
import { silentLogger } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { NewObject } from "../../src/client/client.ts";
import { readConfiguration } from "../../src/scheduler/configuration/read-configuration.ts";
import { PodStatusWriter } from "../../src/scheduler/pod-status-writer.ts";
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
      "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.";
    const waiting = await world.pod("web");
    expect(waiting.status?.conditions).toMatchObject([{ type: "PodScheduled", status: "False", reason: "Unschedulable", message, observedGeneration: 1 }]);
    expect(await world.eventsOf("web")).toEqual([`Warning FailedScheduling ${message}`]);
    expect(world.scheduler.explain("default/web")).toMatchObject({
      nodes: 3,
      verdicts: [
        { node: "small", plugin: "NodeResourcesFit", reasons: [{ reason: "Insufficient cpu", resource: "cpu", requested: "2", free: "1" }] },
        { node: "t1", plugin: "TaintToleration", reasons: [{ detail: "{a: b}" }] },
        { node: "t2", plugin: "TaintToleration" },
      ],
    });
    await world.addNode("big");
    await world.settle();
    expect(await world.bound()).toEqual({ web: "big" });
    expect(world.scheduler.explain("default/web")).toMatchObject({ phase: "Scheduled", nodeName: "big" });
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

  it("is only tried again for what may help it", async () => {
    await world.addNode("n1", { allocatable: { cpu: "1", memory: "1Gi", pods: "10" } });
    await world.addPod("first", { cpu: "1" });
    await world.settle();
    await world.addPod("roomless", { cpu: "1" });
    await world.addPod("homeless", { spec: { nodeSelector: { disk: "ssd" } } });
    await world.settle();
    const attempts = async (name: string) => (await world.events()).filter(({ involvedObject, reason }) => involvedObject.name === name && reason === "FailedScheduling")[0]?.count;
    expect([await attempts("roomless"), await attempts("homeless")]).toEqual([1, 1]);
    await world.addPod("second", { cpu: "1", spec: { nodeName: "n1" } });
    await world.client.delete(pods, "first", { ...place, gracePeriodSeconds: 0 });
    await world.settle();
    // Still no room for the one, which is seen without an attempt; the other does not care.
    expect([await attempts("roomless"), await attempts("homeless")]).toEqual([1, 1]);
    const node = await world.client.get(nodes, "n1");
    await world.client.update(nodes, { ...node, metadata: { ...node.metadata, labels: { ...node.metadata.labels, disk: "ssd" } } });
    await world.settle();
    expect([(await world.bound())["homeless"], await attempts("roomless")]).toEqual(["n1", 1]);
    await world.client.delete(pods, "second", { ...place, gracePeriodSeconds: 0 });
    await world.settle();
    expect((await world.bound())["roomless"]).toBe("n1");
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
    expect(await world.eventsOf("meek")).toEqual([
      "Warning FailedScheduling 0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.",
    ]);
  });

  it("says when it cannot help", async () => {
    await world.addNode("n1", room);
    await world.addPod("low", { cpu: "2" });
    await world.settle();
    await world.addPod("equal", { cpu: "2" });
    await world.settle();
    expect(await world.eventsOf("equal")).toEqual([
      "Warning FailedScheduling 0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
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

describe("pods among pods", () => {
  beforeEach(() => start());
  const repel = {
    podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "web" } } }] },
  };

  it("keep apart where they ask for it, and one more says why it waits", async () => {
    for (const name of ["n1", "n2"]) await world.addNode(name);
    for (const name of ["a", "b", "c"]) await world.addPod(name, { labels: { app: "web" }, spec: { affinity: repel } });
    await world.settle();
    const bound = await world.bound();
    expect(new Set(Object.values(bound))).toEqual(new Set(["n1", "n2"]));
    const [waiting = ""] = ["a", "b", "c"].filter((name) => bound[name] === undefined);
    expect((await world.pod(waiting)).status?.conditions?.[0]?.message).toBe(
      "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.",
    );
  });

  it("of one service go to different zones", async () => {
    for (const zone of ["a", "b", "c"]) for (const index of [1, 2]) await world.addNode(`${zone}${index}`, { labels: { "topology.kubernetes.io/zone": zone } });
    await world.client.create(services, { metadata: { name: "web", ...place }, spec: { selector: { app: "web" }, ports: [{ port: 80 }] } }, place);
    for (const name of ["p1", "p2", "p3"]) await world.addPod(name, { labels: { app: "web" } });
    await world.settle();
    expect(
      Object.values(await world.bound())
        .map((node) => node.slice(0, 1))
        .sort(),
    ).toEqual(["a", "b", "c"]);
  });

  it("never take more of a node than it has", async () => {
    for (const name of ["n1", "n2", "n3"]) await world.addNode(name);
    const random = seededRandom(9);
    for (let index = 0; index < 40; index += 1) await world.addPod(`p${index}`, { cpu: `${100 + Math.floor(random.next() * 900)}m` });
    await world.settle();
    const taken = new Map<string, number>();
    const { items } = await world.client.list(pods, place);
    const cpuOf = (pod: Pod): number => Number.parseInt(pod.spec.containers[0]?.resources?.requests?.["cpu"] ?? "0", 10);
    for (const pod of items) if (pod.spec.nodeName !== undefined) taken.set(pod.spec.nodeName, (taken.get(pod.spec.nodeName) ?? 0) + cpuOf(pod));
    expect([...taken.values()].filter((cpu) => cpu > 4000)).toEqual([]);
    // And what waits fits nowhere.
    const free = Math.max(...["n1", "n2", "n3"].map((name) => 4000 - (taken.get(name) ?? 0)));
    expect(items.filter((pod) => pod.spec.nodeName === undefined && cpuOf(pod) <= free)).toEqual([]);
    expect(items.filter((pod) => pod.spec.nodeName === undefined).length).toBeGreaterThan(0);
  });
});

describe("volumes", () => {
  beforeEach(() => start());
  const claimed = { spec: { volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }] } };
  const createClaim = (className: string) =>
    world.client.create(
      persistentVolumeClaims,
      { metadata: { name: "data", ...place }, spec: { storageClassName: className, accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } },
      place,
    );

  it("that are bound at once are waited for", async () => {
    await world.client.create(storageClasses, { metadata: { name: "now" }, provisioner: "x.example.com", volumeBindingMode: "Immediate" } as NewObject<StorageClass>);
    await world.addNode("n1");
    await createClaim("now");
    await world.addPod("db", claimed);
    await world.settle();
    expect(await world.eventsOf("db")).toEqual(["Warning FailedScheduling 0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"]);
  });

  it("that wait for their first consumer are made where the pod goes", async () => {
    await world.client.create(storageClasses, { metadata: { name: "late" }, provisioner: "x.example.com", volumeBindingMode: "WaitForFirstConsumer" } as NewObject<StorageClass>);
    await world.addNode("n1");
    await createClaim("late");
    await world.addPod("db", claimed);
    await world.settle();
    const asked = await world.client.get(persistentVolumeClaims, "data", place);
    expect([asked.metadata.annotations?.["volume.kubernetes.io/selected-node"], await world.bound()]).toEqual(["n1", {}]);
    // What a provisioner and the volume controller do.
    await world.client.create(persistentVolumes, {
      metadata: { name: "made" },
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        storageClassName: "late",
        hostPath: { path: "/x" },
        claimRef: { namespace: "default", name: "data", uid: asked.metadata.uid },
      },
    });
    const annotations = { ...asked.metadata.annotations, "pv.kubernetes.io/bind-completed": "yes" };
    await world.client.update(persistentVolumeClaims, { ...asked, metadata: { ...asked.metadata, annotations }, spec: { ...asked.spec, volumeName: "made" } }, place);
    await world.settle();
    expect(await world.bound()).toEqual({ db: "n1" });
    expect(world.complaints).toEqual([]);
  });

  it("that are not made in time put the pod back", async () => {
    await world.client.create(storageClasses, { metadata: { name: "late" }, provisioner: "x.example.com", volumeBindingMode: "WaitForFirstConsumer" } as NewObject<StorageClass>);
    await world.addNode("n1");
    await createClaim("late");
    await world.addPod("db", claimed);
    await world.settle();
    // Where it will be is said while that takes its time.
    expect((await world.pod("db")).status?.nominatedNodeName).toBe("n1");
    await world.advance(601);
    expect((await world.pod("db")).status?.nominatedNodeName).toBeUndefined();
    expect((await world.pod("db")).status?.conditions).toMatchObject([
      { status: "False", reason: "SchedulerError", message: 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded' },
    ]);
  });
});

describe("a scheduler that starts late", () => {
  it("counts what is there and goes on where another stopped", async () => {
    await start();
    await world.addNode("n1", { allocatable: { cpu: "2", memory: "8Gi", pods: "110" } });
    await world.addNode("n2", { allocatable: { cpu: "2", memory: "8Gi", pods: "110" } });
    await world.addPod("there", { cpu: "1", spec: { nodeName: "n1" } });
    await world.addPod("done", { cpu: "2", spec: { nodeName: "n2" } });
    const done = await world.pod("done");
    await world.client.update(pods, { ...done, status: { ...done.status, phase: "Succeeded" } }, { ...place, subresource: "status" });
    await world.addPod("new", { cpu: "2" });
    await world.settle();
    expect(await world.bound()).toEqual({ there: "n1", done: "n2", new: "n2" });
  });
});

describe("what is written about a pod", () => {
  it("is the last that was wished, even while earlier writes are not seen yet", async () => {
    await start();
    const pod = await world.addPod("web", { spec: { schedulerName: "nobody" } });
    // A reader that is behind all the time.
    const stale = { get: () => pod, list: () => [pod], inNamespace: () => [pod], byIndex: () => [] };
    const writer = new PodStatusWriter({ client: world.client, pods: stale, clock: world.clock, log: silentLogger });
    writer.write(pod, { nominatedNodeName: "n1", condition: { reason: "Unschedulable", message: "first" } });
    writer.write(pod, { nominatedNodeName: "n2" });
    await world.settle();
    expect((await world.pod("web")).status).toMatchObject({ nominatedNodeName: "n2", conditions: [{ message: "first" }] });
    writer.write(pod, { nominatedNodeName: "", condition: { reason: "Unschedulable", message: "second" } });
    await world.settle();
    const { status } = await world.pod("web");
    expect([status?.nominatedNodeName, status?.conditions?.map(({ message }) => message)]).toEqual([undefined, ["second"]]);
  });
});

describe("failures", () => {
  it.each([0, 2])("takes a binding for done whose answer got lost, and %i answers after it", async (more) => {
    let lost = 0;
    await start({
      around: (client) => ({
        ...client,
        createSubresource: async (...call) => {
          await client.createSubresource(...call);
          throw failure("Timeout", "lost");
        },
        get: async (...call) => {
          lost += 1;
          if (lost <= more) throw failure("Timeout", "lost");
          return client.get(...call);
        },
      }),
    });
    await world.addNode("n1");
    await world.addPod("web");
    await world.advance(more);
    expect(await world.bound()).toEqual({ web: "n1" });
    expect(world.complaints).toEqual([]);
  });

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

describe("victims that cannot be ended", () => {
  it("are asked to go again after a back-off", async () => {
    let refusals = 1;
    await start({
      around: (client) => ({
        ...client,
        delete: (...call) => {
          refusals -= 1;
          return refusals >= 0 ? Promise.reject(failure("InternalError", "no")) : client.delete(...call);
        },
      }),
    });
    await world.addNode("n1", { allocatable: { cpu: "1", memory: "1Gi", pods: "10" } });
    await world.addPod("low", { cpu: "1" });
    await world.settle();
    await world.addPod("vip", { cpu: "1", spec: { priorityClassName: "high" } });
    await world.settle();
    expect(world.complaints).toHaveLength(1);
    await world.advance(3);
    expect((await world.pod("low")).metadata.deletionTimestamp).toBeDefined();
  });
});

const packing = readConfiguration({
  apiVersion: "kubescheduler.config.k8s.io/v1",
  kind: "KubeSchedulerConfiguration",
  profiles: [{ schedulerName: "packer", plugins: { score: { disabled: [{ name: "NodeResourcesBalancedAllocation" }] } } }],
}).profiles[0]?.plugins;

describe("profiles", () => {
  it("schedule each their own pods in their own way", async () => {
    await start({
      profiles: [
        { schedulerName: "default-scheduler" },
        { schedulerName: "packer", scoringStrategy: { type: "MostAllocated" }, ...(packing === undefined ? {} : { plugins: packing }) },
      ],
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
