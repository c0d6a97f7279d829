import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, it } from "vitest";
import { events, nodes, persistentVolumeClaims, persistentVolumes, pods, volumeAttachments } from "../../src/api/generated/resources.ts";
import { controllersWorld, type World } from "./controllers-world.ts";

let world: World;
const place = { namespace: "default" };
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const used = "kubernetes.io/csi/csi.example.com^handle";

beforeEach(async () => {
  world = await controllersWorld({ sha256 });
  for (const name of ["n1", "n2"]) await world.addNode(name);
  const claimRef = { kind: "PersistentVolumeClaim", apiVersion: "v1", namespace: "default", name: "data" };
  const spec = { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], csi: { driver: "csi.example.com", volumeHandle: "handle" }, claimRef, storageClassName: "" };
  await world.client.create(persistentVolumes, { metadata: { name: "pv" }, spec });
  const asked = { accessModes: ["ReadWriteOnce"], storageClassName: "", volumeName: "pv", resources: { requests: { storage: "1Gi" } } };
  await world.client.create(persistentVolumeClaims, { metadata: { name: "data" }, spec: asked }, place);
  await world.settle();
});
afterEach(() => world.stop());

async function addPod(name: string, node: string): Promise<void> {
  const spec = { nodeName: node, containers: [{ name: "c", image: "i" }], volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }] };
  await world.client.create(pods, { metadata: { name }, spec }, place);
  await world.settle();
}

const attachments = async (): Promise<readonly string[]> =>
  (await world.client.list(volumeAttachments)).items.map(({ spec }) => `${spec.nodeName} ${spec.source.persistentVolumeName ?? ""}`);
const attachedOn = async (node: string): Promise<readonly string[]> => ((await world.client.get(nodes, node)).status?.volumesAttached ?? []).map(({ name }) => name);
const told = async (pod: string): Promise<readonly string[]> => {
  await world.advance(1);
  return (await world.client.list(events, place)).items
    .filter(({ involvedObject }) => involvedObject.name === pod)
    .map(({ reason, message }) => `${reason ?? ""}: ${message ?? ""}`);
};

/** What the driver's attacher does. */
async function attachAll(): Promise<void> {
  for (const attachment of (await world.client.list(volumeAttachments)).items)
    await world.client.update(volumeAttachments, { ...attachment, status: { attached: true } }, { subresource: "status" });
  await world.settle();
}

it("a volume is attached where a pod needs it, and leaves when the node has unmounted it", async () => {
  await addPod("a", "n1");
  const [attachment] = (await world.client.list(volumeAttachments)).items;
  expect(attachment?.metadata.name).toBe(`csi-${sha256("handlecsi.example.comn1")}`);
  expect(attachment?.spec).toEqual({ attacher: "csi.example.com", nodeName: "n1", source: { persistentVolumeName: "pv" } });
  expect(await attachedOn("n1")).toEqual([]);
  await attachAll();
  expect(await attachedOn("n1")).toEqual([used]);
  expect(await told("a")).toContain('SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "pv" ');
  const value = { status: { volumesInUse: [used] } };
  await world.client.patch(nodes, "n1", { type: "merge", value }, { subresource: "status" });
  await world.client.delete(pods, "a", { ...place, gracePeriodSeconds: 0 });
  await world.advance(600);
  expect(await attachments()).toEqual(["n1 pv"]);
  await world.client.patch(nodes, "n1", { type: "merge", value: { status: { volumesInUse: null } } }, { subresource: "status" });
  await world.settle();
  expect(await attachments()).toEqual([]);
  expect(await attachedOn("n1")).toEqual([]);
});

it("a volume for one node waits until the other lets go of it", async () => {
  await addPod("a", "n1");
  await attachAll();
  await addPod("b", "n2");
  expect(await attachments()).toEqual(["n1 pv"]);
  expect(await told("b")).toContain('FailedAttachVolume: Multi-Attach error for volume "pv" Volume is already used by pod(s) a');
  await world.client.delete(pods, "a", { ...place, gracePeriodSeconds: 0 });
  await world.settle();
  expect(await attachments()).toEqual(["n2 pv"]);
});

it("a node that no longer answers is given six minutes", async () => {
  await addPod("a", "n1");
  await attachAll();
  await world.client.patch(nodes, "n1", { type: "merge", value: { status: { volumesInUse: [used] } } }, { subresource: "status" });
  world.kubelet.silent.add("n1");
  await world.advance(120);
  await world.client.delete(pods, "a", { ...place, gracePeriodSeconds: 0 });
  await world.advance(300);
  expect(await attachments()).toEqual(["n1 pv"]);
  await world.advance(120);
  expect(await attachments()).toEqual([]);
});

it("a claim that wants more is told who has to give it", async () => {
  await world.advance(20);
  const claim = await world.client.get(persistentVolumeClaims, "data", place);
  expect(claim.status?.phase).toBe("Bound");
  const grown = { ...claim, status: { ...claim.status, capacity: { storage: "500Mi" } } };
  await world.client.update(persistentVolumeClaims, grown, { ...place, subresource: "status" });
  await world.settle();
  expect(await told("data")).toContain("ExternalExpanding: waiting for an external controller to expand this PVC");
});
