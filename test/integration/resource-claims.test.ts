import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deviceClasses, pods, resourceClaims, resourceClaimTemplates, resourceSlices } from "../../src/api/generated/resources.ts";
import type { Pod } from "../../src/api/generated/types/core-v1.ts";
import type { ResourceClaim } from "../../src/api/generated/types/resource-v1.ts";
import { deviceTaintEvictionController } from "../../src/controllers/device-taint-eviction/reconcile.ts";
import { resourceClaimController } from "../../src/controllers/resource-claim/reconcile.ts";
import { schedulerWorld, type SchedulerWorld } from "./scheduler-world.ts";

const place = { namespace: "default" };
const driver = "gpu.example.com";
const spec = { devices: { requests: [{ name: "gpu", exactly: { deviceClassName: "gpus" } }] } };
const fromTemplate = { spec: { resourceClaims: [{ name: "gpu", resourceClaimTemplateName: "t" }] } };
let world: SchedulerWorld;

beforeEach(async () => {
  world = await schedulerWorld({ controllers: (deps) => [resourceClaimController(deps), deviceTaintEvictionController(deps)] });
  await world.client.create(deviceClasses, { metadata: { name: "gpus" }, spec: {} });
  await world.addNode("n1");
  await world.client.create(resourceSlices, {
    metadata: { name: "s" },
    spec: { driver, nodeName: "n1", pool: { name: "n1", generation: 1, resourceSliceCount: 1 }, devices: [{ name: "a" }] },
  });
});
afterEach(async () => {
  await world.stop();
});

const addTemplate = () => world.client.create(resourceClaimTemplates, { metadata: { name: "t", ...place }, spec: { metadata: { labels: { from: "t" } }, spec } }, place);
const claims = async (): Promise<readonly ResourceClaim[]> => (await world.client.list(resourceClaims, place)).items;
const finish = async (name: string, phase: string): Promise<Pod> => {
  const pod = await world.pod(name);
  return world.client.update(pods, { ...pod, status: { ...pod.status, phase } }, { ...place, subresource: "status" });
};

describe("claims from templates", () => {
  it("are made, recorded, given devices, and deleted when the pod is over", async () => {
    await addTemplate();
    const pod = await world.addPod("web", fromTemplate);
    await world.settle();
    const [claim] = await claims();
    expect(claim?.metadata).toMatchObject({
      name: expect.stringMatching(/^web-gpu-.{5}$/),
      labels: { from: "t" },
      annotations: { "resource.kubernetes.io/pod-claim-name": "gpu" },
      ownerReferences: [{ kind: "Pod", name: "web", uid: pod.metadata.uid, controller: true, blockOwnerDeletion: true }],
      finalizers: ["resource.kubernetes.io/delete-protection"],
    });
    expect((await world.pod("web")).status?.resourceClaimStatuses).toEqual([{ name: "gpu", resourceClaimName: claim?.metadata.name }]);
    expect([await world.bound(), claim?.status?.reservedFor?.map(({ name }) => name)]).toEqual([{ web: "n1" }, ["web"]]);
    await finish("web", "Succeeded");
    await world.advance(1);
    expect(await claims()).toEqual([]);
    expect(world.complaints).toEqual([]);
  });

  it("wait for the template", async () => {
    await world.addPod("web", fromTemplate);
    await world.settle();
    expect(await world.eventsOf("web")).toContain(
      'Warning FailedResourceClaimCreation PodResourceClaim gpu: resource claim template "t": resourceclaimtemplates.resource.k8s.io "t" not found',
    );
    await addTemplate();
    await world.settle();
    expect(await world.bound()).toEqual({ web: "n1" });
  });

  it("are made again when they were lost", async () => {
    await addTemplate();
    // Nothing is free, so that the pod goes on waiting.
    const held = await world.client.create(resourceClaims, { metadata: { name: "held", ...place }, spec }, place);
    const allocation = { devices: { results: [{ request: "gpu", driver, pool: "n1", device: "a" }] } };
    await world.client.update(resourceClaims, { ...held, status: { allocation } }, { ...place, subresource: "status" });
    await world.addPod("web", fromTemplate);
    await world.settle();
    const first = (await world.pod("web")).status?.resourceClaimStatuses?.[0]?.resourceClaimName ?? "";
    await world.client.delete(resourceClaims, first, place);
    await world.settle();
    const second = (await world.pod("web")).status?.resourceClaimStatuses?.[0]?.resourceClaimName ?? "";
    expect(second).not.toBe(first);
    expect((await claims()).map(({ metadata }) => metadata.name).sort()).toEqual(["held", second].sort());
  });
});

describe("a claim of its own", () => {
  beforeEach(async () => {
    await world.client.create(resourceClaims, { metadata: { name: "c", ...place }, spec }, place);
  });
  const using = { spec: { resourceClaims: [{ name: "gpu", resourceClaimName: "c" }] } };

  it("is given back when its last pod is over, and goes to the next", async () => {
    await world.addPod("p1", using);
    await world.settle();
    await world.client.create(resourceClaims, { metadata: { name: "other", ...place }, spec }, place);
    await world.addPod("p2", { spec: { resourceClaims: [{ name: "gpu", resourceClaimName: "other" }] } });
    await world.settle();
    expect(await world.bound()).toEqual({ p1: "n1" });
    await world.client.delete(pods, "p1", { ...place, gracePeriodSeconds: 0 });
    await world.advance(3);
    const [first] = (await claims()).filter(({ metadata }) => metadata.name === "c");
    expect([first?.status?.allocation, first?.status?.reservedFor, first?.metadata.finalizers]).toEqual([undefined, undefined, undefined]);
    expect(await world.bound()).toEqual({ p2: "n1" });
  });

  it("is kept while a pod uses it, although it is deleted", async () => {
    await world.addPod("p1", using);
    await world.settle();
    await world.client.delete(resourceClaims, "c", place);
    await world.settle();
    expect((await claims()).map(({ metadata }) => metadata.deletionTimestamp !== undefined)).toEqual([true]);
    await finish("p1", "Failed");
    await world.settle();
    expect(await claims()).toEqual([]);
  });

  it("is reserved for a pod that came to its node without the scheduler", async () => {
    await world.addPod("p1", using);
    await world.settle();
    await world.addPod("p2", { spec: { ...using.spec, nodeName: "n1" } });
    await world.settle();
    expect((await claims())[0]?.status?.reservedFor?.map(({ name }) => name)).toEqual(["p1", "p2"]);
  });
});

describe("tainted devices", () => {
  const taint = async (effect: string): Promise<void> => {
    const slice = await world.client.get(resourceSlices, "s");
    const taints = effect === "" ? {} : { taints: [{ key: "hot", effect }] };
    await world.client.update(resourceSlices, { ...slice, spec: { ...slice.spec, devices: [{ name: "a", ...taints }] } });
    await world.settle();
  };
  const tolerant = (seconds: number) => ({
    devices: {
      requests: [{ name: "gpu", exactly: { deviceClassName: "gpus", tolerations: [{ key: "hot", operator: "Exists", effect: "NoExecute", tolerationSeconds: seconds }] } }],
    },
  });
  const addUser = async (claimSpec: ResourceClaim["spec"]): Promise<void> => {
    await world.client.create(resourceClaims, { metadata: { name: "c", ...place }, spec: claimSpec }, place);
    await world.addPod("web", { spec: { resourceClaims: [{ name: "gpu", resourceClaimName: "c" }] } });
    await world.settle();
  };

  it("are left by the pods that use them at once, with the reason", async () => {
    await addUser(spec);
    await taint("NoSchedule");
    expect((await world.pod("web")).metadata.deletionTimestamp).toBeUndefined();
    await taint("NoExecute");
    const { metadata, status } = await world.pod("web");
    expect(metadata.deletionTimestamp).toBeDefined();
    expect(status?.conditions?.find(({ type }) => type === "DisruptionTarget")).toMatchObject({
      status: "True",
      reason: "DeletionByDeviceTaintManager",
      message: "Device Taint manager: deleting due to NoExecute taint",
    });
    expect(await world.eventsOf("web")).toContain("Normal DeviceTaintManagerEviction Marking for deletion");
  });

  it("are left when the time that the claim tolerates is over, unless they recover", async () => {
    await addUser(tolerant(60));
    await taint("NoExecute");
    await world.advance(30);
    await taint("");
    expect(await world.eventsOf("web")).toContain("Normal DeviceTaintManagerEviction Cancelling deletion");
    await world.advance(60);
    await taint("NoExecute");
    await world.advance(59);
    expect((await world.pod("web")).metadata.deletionTimestamp).toBeUndefined();
    await world.advance(2);
    expect((await world.pod("web")).metadata.deletionTimestamp).toBeDefined();
  });
});
