import { describe, expect, it } from "vitest";
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeSpec } from "../../api/generated/types/core-v1.ts";
import type { StorageClass } from "../../api/generated/types/storage-v1.ts";
import { sampleNode } from "../sample-objects.ts";
import { type ClaimState, claimBoundTo, judgeClaim, judgeVolume, unboundVolume, volumeBoundTo } from "./plan.ts";

const claim = (spec: PersistentVolumeClaimSpec = {}, annotations: Record<string, string> = {}): PersistentVolumeClaim => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name: "c", namespace: "ns", uid: "uid-c", resourceVersion: "7", annotations },
  spec: { accessModes: ["ReadWriteOnce"], storageClassName: "", resources: { requests: { storage: "5Gi" } }, ...spec },
});
const volume = (name: string, storage: string, spec: PersistentVolumeSpec = {}, annotations: Record<string, string> = {}): PersistentVolume => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name, annotations, labels: { disk: name } },
  spec: { capacity: { storage }, accessModes: ["ReadWriteOnce", "ReadOnlyMany"], ...spec },
  status: { phase: "Available" },
});
const mine = { name: "c", namespace: "ns", uid: "uid-c" };
const theirs = { name: "other", namespace: "ns", uid: "uid-other" };
const storageClass = (volumeBindingMode: string, provisioner = "example.com/disks"): StorageClass => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: "fast" },
  provisioner,
  volumeBindingMode,
});
const judge = (given: PersistentVolumeClaim, volumes: readonly PersistentVolume[] = [], rest: Partial<ClaimState> = {}) => {
  const verdict = judgeClaim({ claim: given, volumes, storageClass: undefined, node: undefined, ...rest });
  return verdict.type === "bind" ? verdict.volume.metadata.name : `${verdict.type} ${verdict.event?.reason}`;
};

describe("an unbound claim", () => {
  it.each([
    ["gets the smallest volume that fits", claim(), [volume("huge", "100Gi"), volume("small", "1Gi"), volume("fits", "10Gi")], "fits"],
    ["gets the one reserved for it", claim(), [volume("fits", "5Gi"), volume("reserved", "50Gi", { claimRef: { name: "c", namespace: "ns" } })], "reserved"],
    ["does not get one of others", claim(), [volume("taken", "5Gi", { claimRef: theirs })], "wait FailedBinding"],
    ["needs the access modes", claim({ accessModes: ["ReadWriteMany"] }), [volume("a", "5Gi")], "wait FailedBinding"],
    ["needs the mode", claim({ volumeMode: "Block" }), [volume("a", "5Gi")], "wait FailedBinding"],
    ["needs the class", claim(), [volume("a", "5Gi", { storageClassName: "slow" })], "wait FailedBinding"],
    ["needs the labels", claim({ selector: { matchLabels: { disk: "b" } } }), [volume("a", "5Gi"), volume("b", "9Gi")], "b"],
    ["asks for a volume by name", claim({ volumeName: "b" }), [volume("a", "5Gi"), volume("b", "9Gi")], "b"],
    ["asks for one that is taken", claim({ volumeName: "a" }), [volume("a", "5Gi", { claimRef: theirs })], "wait FailedBinding"],
    ["asks for one that is too small", claim({ volumeName: "a" }), [volume("a", "1Gi")], "wait VolumeMismatch"],
    ["asks for one that is not there", claim({ volumeName: "a" }), [], "wait undefined"],
  ] as const)("%s", (_name, given, volumes, wanted) => {
    expect(judge(given, volumes)).toBe(wanted);
  });

  it("waits for its first pod, then for the provisioner", () => {
    const given = claim({ storageClassName: "fast" });
    const there = [volume("a", "5Gi", { storageClassName: "fast" })];
    expect(judge(given, there, { storageClass: storageClass("WaitForFirstConsumer") })).toBe("wait WaitForFirstConsumer");
    expect(judge(given, there, { storageClass: storageClass("Immediate") })).toBe("a");
    expect(judge(given, [], { storageClass: storageClass("Immediate") })).toBe("wait ExternalProvisioning");
    expect(judge(given)).toBe("wait ProvisioningFailed");
    const placed = claim({ storageClassName: "fast" }, { "volume.kubernetes.io/selected-node": "n1" });
    const verdict = judgeClaim({ claim: placed, volumes: [], storageClass: storageClass("WaitForFirstConsumer"), node: sampleNode("n1") });
    expect(verdict).toMatchObject({ annotations: { "volume.kubernetes.io/storage-provisioner": "example.com/disks" } });
  });

  it("takes only volumes that the chosen node reaches", () => {
    const on = (node: string) => ({
      storageClassName: "fast",
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }] } },
    });
    const placed = claim({ storageClassName: "fast" }, { "volume.kubernetes.io/selected-node": "n1" });
    expect(judge(placed, [volume("far", "5Gi", on("n2")), volume("near", "9Gi", on("n1"))], { storageClass: storageClass("WaitForFirstConsumer"), node: sampleNode("n1") })).toBe(
      "near",
    );
  });
});

describe("a bound claim", () => {
  const bound = claim({ volumeName: "a" }, { "pv.kubernetes.io/bind-completed": "yes" });
  it.each([
    ["stays bound", bound, [volume("a", "5Gi", { claimRef: mine })], "a"],
    ["is bound again", bound, [volume("a", "5Gi")], "a"],
    ["has lost its volume", bound, [], "lost ClaimLost"],
    ["has lost its name", claim({}, { "pv.kubernetes.io/bind-completed": "yes" }), [], "lost ClaimLost"],
    ["is bound wrongly", bound, [volume("a", "5Gi", { claimRef: theirs })], "lost ClaimMisbound"],
  ] as const)("%s", (_name, given, volumes, wanted) => {
    expect(judge(given, volumes)).toBe(wanted);
  });
});

it("writes each into the other, and that we did it", () => {
  const boundVolume = volumeBoundTo(volume("a", "5Gi"), claim());
  expect(boundVolume?.spec.claimRef).toEqual({ kind: "PersistentVolumeClaim", apiVersion: "v1", namespace: "ns", name: "c", uid: "uid-c", resourceVersion: "7" });
  expect(boundVolume?.metadata.annotations).toEqual({ "pv.kubernetes.io/bound-by-controller": "yes" });
  expect(boundVolume && volumeBoundTo(boundVolume, claim())).toBeUndefined();
  const boundClaim = claimBoundTo(claim(), volume("a", "5Gi"));
  expect([boundClaim?.spec.volumeName, boundClaim?.metadata.annotations]).toEqual([
    "a",
    { "pv.kubernetes.io/bound-by-controller": "yes", "pv.kubernetes.io/bind-completed": "yes" },
  ]);
  expect(boundClaim && claimBoundTo(boundClaim, volume("a", "5Gi"))).toBeUndefined();
});

describe("a volume", () => {
  it.each([
    ["is available", volume("a", "5Gi"), undefined, "Available"],
    ["is available while only reserved", volume("a", "5Gi", { claimRef: { name: "c", namespace: "ns" } }), claim(), "Available"],
    ["is bound", volume("a", "5Gi", { claimRef: mine }), claim({ volumeName: "a" }), "Bound"],
    ["is released with its claim", volume("a", "5Gi", { claimRef: mine }), undefined, "Released"],
    ["is released when the claim was made anew", volume("a", "5Gi", { claimRef: { ...mine, uid: "old" } }), claim({ volumeName: "a" }), "Released"],
    ["is let go when the claim went elsewhere", volume("a", "5Gi", { claimRef: mine }), claim({ volumeName: "b" }), "unbind"],
  ] as const)("%s", (_name, given, of, wanted) => {
    const verdict = judgeVolume(given, of);
    expect(verdict.type === "phase" ? verdict.phase : verdict.type).toBe(wanted);
  });

  it("keeps what a user reserved", () => {
    expect(unboundVolume(volume("a", "5Gi", { claimRef: mine }, { "pv.kubernetes.io/bound-by-controller": "yes" })).spec.claimRef).toBeUndefined();
    expect(unboundVolume(volume("a", "5Gi", { claimRef: mine })).spec.claimRef).toEqual({ name: "c", namespace: "ns", uid: undefined, resourceVersion: undefined });
  });
});
