import { describe, expect, it } from "vitest";
import type { Pod } from "../generated/types/core-v1.ts";
import type { DeviceClass, ResourceClaim } from "../generated/types/resource-v1.ts";
import { ResourceClasses } from "../resource/resource-classes.ts";
import { deviceUsage, isDeviceQuota } from "./device-usage.ts";

const nowMs = Date.parse("2026-01-01T00:00:00Z");
const gpuClass: DeviceClass = { apiVersion: "resource.k8s.io/v1", kind: "DeviceClass", metadata: { name: "gpu" }, spec: { extendedResourceName: "example.com/gpu" } };
const classes = new ResourceClasses(() => [gpuClass]);
const devices = "gpu.deviceclass.resource.k8s.io/devices";
const implicit = "requests.deviceclass.resource.kubernetes.io/gpu";
const explicit = "requests.example.com/gpu";

const claim = (count: number, metadata: ResourceClaim["metadata"] = {}): ResourceClaim => ({
  apiVersion: "resource.k8s.io/v1",
  kind: "ResourceClaim",
  metadata: { name: "made", ...metadata },
  spec: { devices: { requests: [{ name: "r", exactly: { deviceClassName: "gpu", allocationMode: "ExactCount", count } }] } },
});
const madeFor = (pod: string, uid: string, metadata: ResourceClaim["metadata"] = {}): ResourceClaim["metadata"] => ({
  annotations: { "resource.kubernetes.io/extended-resource-claim": "true" },
  ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: pod, uid, controller: true }],
  ...metadata,
});
function pod(
  requests: readonly Readonly<Record<string, string>>[],
  status: Pod["status"] = { extendedResourceClaimStatus: { resourceClaimName: "made", requestMappings: [] } },
): Pod {
  const containers = requests.map((each, index) => ({ name: `c${index}`, resources: { requests: each, limits: each } }));
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "web", uid: "u" }, spec: { containers }, status };
}
function usage(of: ResourceClaim, pods: readonly Pod[] = [], claims: readonly ResourceClaim[] = []): Record<string, string> {
  const around = { nowMs, devices: { classes, pod: (name: string) => pods.find(({ metadata }) => metadata.name === name), claims: () => claims } };
  return Object.fromEntries([...deviceUsage(of, around)].map(([name, amount]) => [name, amount.toString()]));
}
const byExplicit = { "example.com/gpu": "1" };
const byImplicit = { "deviceclass.resource.kubernetes.io/gpu": "1" };

describe("a claim", () => {
  it("counts for its class, and for both extended resources that the class stands for", () => {
    expect(usage(claim(2))).toEqual({ [devices]: "2", [implicit]: "2", [explicit]: "2" });
  });
  it.each<readonly [string, ResourceClaim, readonly Pod[], Readonly<Record<string, string>>]>([
    ["by the explicit name", claim(1, madeFor("web", "u")), [pod([byExplicit])], { [devices]: "1", [implicit]: "1" }],
    ["by the implicit name", claim(1, madeFor("web", "u")), [pod([byImplicit])], { [devices]: "1", [explicit]: "1" }],
    ["by both", claim(2, madeFor("web", "u")), [pod([{ ...byExplicit, ...byImplicit }])], { [devices]: "2", [implicit]: "1", [explicit]: "1" }],
    ["for less", claim(3, madeFor("web", "u")), [pod([byExplicit, byExplicit])], { [devices]: "3", [implicit]: "3", [explicit]: "1" }],
    ["of another life", claim(1, madeFor("web", "old")), [pod([byExplicit])], { [devices]: "1", [implicit]: "1", [explicit]: "1" }],
    ["that is gone", claim(1, madeFor("web", "u")), [], { [devices]: "1", [implicit]: "1", [explicit]: "1" }],
    ["that names another claim", claim(1, { ...madeFor("web", "u"), name: "second" }), [pod([byExplicit])], { [devices]: "1", [implicit]: "1", [explicit]: "1" }],
    ["that has ended", claim(1, madeFor("web", "u")), [pod([byExplicit], { phase: "Failed" })], { [devices]: "1", [implicit]: "1", [explicit]: "1" }],
    ["without the annotation", claim(1, madeFor("web", "u", { annotations: {} })), [pod([byExplicit])], { [devices]: "1", [implicit]: "1", [explicit]: "1" }],
  ])("made for a pod that asks %s", (_, of, pods, expected) => {
    expect(usage(of, pods)).toEqual(expected);
  });
});

describe("while the pod names no claim yet", () => {
  const waiting = [pod([byExplicit], {})];
  const at = (name: string, creationTimestamp: string): ResourceClaim => claim(1, madeFor("web", "u", { name, creationTimestamp }));
  const mine = at("b", "2026-01-01T00:00:01Z");
  it.each<readonly [string, readonly ResourceClaim[], boolean]>([
    ["alone", [mine], true],
    ["before a younger one", [mine, at("a", "2026-01-01T00:00:02Z")], true],
    ["after an older one", [mine, at("c", "2026-01-01T00:00:00Z")], false],
    ["as old as one whose name comes first", [mine, at("a", "2026-01-01T00:00:01Z")], false],
    ["beside one of another pod", [mine, claim(1, madeFor("web", "other", { name: "a", creationTimestamp: "2026-01-01T00:00:00Z" }))], true],
  ])("its claim is spared only as its first: %s", (_, claims, spared) => {
    expect(explicit in usage(mine, waiting, claims)).toBe(!spared);
  });
});

it.each([
  [devices, true],
  [explicit, true],
  [implicit, true],
  ["requests.example.com/nic", false],
  ["requests.deviceclass.resource.kubernetes.io/nic", false],
  ["requests.cpu", false],
])("a quota of %s counts devices: %s", (name, expected) => {
  expect(isDeviceQuota(name, classes)).toBe(expected);
});
