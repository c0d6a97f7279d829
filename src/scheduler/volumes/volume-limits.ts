import type { PersistentVolumeClaim, Pod } from "../../api/generated/types/core-v1.ts";
import type { Change } from "../changes.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import type { PodInfo } from "../cluster/pod-info.ts";
import type { Plugin } from "../plugin.ts";
import { claimsOf, classOf } from "./pod-claims.ts";
import type { VolumeReaders } from "./volume-readers.ts";

const full = [{ reason: "node(s) exceed max volume count", unresolvable: false }];

/** A node takes no more volumes of a CSI driver than the driver says. @upstream plugins/nodevolumelimits/csi.go */
export function nodeVolumeLimits(readers: VolumeReaders): Plugin {
  return {
    name: "NodeVolumeLimits",
    prefilter: ({ pod }) => (claimsOf(pod).length === 0 ? "skip" : { state: undefined }),
    filter({ pod }, node) {
      const limits = limitsOf(node, readers);
      if (limits.size === 0) return undefined;
      const wanted = driversByVolume(pod, readers);
      if (wanted.size === 0) return undefined;
      const attached = attachedTo(node, readers);
      const counts = new Map<string, number>();
      for (const [volume, driver] of wanted) if (!attached.has(volume)) counts.set(driver, (counts.get(driver) ?? 0) + 1);
      for (const driver of attached.values()) if (counts.has(driver)) counts.set(driver, (counts.get(driver) ?? 0) + 1);
      for (const [driver, count] of counts) if (count > (limits.get(driver) ?? Number.POSITIVE_INFINITY)) return full;
      return undefined;
    },
    listens: ["csi-node/add", "csi-node/update", "pod/delete", "claim/add", "attachment/delete"],
    mayHelp,
  };
}

/** `{"ebs.csi.aws.com" => 25}` */
function limitsOf({ name }: NodeInfo, { csiNodes }: VolumeReaders): ReadonlyMap<string, number> {
  const drivers = csiNodes.get(name)?.spec.drivers ?? [];
  return new Map(drivers.flatMap(({ name: driver, allocatable }) => (allocatable?.count === undefined ? [] : [[driver, allocatable.count] as const])));
}

/** Of the node's pods and of what is attached to it anyway; a volume that several pods use counts once. */
function attachedTo(node: NodeInfo, readers: VolumeReaders): Map<string, string> {
  const attached = new Map<string, string>();
  for (const { pod } of node.pods.values()) for (const [volume, driver] of driversByVolume(pod, readers)) attached.set(volume, driver);
  for (const { spec } of readers.attachments.byIndex("node", node.name)) {
    const csi = readers.volumes.get(spec.source.persistentVolumeName ?? "")?.spec.csi;
    if (csi !== undefined) attached.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver);
  }
  return attached;
}

/** The drivers of a pod's volumes, by volume: `{"ebs.csi.aws.com/vol-1" => "ebs.csi.aws.com"}`. */
function driversByVolume(pod: Pod, readers: VolumeReaders): Map<string, string> {
  const drivers = new Map<string, string>();
  for (const { key } of claimsOf(pod)) {
    const claim = readers.claims.get(key);
    const volume = claim === undefined ? undefined : volumeOf(claim, key, readers);
    if (volume !== undefined) drivers.set(`${volume.driver}/${volume.handle}`, volume.driver);
  }
  return drivers;
}

/** A claim without a volume counts as one of its class's driver, as it will be. */
function volumeOf(claim: PersistentVolumeClaim, key: string, { volumes, classes }: VolumeReaders): { readonly driver: string; readonly handle: string } | undefined {
  const volume = (claim.spec.volumeName ?? "") === "" ? undefined : volumes.get(claim.spec.volumeName ?? "");
  if (volume !== undefined) return volume.spec.csi === undefined ? undefined : { driver: volume.spec.csi.driver, handle: volume.spec.csi.volumeHandle };
  const provisioner = classes.get(classOf(claim))?.provisioner;
  return provisioner === undefined ? undefined : { driver: provisioner, handle: `claim ${key}` };
}

function mayHelp({ pod, namespace }: PodInfo, change: Change): boolean {
  switch (change.resource) {
    case "pod":
      return change.previous !== undefined && claimsOf(change.previous).length > 0;
    case "claim":
      return change.next?.metadata.namespace === namespace && claimsOf(pod).some(({ name }) => name === change.next?.metadata.name);
    case "csi-node":
      return (change.next?.spec.drivers ?? []).some(({ name, allocatable }) => {
        const before = change.previous?.spec.drivers.find((driver) => driver.name === name);
        return before === undefined || (allocatable?.count ?? Number.POSITIVE_INFINITY) > (before.allocatable?.count ?? Number.POSITIVE_INFINITY);
      });
    default:
      return true;
  }
}
