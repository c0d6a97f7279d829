import { describe, expect, it } from "vitest";
import type { Node, PersistentVolume } from "../../api/generated/types/core-v1.ts";
import type { VolumeAttachment } from "../../api/generated/types/storage-v1.ts";
import { samplePod } from "../sample-objects.ts";
import { attachedNames, isShareable, multiAttachText, parting, uniqueName, UNMOUNT_MS, usesVolumes } from "./plan.ts";

const name = uniqueName({ driver: "csi.example.com", volumeHandle: "v1" });
const node = (ready: string, volumesInUse: readonly string[] = [], taints: readonly { key: string; effect: string }[] = []): Node =>
  ({ apiVersion: "v1", kind: "Node", metadata: { name: "n" }, spec: { taints }, status: { volumesInUse, conditions: [{ type: "Ready", status: ready }] } }) as Node;
const volume = (accessModes: readonly string[]): PersistentVolume =>
  ({ apiVersion: "v1", kind: "PersistentVolume", metadata: { name: "pv" }, spec: { accessModes, csi: { driver: "csi.example.com", volumeHandle: "v1" } } }) as PersistentVolume;

describe("parting", () => {
  it.each([
    ["unmounted", node("True"), 0, "detach"],
    ["mounted on a healthy node", node("True", [name]), UNMOUNT_MS * 2, "wait"],
    ["mounted on a silent node", node("Unknown", [name]), 1_000, { waitMs: UNMOUNT_MS - 1_000 }],
    ["mounted on a node that was silent for long", node("Unknown", [name]), UNMOUNT_MS, "detach"],
    ["mounted on a node out of service", node("Unknown", [name], [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" }]), 0, "detach"],
    ["on a node that is gone", undefined, 0, "detach"],
  ] as const)("%s", (_case, where, unneededMs, expected) => {
    expect(parting(where, name, unneededMs)).toEqual(expected);
  });
});

it.each([
  ["running", samplePod("p"), true],
  ["without a node", samplePod("p", { node: "" }), false],
  ["over", samplePod("p", { phase: "Succeeded" }), false],
  [
    "over but for one container",
    samplePod("p", {
      phase: "Failed",
      status: { phase: "Failed", containerStatuses: [{ name: "c", image: "", imageID: "", ready: false, restartCount: 0, state: { running: {} } }] },
    }),
    true,
  ],
])("a pod that is %s", (_case, pod, uses) => {
  expect(usesVolumes(pod)).toBe(uses);
});

it("knows which volumes several nodes may have", () => {
  expect([isShareable(volume(["ReadWriteOnce"])), isShareable(volume(["ReadWriteOncePod"])), isShareable(volume(["ReadWriteOnce", "ReadWriteMany"]))]).toEqual([
    false,
    false,
    true,
  ]);
});

it("names the pods that have the volume, but none of other namespaces", () => {
  const start = 'Multi-Attach error for volume "pv" Volume is already';
  expect(multiAttachText("pv", [], "ns")).toBe(`${start} exclusively attached to one node and can't be attached to another`);
  expect(multiAttachText("pv", [samplePod("a"), samplePod("b", { namespace: "other" })], "ns")).toBe(`${start} used by pod(s) a and 1 pod(s) in different namespaces`);
  expect(multiAttachText("pv", [samplePod("b", { namespace: "other" })], "ns")).toBe(`${start} used by 1 pod(s) in different namespaces`);
});

it("lists what is attached, once and in order", () => {
  const attachment = (attached: boolean, persistentVolumeName = "pv"): VolumeAttachment =>
    ({
      apiVersion: "storage.k8s.io/v1",
      kind: "VolumeAttachment",
      metadata: {},
      spec: { attacher: "x", nodeName: "n", source: { persistentVolumeName } },
      status: { attached },
    }) as VolumeAttachment;
  const volumeOf = (wanted: string): PersistentVolume | undefined => (wanted === "pv" ? volume([]) : undefined);
  expect(attachedNames([attachment(true), attachment(true), attachment(false), attachment(true, "gone")], volumeOf)).toEqual([name]);
});
