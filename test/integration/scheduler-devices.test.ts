import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deviceClasses, pods, resourceClaims, resourceSlices } from "../../src/api/generated/resources.ts";
import type { Device, DeviceClaim, DeviceClass, DeviceRequest, ResourceClaim, ResourceSlice } from "../../src/api/generated/types/resource-v1.ts";
import type { NewObject } from "../../src/client/client.ts";
import { schedulerWorld, type SchedulerWorld } from "./scheduler-world.ts";

const place = { namespace: "default" };
const driver = "gpu.example.com";
let world: SchedulerWorld;

beforeEach(async () => {
  world = await schedulerWorld();
});
afterEach(async () => {
  await world.stop();
});

const addClass = (name = "gpus", spec: DeviceClass["spec"] = {}) => world.client.create(deviceClasses, { metadata: { name }, spec });
const addSlice = (node: string, devices: readonly (string | Device)[], spec: Partial<ResourceSlice["spec"]> = {}): Promise<ResourceSlice> =>
  world.client.create(resourceSlices, {
    metadata: { name: `slice-${node}` },
    spec: {
      driver,
      pool: { name: node, generation: 1, resourceSliceCount: 1 },
      ...(spec.allNodes === true ? {} : { nodeName: node }),
      devices: devices.map((device) => (typeof device === "string" ? { name: device } : device)),
      ...spec,
    },
  });
const one: DeviceRequest = { name: "gpu", exactly: { deviceClassName: "gpus" } };
const addClaim = (name: string, devices: DeviceClaim = { requests: [one] }): Promise<ResourceClaim> =>
  world.client.create(resourceClaims, { metadata: { name, ...place }, spec: { devices } }, place);
const claim = (name: string): Promise<ResourceClaim> => world.client.get(resourceClaims, name, place);
const wanting = (...names: readonly string[]) => ({ spec: { resourceClaims: names.map((name) => ({ name, resourceClaimName: name })) } });
const devicesOf = ({ status }: ResourceClaim): readonly string[] => (status?.allocation?.devices?.results ?? []).map(({ pool, device }) => `${pool}/${device}`);
const setStatus = (object: ResourceClaim, status: ResourceClaim["status"]) => world.client.update(resourceClaims, { ...object, status }, { ...place, subresource: "status" });
const lastEvent = async (pod: string): Promise<string | undefined> => (await world.eventsOf(pod)).at(-1);

describe("a pod with a claim", () => {
  it("goes where the claim gets its devices, which is written down first", async () => {
    await addClass();
    for (const node of ["n1", "n2", "n3"]) await world.addNode(node);
    await addSlice("n2", ["a", "b"]);
    await addClaim("c");
    const pod = await world.addPod("web", wanting("c"));
    await world.settle();
    expect(await world.bound()).toEqual({ web: "n2" });
    const { metadata, status } = await claim("c");
    expect(metadata.finalizers).toEqual(["resource.kubernetes.io/delete-protection"]);
    expect(status).toEqual({
      allocation: {
        allocationTimestamp: "2026-01-01T00:00:00Z",
        devices: { results: [{ request: "gpu", driver, pool: "n2", device: "a" }] },
        nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n2"] }] }] },
      },
      reservedFor: [{ resource: "pods", name: "web", uid: pod.metadata.uid }],
    });
    expect(world.complaints).toEqual([]);
  });

  it("waits for the claim without being tried, then for devices, and says so", async () => {
    await addClass();
    await world.addNode("n1");
    await world.addPod("web", wanting("c"));
    await world.advance(30);
    expect(await world.eventsOf("web")).toEqual([]);
    await addClaim("c");
    await world.advance(1);
    expect(await world.eventsOf("web")).toEqual([
      "Warning FailedScheduling 0/1 nodes are available: 1 cannot allocate all claims. still not schedulable, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    ]);
    await addSlice("n1", ["a"]);
    await world.advance(2);
    expect(await world.bound()).toEqual({ web: "n1" });
  });

  it("waits for a claim to be made from a template", async () => {
    await addClass();
    await world.addNode("n1");
    await addSlice("n1", ["a"]);
    const pod = await world.addPod("web", { spec: { resourceClaims: [{ name: "gpu", resourceClaimTemplateName: "t" }] } });
    await world.settle();
    expect(await world.bound()).toEqual({});
    const ownerReferences = [{ apiVersion: "v1", kind: "Pod", name: "web", uid: pod.metadata.uid ?? "", controller: true }];
    await world.client.create(resourceClaims, { metadata: { name: "web-gpu-x", ...place, ownerReferences }, spec: { devices: { requests: [one] } } }, place);
    await world.settle();
    expect(await world.bound()).toEqual({});
    await world.client.update(
      pods,
      { ...pod, status: { ...pod.status, resourceClaimStatuses: [{ name: "gpu", resourceClaimName: "web-gpu-x" }] } },
      { ...place, subresource: "status" },
    );
    await world.settle();
    expect(await world.bound()).toEqual({ web: "n1" });
  });

  it("is not for a claim of another pod", async () => {
    await addClass();
    await world.addNode("n1");
    await addSlice("n1", ["a"]);
    await addClaim("c");
    const pod = await world.addPod("web", { spec: { resourceClaims: [{ name: "gpu", resourceClaimTemplateName: "t" }] } });
    await world.client.update(pods, { ...pod, status: { ...pod.status, resourceClaimStatuses: [{ name: "gpu", resourceClaimName: "c" }] } }, { ...place, subresource: "status" });
    await world.advance(5);
    expect(await world.bound()).toEqual({});
  });

  it("waits for the class", async () => {
    await world.addNode("n1");
    await addSlice("n1", ["a"]);
    await addClaim("c");
    await world.addPod("web", wanting("c"));
    await world.settle();
    expect(await lastEvent("web")).toBe(
      "Warning FailedScheduling 0/1 nodes are available: request gpu: device class gpus does not exist. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    );
    await addClass();
    await world.advance(2);
    expect(await world.bound()).toEqual({ web: "n1" });
  });

  it("fails with what is wrong with the claim", async () => {
    await addClass();
    await world.addNode("n1");
    await addSlice("n1", ["a"]);
    await addClaim("c", { requests: [{ name: "gpu", exactly: { deviceClassName: "gpus", selectors: [{ cel: { expression: `device.attributes["${driver}"].size > 1` } }] } }] });
    await world.addPod("web", wanting("c"));
    await world.settle();
    expect((await world.pod("web")).status?.conditions).toMatchObject([
      {
        reason: "SchedulerError",
        message: expect.stringMatching(
          /^running "DynamicResources" filter plugin: claim default\/c: selector #0 on device gpu\.example\.com\/n1\/a: CEL runtime error: no such key: size/,
        ),
      },
    ]);
  });
});

describe("devices", () => {
  beforeEach(async () => {
    await addClass();
  });

  it("are given once", async () => {
    for (const node of ["n1", "n2"]) await world.addNode(node);
    await addSlice("n1", ["a"]);
    await addSlice("n2", ["b"]);
    for (const name of ["c1", "c2", "c3"]) {
      await addClaim(name);
      await world.addPod(`p${name}`, wanting(name));
    }
    await world.settle();
    const given = (await Promise.all(["c1", "c2", "c3"].map(claim))).flatMap(devicesOf);
    expect([...given].sort()).toEqual(["n1/a", "n2/b"]);
    expect(Object.keys(await world.bound())).toHaveLength(2);
  });

  it("come free when a claim gives them back, for whoever waits", async () => {
    await world.addNode("n1");
    await addSlice("n1", ["a"]);
    await addClaim("c1");
    await addClaim("c2");
    await world.addPod("p1", wanting("c1"));
    await world.settle();
    await world.addPod("p2", wanting("c2"));
    await world.settle();
    expect(await world.bound()).toEqual({ p1: "n1" });
    await setStatus(await claim("c1"), {});
    await world.advance(2);
    expect(await world.bound()).toEqual({ p1: "n1", p2: "n1" });
  });

  it("are shared by the pods that name one claim", async () => {
    for (const node of ["n1", "n2"]) await world.addNode(node);
    await addSlice("n1", ["a"]);
    await addClaim("c");
    for (const name of ["p1", "p2", "p3"]) await world.addPod(name, wanting("c"));
    await world.advance(3);
    expect(await world.bound()).toEqual({ p1: "n1", p2: "n1", p3: "n1" });
    expect((await claim("c")).status?.reservedFor?.map(({ name }) => name).sort()).toEqual(["p1", "p2", "p3"]);
  });

  it("that are out of a pod's reach are given back for others", async () => {
    for (const node of ["n1", "n2"]) await world.addNode(node, { labels: { zone: node } });
    await addSlice("n1", ["a"]);
    await addSlice("n2", ["b"]);
    const made = await addClaim("c");
    await setStatus(made, {
      allocation: {
        devices: { results: [{ request: "gpu", driver, pool: "n1", device: "a" }] },
        nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] }] },
      },
    });
    await world.addPod("web", { spec: { ...wanting("c").spec, nodeSelector: { zone: "n2" } } });
    await world.settle();
    expect((await world.eventsOf("web"))[0]).toBe(
      "Warning FailedScheduling 0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 resourceclaim not available on the node. deallocation of ResourceClaim completed, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
    );
    await world.advance(2);
    expect([await world.bound(), devicesOf(await claim("c"))]).toEqual([{ web: "n2" }, ["n2/b"]]);
  });

  it("make nodes better that have what was asked for first", async () => {
    for (const node of ["n1", "n2", "n3"]) await world.addNode(node);
    const sized = (name: string, size: number): Device => ({ name, attributes: { size: { int: size } } });
    await addSlice("n1", [sized("a", 1)]);
    await addSlice("n2", [sized("b", 2)]);
    await addSlice("n3", [sized("c", 1)]);
    const of = (name: string, size: number) => ({
      name,
      deviceClassName: "gpus",
      selectors: [{ cel: { expression: `device.attributes["${driver}"].size == ${size}` } }],
    });
    await addClaim("c", { requests: [{ name: "gpu", firstAvailable: [of("large", 2), of("small", 1)] }] });
    await world.addPod("web", wanting("c"));
    await world.settle();
    expect([await world.bound(), (await claim("c")).status?.allocation?.devices?.results?.[0]?.request]).toEqual([{ web: "n2" }, "gpu/large"]);
  });

  it("that have to get ready hold the pod back until they are", async () => {
    await world.addNode("n1");
    await addSlice("n1", [{ name: "fabric", bindingConditions: ["Attached"], bindingFailureConditions: ["Broken"], bindsToNode: true }], { allNodes: true });
    await addClaim("c");
    await world.addPod("web", wanting("c"));
    await world.settle();
    expect([await world.bound(), await lastEvent("web")]).toEqual([{}, "Normal BindingConditionsPending waiting for binding conditions for device on node n1"]);
    const pending = await claim("c");
    const condition = { type: "Attached", status: "True", reason: "Ok", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" };
    await setStatus(pending, { ...pending.status, devices: [{ driver, pool: "n1", device: "fabric", conditions: [condition] }] });
    await world.settle();
    expect(await world.bound()).toEqual({ web: "n1" });
  });

  it("that never get ready are given back", async () => {
    await world.addNode("n1");
    await addSlice("n1", [{ name: "fabric", bindingConditions: ["Attached"], bindingFailureConditions: ["Broken"] }], { allNodes: true });
    await addClaim("c");
    await world.addPod("web", wanting("c"));
    await world.settle();
    const pending = await claim("c");
    const condition = { type: "Broken", status: "True", reason: "Gone", message: "no slot", lastTransitionTime: "2026-01-01T00:00:00Z" };
    await setStatus(pending, { ...pending.status, devices: [{ driver, pool: "n1", device: "fabric", conditions: [condition] }] });
    await world.settle();
    expect((await world.eventsOf("web")).filter((text) => text.startsWith("Warning"))).toContain(
      'Warning FailedScheduling running PreBind plugin "DynamicResources": claim c binding failed: reason=Gone, message="no slot"',
    );
    await world.advance(3);
    expect((await world.eventsOf("web")).filter((text) => text.includes("deallocation of ResourceClaim completed"))).not.toEqual([]);
    expect(await world.bound()).toEqual({});
  });
});

describe("extended resources that are devices", () => {
  const asking = (resources: Readonly<Record<string, string>>) => ({
    spec: { containers: [{ name: "main", image: "web:1", resources: { requests: resources, limits: resources } }] },
  });

  it("are claimed for the pod where the node has none itself", async () => {
    await addClass("gpus", { extendedResourceName: "example.com/gpu" });
    for (const node of ["n1", "n2"]) await world.addNode(node);
    await addSlice("n2", ["a", "b", "c"]);
    const pod = await world.addPod("web", asking({ "example.com/gpu": "2", cpu: "1" }));
    await world.settle();
    expect(await world.bound()).toEqual({ web: "n2" });
    const status = (await world.pod("web")).status?.extendedResourceClaimStatus;
    expect(status).toEqual({
      resourceClaimName: expect.stringMatching(/^web-extended-resources-/),
      requestMappings: [{ containerName: "main", resourceName: "example.com/gpu", requestName: "container-0-request-1" }],
    });
    const made = await claim(status?.resourceClaimName ?? "");
    expect(made.metadata).toMatchObject({
      annotations: { "resource.kubernetes.io/extended-resource-claim": "true" },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "web", uid: pod.metadata.uid, controller: true }],
    });
    expect([made.spec.devices?.requests, devicesOf(made)]).toEqual([
      [{ name: "container-0-request-1", exactly: { deviceClassName: "gpus", allocationMode: "ExactCount", count: 2 } }],
      ["n2/a", "n2/b"],
    ]);
    expect(world.complaints).toEqual([]);
  });

  it("are counted as ever where the node has them", async () => {
    await addClass("gpus", { extendedResourceName: "example.com/gpu" });
    await world.addNode("n1", { allocatable: { cpu: "4", memory: "8Gi", pods: "110", "example.com/gpu": "1" } });
    await world.addPod("p1", asking({ "example.com/gpu": "1" }));
    await world.settle();
    await world.addPod("p2", asking({ "example.com/gpu": "1" }));
    await world.settle();
    expect([await world.bound(), (await world.client.list(resourceClaims, place)).items]).toEqual([{ p1: "n1" }, []]);
    expect(await lastEvent("p2")).toMatch(/1 Insufficient example\.com\/gpu\./);
  });

  it("may be named by the class, and wait for it", async () => {
    await world.addNode("n1");
    await addSlice("n1", ["a"]);
    await world.addPod("web", asking({ "deviceclass.resource.kubernetes.io/gpus": "1" }));
    await world.settle();
    expect(await lastEvent("web")).toMatch(/1 Insufficient deviceclass\.resource\.kubernetes\.io\/gpus\./);
    await addClass();
    await world.advance(2);
    expect(await world.bound()).toEqual({ web: "n1" });
  });
});

it("a scheduler that starts late counts the devices that are taken", async () => {
  await addClass();
  await world.addNode("n1");
  await addSlice("n1", ["a", "b"]);
  const held = await addClaim("held");
  await setStatus(held, { allocation: { devices: { results: [{ request: "gpu", driver, pool: "n1", device: "a" }] } } } satisfies NewObject<ResourceClaim>["status"]);
  await addClaim("c");
  await world.addPod("web", wanting("c"));
  await world.settle();
  expect(devicesOf(await claim("c"))).toEqual(["n1/b"]);
});
