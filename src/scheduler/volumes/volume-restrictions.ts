import type { Pod, Volume } from "../../api/generated/types/core-v1.ts";
import type { Cluster } from "../cluster/cluster-state.ts";
import type { PodInfo } from "../cluster/pod-info.ts";
import type { Plugin, TriedChange } from "../plugin.ts";
import { claimsOf } from "./pod-claims.ts";
import type { VolumeReaders } from "./volume-readers.ts";

const diskTaken = [{ reason: "node(s) had no available disk", unresolvable: false }];
const claimTaken = [{ reason: "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode", unresolvable: false }];

interface State {
  /** Claims of the pod that only one pod may use. */
  readonly exclusive: ReadonlySet<string>;
  /** Pods that use one of them. */
  readonly users: number;
}

/** Some disks and claims serve one pod at a time. @upstream plugins/volumerestrictions */
export function volumeRestrictions(readers: VolumeReaders): Plugin {
  return {
    name: "VolumeRestrictions",
    prefilter({ pod, namespace }, cluster) {
      const exclusive = new Set(claimsOf(pod).flatMap(({ key }) => (readers.claims.get(key)?.spec.accessModes?.includes("ReadWriteOncePod") === true ? [key] : [])));
      if (exclusive.size === 0 && !(pod.spec.volumes ?? []).some(isDisk)) return "skip";
      return { state: { exclusive, users: exclusive.size === 0 ? 0 : countUsers(exclusive, namespace, cluster) } satisfies State };
    },
    filter({ pod }, node, state) {
      const disks = (pod.spec.volumes ?? []).filter(isDisk);
      if (disks.length > 0) for (const { pod: other } of node.pods.values()) if (disks.some((disk) => isTaken(disk, other))) return diskTaken;
      return (state as State).users > 0 ? claimTaken : undefined;
    },
    fork: (state) => ({ ...(state as State) }),
    adjust(state, _pod, { other, by }: TriedChange) {
      const own = state as { exclusive: ReadonlySet<string>; users: number };
      if (claimsOf(other.pod).some(({ key }) => own.exclusive.has(key))) own.users += by;
    },
    listens: ["pod/delete", "claim/add", "claim/update"],
    mayHelp({ pod, namespace }, change) {
      if (change.resource === "claim") return change.next?.metadata.namespace === namespace && claimsOf(pod).some(({ name }) => name === change.next?.metadata.name);
      const gone = change.resource === "pod" ? change.previous : undefined;
      if (gone === undefined) return true;
      const keys = new Set(claimsOf(gone).map(({ key }) => key));
      return claimsOf(pod).some(({ key }) => keys.has(key)) || (pod.spec.volumes ?? []).some((volume) => isDisk(volume) && isTaken(volume, gone));
    },
  };
}

function countUsers(exclusive: ReadonlySet<string>, namespace: string, cluster: Cluster): number {
  const tally = cluster.tally({
    key: `claims|${[...exclusive].sort().join(",")}`,
    pair: undefined,
    namespaces: new Set([namespace]),
    matches: (pod: PodInfo) => claimsOf(pod.pod).some(({ key }) => exclusive.has(key)),
  });
  let users = 0;
  for (const number of tally.perNode.values()) users += number;
  return users;
}

function isDisk({ gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }: Volume): boolean {
  return gcePersistentDisk !== undefined || awsElasticBlockStore !== undefined || iscsi !== undefined || rbd !== undefined;
}

/** Whether a pod uses the disk so that no other can; most disks may be shared while all only read. */
function isTaken({ gcePersistentDisk: gce, awsElasticBlockStore: aws, iscsi, rbd }: Volume, { spec }: Pod): boolean {
  const write = (a: { readonly readOnly?: boolean | undefined }, b: { readonly readOnly?: boolean | undefined }): boolean => a.readOnly !== true || b.readOnly !== true;
  return (spec.volumes ?? []).some((other) => {
    if (gce !== undefined && other.gcePersistentDisk?.pdName === gce.pdName && write(gce, other.gcePersistentDisk)) return true;
    if (aws !== undefined && other.awsElasticBlockStore?.volumeID === aws.volumeID) return true;
    if (iscsi !== undefined && other.iscsi?.iqn === iscsi.iqn && write(iscsi, other.iscsi)) return true;
    if (rbd === undefined || other.rbd === undefined) return false;
    const { monitors, pool = "rbd", image } = other.rbd;
    return image === rbd.image && pool === (rbd.pool ?? "rbd") && monitors.some((monitor) => rbd.monitors.includes(monitor)) && write(rbd, other.rbd);
  });
}
