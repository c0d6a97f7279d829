import { describe, expect, it } from "vitest";
import type { PersistentVolumeClaim, ResourceQuota, ResourceQuotaSpec } from "../../api/generated/types/core-v1.ts";
import type { ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { ResourceClasses } from "../../api/resource/resource-classes.ts";
import { epochMs, samplePod, sampleService, type SamplePod } from "../sample-objects.ts";
import { countedResource, countsOtherwise, quotaStatus, type QuotaState } from "./plan.ts";

const quota = (spec: ResourceQuotaSpec): ResourceQuota => ({ apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "q", namespace: "ns" }, spec });
const noClasses = new ResourceClasses(() => []);
const hard = (...names: readonly string[]) => ({ hard: Object.fromEntries(names.map((name) => [name, "100"])) });
const used = (spec: ResourceQuotaSpec, rest: Partial<QuotaState> = {}) =>
  quotaStatus({ quota: quota(spec), pods: [], services: [], claims: [], deviceClaims: [], classes: noClasses, countOf: () => undefined, nowMs: epochMs, ...rest }).used;
const deviceClaim = (requests: readonly unknown[], metadata: ResourceClaim["metadata"] = {}): ResourceClaim =>
  ({ apiVersion: "resource.k8s.io/v1", kind: "ResourceClaim", metadata, spec: { devices: { requests } } }) as ResourceClaim;
const pod = (name: string, requests: Record<string, string>, rest: SamplePod = {}) =>
  samplePod(name, { ...rest, spec: { containers: [{ name: "main", resources: { requests, limits: requests } }], ...rest.spec } });

describe("pods", () => {
  const pods = [pod("a", { cpu: "500m", memory: "1Gi" }), pod("b", { cpu: "250m" }), pod("done", { cpu: "9" }, { phase: "Succeeded" })];
  it("count what they request, unless they have ended", () => {
    expect(used(hard("pods", "count/pods", "cpu", "requests.cpu", "limits.cpu", "requests.memory", "requests.nvidia.com/gpu"), { pods })).toEqual({
      pods: "2",
      "count/pods": "3",
      cpu: "750m",
      "requests.cpu": "750m",
      "limits.cpu": "750m",
      "requests.memory": "1Gi",
      "requests.nvidia.com/gpu": "0",
    });
  });
  it.each([
    [{ scopes: ["BestEffort"] }, "1"],
    [{ scopes: ["NotBestEffort"] }, "2"],
    [{ scopes: ["Terminating"] }, "1"],
    [{ scopes: ["NotTerminating", "NotBestEffort"] }, "1"],
    [{ scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: ["high"] }] } }, "1"],
    [{ scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "DoesNotExist" }] } }, "2"],
  ])("in %j", (scopes, count) => {
    const given = [pod("free", {}), pod("urgent", { cpu: "1" }, { spec: { priorityClassName: "high" } }), pod("short", { cpu: "1" }, { spec: { activeDeadlineSeconds: 5 } })];
    expect(used({ ...hard("pods"), ...scopes }, { pods: given })).toEqual({ pods: count });
  });
});

it.each<[string, SamplePod, SamplePod, boolean]>([
  ["a new version of the same", {}, { resourceVersion: "2" }, false],
  ["a node", { node: "" }, {}, false],
  ["a start", { phase: "Pending" }, { restarts: 0 }, false],
  ["other labels", {}, { labels: { a: "b" } }, false],
  ["an end", {}, { phase: "Succeeded" }, true],
  ["a deletion", {}, { deleted: true }, true],
  ["less grace", { deleted: true, deletionGracePeriodSeconds: 30 }, { deleted: true, deletionGracePeriodSeconds: 0 }, true],
  ["a deadline", {}, { spec: { activeDeadlineSeconds: 60 } }, true],
  ["other requests", {}, { spec: { containers: [{ name: "main", resources: { requests: { cpu: "1" } } }] } }, true],
  ["another class of service", { status: { qosClass: "BestEffort" } }, { status: { qosClass: "Burstable" } }, true],
])("knows whether a pod counts otherwise after %s", (_name, before, after, otherwise) => {
  expect(countsOtherwise(samplePod("p", before), samplePod("p", after))).toBe(otherwise);
});

it("counts objects under either name", () => {
  const counts: Readonly<Record<string, number>> = { configmaps: 3, "deployments.apps": 2 };
  expect(used(hard("configmaps", "count/configmaps", "count/deployments.apps", "count/nothing.here"), { countOf: (resource) => counts[resource] })).toEqual({
    configmaps: "3",
    "count/configmaps": "3",
    "count/deployments.apps": "2",
    "count/nothing.here": "0",
  });
  expect([countedResource("count/jobs.batch"), countedResource("secrets"), countedResource("cpu")]).toEqual(["jobs.batch", "secrets", undefined]);
});

it("counts services by what they occupy", () => {
  const services = [
    sampleService({ type: "LoadBalancer", ports: [{ port: 1 }, { port: 2 }] }),
    sampleService({ type: "NodePort", ports: [{ port: 1 }] }),
    sampleService({ type: "LoadBalancer", allocateLoadBalancerNodePorts: false, ports: [{ port: 1 }] }),
  ];
  expect(used(hard("services.loadbalancers", "services.nodeports"), { services })).toEqual({ "services.loadbalancers": "2", "services.nodeports": "3" });
});

it("counts devices by class, at worst", () => {
  const gpus = "gpu.deviceclass.resource.k8s.io/devices";
  const nics = "nic.deviceclass.resource.k8s.io/devices";
  const claim = deviceClaim;
  const of = (deviceClassName: string, count?: number, allocationMode = "ExactCount") => ({
    name: "r",
    deviceClassName,
    allocationMode,
    ...(count === undefined ? {} : { count }),
  });
  const count = (...deviceClaims: readonly ResourceClaim[]) => used(hard(gpus, nics, "count/resourceclaims.resource.k8s.io"), { deviceClaims, countOf: () => deviceClaims.length });
  expect(
    count(
      claim([
        { name: "a", exactly: of("gpu", 2) },
        { name: "b", exactly: of("gpu", 1) },
      ]),
      claim([{ name: "a", exactly: of("nic", undefined, "All") }]),
    ),
  ).toEqual({
    [gpus]: "3",
    [nics]: "32",
    "count/resourceclaims.resource.k8s.io": "2",
  });
  expect(count(claim([{ name: "a", firstAvailable: [of("gpu", 2), of("gpu", 4), of("nic", 1)] }]))).toMatchObject({ [gpus]: "4", [nics]: "1" });
  expect(count(claim([{ name: "a", exactly: of("gpu", 2, "Later") }, of("nic")]))).toMatchObject({ [gpus]: "0", [nics]: "1" });
});

it("counts devices under the extended resource that their class stands for, once", () => {
  const classes = new ResourceClasses(() => [
    { apiVersion: "resource.k8s.io/v1", kind: "DeviceClass", metadata: { name: "gpu" }, spec: { extendedResourceName: "example.com/gpu" } },
  ]);
  const gpu = "requests.example.com/gpu";
  const implicit = "requests.deviceclass.resource.kubernetes.io/gpu";
  const other = "requests.deviceclass.resource.kubernetes.io/nic";
  const spec = hard(gpu, implicit, other, "gpu.deviceclass.resource.k8s.io/devices");
  const two = [{ name: "r", exactly: { deviceClassName: "gpu", allocationMode: "ExactCount", count: 2 } }];
  const web = pod("web", { "example.com/gpu": "2" });
  const made = deviceClaim(two, {
    name: "web-extended-resources-x",
    annotations: { "resource.kubernetes.io/extended-resource-claim": "true" },
    ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "web", uid: web.metadata.uid ?? "", controller: true }],
  });
  const count = (pods: readonly (typeof web)[], ...deviceClaims: readonly ResourceClaim[]) => used(spec, { pods, deviceClaims, classes });
  expect(count([web])).toMatchObject({ [gpu]: "2", [implicit]: "0" });
  expect(count([], deviceClaim(two))).toEqual({ [gpu]: "2", [implicit]: "2", [other]: "0", "gpu.deviceclass.resource.k8s.io/devices": "2" });
  expect(count([web], made)).toMatchObject({ [gpu]: "2", [implicit]: "2", "gpu.deviceclass.resource.k8s.io/devices": "2" });
  expect(count([web], made, deviceClaim(two))).toMatchObject({ [gpu]: "4", [implicit]: "4" });
  expect(used(spec, { deviceClaims: [deviceClaim(two)] })).toMatchObject({ [gpu]: "0", [implicit]: "0" });
});

it("counts volume claims by their attributes class", () => {
  const claim = (volumeAttributesClassName?: string, current?: string): PersistentVolumeClaim => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {},
    spec: { resources: { requests: { storage: "1Gi" } }, ...(volumeAttributesClassName === undefined ? {} : { volumeAttributesClassName }) },
    status: current === undefined ? {} : { currentVolumeAttributesClassName: current },
  });
  const claims = [claim(), claim("gold"), claim("silver", "gold"), claim("silver")];
  const spec = (operator: string, values?: readonly string[]): ResourceQuotaSpec => ({
    ...hard("persistentvolumeclaims", "requests.storage"),
    scopeSelector: { matchExpressions: [{ scopeName: "VolumeAttributesClass", operator, ...(values === undefined ? {} : { values }) }] },
  });
  const count = (quotaSpec: ResourceQuotaSpec) => used(quotaSpec, { claims, countOf: () => 4 })?.["persistentvolumeclaims"];
  expect([count(spec("In", ["gold"])), count(spec("NotIn", ["gold"])), count(spec("Exists")), count(spec("DoesNotExist"))]).toEqual(["2", "2", "3", "1"]);
  expect(used(spec("In", ["gold"]), { claims })).toEqual({ persistentvolumeclaims: "2", "requests.storage": "2Gi" });
  expect(used({ ...hard("persistentvolumeclaims"), scopes: ["BestEffort"] }, { claims })).toEqual({ persistentvolumeclaims: "0" });
  expect(used(hard("persistentvolumeclaims", "count/persistentvolumeclaims"), { claims })).toEqual({ persistentvolumeclaims: "4", "count/persistentvolumeclaims": "4" });
});

it("counts storage, also by class", () => {
  const claim = (storage: string, storageClassName: string): PersistentVolumeClaim => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {},
    spec: { storageClassName, resources: { requests: { storage } } },
  });
  const claims = [claim("1Gi", "fast"), claim("512Mi", "slow")];
  expect(used(hard("requests.storage", "fast.storageclass.storage.k8s.io/requests.storage", "slow.storageclass.storage.k8s.io/persistentvolumeclaims"), { claims })).toEqual({
    "requests.storage": "1536Mi",
    "fast.storageclass.storage.k8s.io/requests.storage": "1Gi",
    "slow.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
  });
});
