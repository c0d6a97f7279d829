import { csiDrivers, nodes, persistentVolumeClaims, persistentVolumes, pods, volumeAttachments } from "../../api/generated/resources.ts";
import type { PersistentVolume, Pod } from "../../api/generated/types/core-v1.ts";
import type { VolumeAttachment } from "../../api/generated/types/storage-v1.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps } from "../../reconcile/controller.ts";
import { enqueueKeys, LateQueue } from "../enqueue.ts";
import { messageOf } from "../failures.ts";
import { claimsOf, podsByClaim } from "../pods/pods-by-claim.ts";
import { podsByNode } from "../pods/pods-by-node.ts";
import { attachedNames, isShareable, multiAttachText, parting, uniqueName, usesVolumes, type WantedVolume } from "./plan.ts";

export interface AttachDetachOptions {
  /** SHA-256 of a text, as lower-case hex: names of attachments are made of it. */
  sha256(text: string): string;
}

const byNode = "attach-node";
const byVolume = "attach-volume";
const RECHECK_MS = 60_000;

/** Has the volumes of CSI drivers attached to the nodes whose pods need them. A key is a node's name. @upstream pkg/controller/volume/attachdetach */
export function attachDetachController(deps: ControllerDeps, { sha256 }: AttachDetachOptions): Controller {
  const { client, clock, recorder, log } = deps;
  const podInformer = deps.informers.informer(pods);
  const claims = deps.informers.informer(persistentVolumeClaims);
  const volumes = deps.informers.informer(persistentVolumes);
  const drivers = deps.informers.informer(csiDrivers);
  const attachments = deps.informers.informer(volumeAttachments);
  const nodeInformer = deps.informers.informer(nodes);
  const queue = new LateQueue();
  /** Since when a volume is not needed on its node, by attachment. */
  const unneededSince = new Map<string, number>();

  const volumeOf = (name: string): PersistentVolume | undefined => volumes.lister.get(name);
  /** A driver without a CSIDriver object wants its volumes attached. */
  const wantsAttaching = (driver: string): boolean => drivers.lister.get(driver)?.spec.attachRequired !== false;

  function wantedOn(node: string): ReadonlyMap<string, WantedVolume> {
    const wanted = new Map<string, WantedVolume & { readonly pods: Pod[] }>();
    for (const pod of podsByNode.of(podInformer.lister, node)) {
      if (!usesVolumes(pod)) continue;
      for (const key of claimsOf(pod)) {
        const volume = volumeOf(claims.lister.get(key)?.spec.volumeName ?? "");
        const csi = volume?.spec.csi;
        if (volume === undefined || csi === undefined || volume.spec.claimRef === undefined || !wantsAttaching(csi.driver)) continue;
        const name = volume.metadata.name ?? "";
        const known = wanted.get(name);
        if (known === undefined) wanted.set(name, { volume, driver: csi.driver, volumeHandle: csi.volumeHandle, pods: [pod] });
        else known.pods.push(pod);
      }
    }
    return wanted;
  }

  async function attach(node: string, { volume, driver, volumeHandle, pods: users }: WantedVolume, signal: AbortSignal): Promise<void> {
    const persistentVolumeName = volume.metadata.name ?? "";
    const standing = attachments.lister.byIndex(byVolume, persistentVolumeName);
    const own = standing.find(({ spec }) => spec.nodeName === node);
    if (own !== undefined) {
      if (own.status?.attached !== true && own.status?.attachError?.message !== undefined)
        tell(users, "Warning", "FailedAttachVolume", `AttachVolume.Attach failed for volume ${JSON.stringify(persistentVolumeName)} : ${own.status.attachError.message}`);
      return;
    }
    if (standing.length > 0 && !isShareable(volume)) {
      const elsewhere = standing.flatMap(({ spec }) => [...(wantedOn(spec.nodeName).get(persistentVolumeName)?.pods ?? [])]);
      for (const pod of users) recorder.event(pod, "Warning", "FailedAttachVolume", multiAttachText(persistentVolumeName, elsewhere, pod.metadata.namespace ?? ""));
      return;
    }
    const name = `csi-${sha256(`${volumeHandle}${driver}${node}`)}`;
    const spec = { attacher: driver, nodeName: node, source: { persistentVolumeName } };
    await client.create(volumeAttachments, { metadata: { name }, spec }, { signal }).catch((error: unknown) => {
      if (hasReason(error, "AlreadyExists")) return;
      tell(users, "Warning", "FailedAttachVolume", `AttachVolume.Attach failed for volume ${JSON.stringify(persistentVolumeName)} : ${messageOf(error)}`);
      throw error;
    });
  }

  function tell(about: readonly Pod[], type: "Normal" | "Warning", reason: string, message: string): void {
    for (const pod of about) recorder.event(pod, type, reason, message);
  }

  async function detach(node: string, attachment: VolumeAttachment, signal: AbortSignal): Promise<void> {
    const name = attachment.metadata.name ?? "";
    if (attachment.metadata.deletionTimestamp !== undefined) return;
    const csi = volumeOf(attachment.spec.source.persistentVolumeName ?? "")?.spec.csi;
    const since = unneededSince.get(name) ?? clock.now();
    unneededSince.set(name, since);
    const next = csi === undefined ? "detach" : parting(nodeInformer.lister.get(node), uniqueName(csi), clock.now() - since);
    if (next === "wait") return;
    if (next !== "detach") {
      queue.addAfter(node, next.waitMs);
      return;
    }
    log.debug("volume leaves its node", { attachment: name, node });
    await client.delete(volumeAttachments, name, { signal }).catch((error: unknown) => {
      if (!hasReason(error, "NotFound")) throw error;
    });
  }

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const wanted = wantedOn(key);
    const standing = attachments.lister.byIndex(byNode, key);
    let isWaiting = false;
    for (const attachment of standing) {
      const own = wanted.has(attachment.spec.source.persistentVolumeName ?? "");
      // What others attached inline is theirs; what nobody here needs leaves.
      if (attachment.spec.source.persistentVolumeName === undefined) continue;
      if (own) unneededSince.delete(attachment.metadata.name ?? "");
      else await detach(key, attachment, signal);
    }
    for (const volume of wanted.values()) {
      await attach(key, volume, signal);
      isWaiting ||= attachments.lister.byIndex(byVolume, volume.volume.metadata.name ?? "").every(({ spec }) => spec.nodeName !== key);
    }
    await report(key, signal);
    if (isWaiting) queue.addAfter(key, RECHECK_MS);
  }

  /** The kubelet mounts what its node's status lists as attached. */
  async function report(node: string, signal: AbortSignal): Promise<void> {
    const object = nodeInformer.lister.get(node);
    if (object === undefined) return;
    const names = attachedNames(attachments.lister.byIndex(byNode, node), volumeOf);
    const listed = (object.status?.volumesAttached ?? []).map(({ name }) => name).sort();
    if (names.length === listed.length && names.every((name, index) => name === listed[index])) return;
    const value = { status: { volumesAttached: names.length === 0 ? null : names.map((name) => ({ name, devicePath: "" })) } };
    await client.patch(nodes, node, { type: "merge", value }, { subresource: "status", signal }).catch((error: unknown) => {
      if (!hasReason(error, "NotFound")) throw error;
    });
  }

  function setup(given: Parameters<Controller["setup"]>[0]): void {
    queue.bind(given);
    podsByNode.index(deps.informers, podInformer);
    podsByClaim.index(deps.informers, podInformer);
    deps.informers.addIndex(attachments, byNode, ({ spec }) => spec.nodeName);
    deps.informers.addIndex(attachments, byVolume, ({ spec }) => spec.source.persistentVolumeName);
    const nodesOfClaim = (key: string): readonly string[] => podsByClaim.of(podInformer.lister, key).flatMap(({ spec }) => (spec.nodeName === undefined ? [] : [spec.nodeName]));
    const nodesOfVolume = (volume: PersistentVolume | undefined): readonly string[] => {
      const claim = volume?.spec.claimRef;
      return claim === undefined ? [] : nodesOfClaim(`${claim.namespace ?? ""}/${claim.name ?? ""}`);
    };
    enqueueKeys(given, podInformer, (pod) => ((pod.spec.nodeName ?? "") === "" || claimsOf(pod).length === 0 ? [] : [pod.spec.nodeName ?? ""]));
    enqueueKeys(given, claims, ({ metadata }) => nodesOfClaim(`${metadata.namespace ?? ""}/${metadata.name ?? ""}`));
    enqueueKeys(given, volumes, nodesOfVolume);
    // When a volume leaves a node, another may have waited for it.
    enqueueKeys(given, attachments, ({ spec }) => [spec.nodeName, ...nodesOfVolume(volumeOf(spec.source.persistentVolumeName ?? ""))]);
    const isHolding = ({ metadata }: { readonly metadata: { readonly name?: string | undefined } }): readonly string[] =>
      attachments.lister.byIndex(byNode, metadata.name ?? "").length === 0 ? [] : [metadata.name ?? ""];
    enqueueKeys(given, nodeInformer, isHolding);
    attachments.subscribe({
      updated(previous, { spec, status }) {
        const name = spec.source.persistentVolumeName;
        if (name === undefined || previous.status?.attached === true || status?.attached !== true) return;
        tell(wantedOn(spec.nodeName).get(name)?.pods ?? [], "Normal", "SuccessfulAttachVolume", `AttachVolume.Attach succeeded for volume ${JSON.stringify(name)} `);
      },
      deleted: ({ metadata }) => unneededSince.delete(metadata.name ?? ""),
    });
  }

  return { name: "persistentvolume-attach-detach", workers: 5, setup, reconcile };
}
