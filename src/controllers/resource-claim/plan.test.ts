import { describe, expect, it } from "vitest";
import type { ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { samplePod } from "../sample-objects.ts";
import { claimFor, claimNameBase, isPodDone, needsWork, planClaim } from "./plan.ts";

const PROTECTION = "resource.kubernetes.io/delete-protection";
const allocation = { devices: { results: [{ request: "r", driver: "d", pool: "p", device: "x" }] } };
const pod = { resource: "pods", name: "p", uid: "uid-p" };
const other = { resource: "pods", name: "q", uid: "uid-q" };

function aClaim(status: ResourceClaim["status"], metadata: Partial<ResourceClaim["metadata"]> = {}): ResourceClaim {
  return {
    apiVersion: "resource.k8s.io/v1",
    kind: "ResourceClaim",
    metadata: { name: "c", namespace: "ns", uid: "uid-c", finalizers: [PROTECTION], ...metadata },
    spec: {},
    status,
  };
}

it.each([
  ["web", "gpu", "web-gpu-"],
  ["p".repeat(46), "c".repeat(9), `${"p".repeat(46)}-${"c".repeat(9)}-`],
  ["p".repeat(100), "c".repeat(20), `${"p".repeat(46)}-${"c".repeat(9)}`],
])("a claim of %s and %s is named after both", (name, podClaim, base) => {
  expect(claimNameBase(name, podClaim)).toBe(base);
});

it("a claim is made from its template, owned by the pod", () => {
  const spec = { devices: { requests: [{ name: "r", exactly: { deviceClassName: "gpus" } }] } };
  const template = {
    apiVersion: "resource.k8s.io/v1",
    kind: "ResourceClaimTemplate" as const,
    metadata: { name: "t" },
    spec: { metadata: { labels: { a: "b" }, annotations: { c: "d" } }, spec },
  };
  expect(claimFor(samplePod("p"), "gpu", template)).toEqual({
    metadata: {
      generateName: "p-gpu-",
      namespace: "ns",
      labels: { a: "b" },
      annotations: { c: "d", "resource.kubernetes.io/pod-claim-name": "gpu" },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "uid-p", controller: true, blockOwnerDeletion: true }],
    },
    spec,
  });
});

it.each([
  [{}, false],
  [{ phase: "Succeeded" }, true],
  [{ phase: "Failed" }, true],
  [{ deleted: true }, false],
  [{ deleted: true, node: "" }, true],
])("a pod of %j is done: %s", (sample, done) => {
  expect(isPodDone(samplePod("p", sample))).toBe(done);
});

describe("a claim", () => {
  it.each([
    ["all consumers are there", aClaim({ allocation, reservedFor: [pod] }), [pod], { status: undefined, unprotect: false }],
    ["one is gone", aClaim({ allocation, reservedFor: [pod, other] }), [pod], { status: { allocation, reservedFor: [pod] }, unprotect: false }],
    ["the last is gone", aClaim({ allocation, reservedFor: [pod], devices: [] }), [], { status: {}, unprotect: true }],
    ["the last is gone, others protect it", aClaim({ allocation, reservedFor: [pod] }, { finalizers: ["x"] }), [], { status: { allocation }, unprotect: false }],
    ["it was never used", aClaim({ allocation }), [], { status: undefined, unprotect: false }],
    ["it is deleted and has devices", aClaim({ allocation }, { deletionTimestamp: "2026-01-01T00:00:00Z" }), [], { status: {}, unprotect: true }],
    ["it is deleted and has none", aClaim({}, { deletionTimestamp: "2026-01-01T00:00:00Z" }), [], { status: undefined, unprotect: true }],
    ["it is deleted and used", aClaim({ allocation, reservedFor: [pod] }, { deletionTimestamp: "2026-01-01T00:00:00Z" }), [pod], { status: undefined, unprotect: false }],
  ])("when %s", (_, claim, valid, plan) => {
    expect(planClaim(claim, valid)).toEqual(plan);
  });
});

describe("a pod needs work", () => {
  const fromTemplate = { spec: { resourceClaims: [{ name: "gpu", resourceClaimTemplateName: "t" }] } };
  const recorded = { ...fromTemplate, status: { resourceClaimStatuses: [{ name: "gpu", resourceClaimName: "c" }] } };
  const owned = { ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "uid-p", controller: true }] };
  it.each([
    ["without claims", {}, undefined, false],
    ["when its claim is to be made", fromTemplate, undefined, true],
    ["when its claim was lost", recorded, undefined, true],
    ["not when the claim is another's", recorded, aClaim({}), false],
    ["not for a claim that the user makes", { spec: { resourceClaims: [{ name: "gpu", resourceClaimName: "c" }] } }, undefined, false],
    ["when it is on a node and not in its claim", recorded, aClaim({ allocation }, owned), true],
    ["not when it is", recorded, aClaim({ allocation, reservedFor: [pod] }, owned), false],
    ["not when the claim has nothing yet", recorded, aClaim({}, owned), false],
    ["not when it is over", { ...recorded, phase: "Succeeded", status: { ...recorded.status, phase: "Succeeded" } }, undefined, false],
    ["not when it is deleted", { ...fromTemplate, deleted: true }, undefined, false],
  ])("%s", (_, sample, claim, expected) => {
    expect(needsWork(samplePod("p", sample), { get: () => claim })).toBe(expected);
  });
});
