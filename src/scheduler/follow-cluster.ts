import {
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  deviceClasses,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  resourceClaims,
  resourceSlices,
  storageClasses,
  volumeAttachments,
} from "../api/generated/resources.ts";
import type { Node, Pod } from "../api/generated/types/core-v1.ts";
import type { InformerFactory, InformerHandler } from "../client/informer.ts";
import type { KubeObject } from "../meta/object.ts";
import { type Change, nodeActions, storedChange } from "./changes.ts";
import type { ClusterState } from "./cluster/cluster-state.ts";

export interface FollowSinks {
  readonly cluster: ClusterState;
  changed(change: Change): void;
  podSeen(previous: Pod | undefined, pod: Pod): void;
  podGone(pod: Pod): void;
}

/** Keeps the cluster's picture current and tells what changed in it. Returns how to stop. @upstream pkg/scheduler/eventhandlers.go */
export function followCluster(informers: InformerFactory, { cluster, changed, podSeen, podGone }: FollowSinks): () => void {
  const nodeHandler: InformerHandler<Node> = {
    added(node) {
      cluster.setNode(node);
      changed({ resource: "node", action: "add", previous: undefined, next: node });
    },
    updated(previous, node) {
      cluster.setNode(node);
      for (const action of nodeActions(previous, node)) changed({ resource: "node", action, previous, next: node });
    },
    deleted(node) {
      cluster.removeNode(node.metadata.name ?? "");
      changed({ resource: "node", action: "delete", previous: node, next: undefined });
    },
  };
  const stored = <T extends KubeObject>(resource: Parameters<typeof storedChange>[0]): InformerHandler<T> => ({
    added: (next) => changed(storedChange(resource, undefined, next)),
    updated: (previous, next) => changed(storedChange(resource, previous, next)),
    deleted: (previous) => changed(storedChange(resource, previous, undefined)),
  });
  const stops = [
    informers.informer(nodes).subscribe(nodeHandler),
    informers.informer(pods).subscribe({ added: (pod) => podSeen(undefined, pod), updated: podSeen, deleted: podGone }),
    informers.informer(persistentVolumeClaims).subscribe(stored("claim")),
    informers.informer(persistentVolumes).subscribe(stored("volume")),
    informers.informer(storageClasses).subscribe(stored("class")),
    informers.informer(csiNodes).subscribe(stored("csi-node")),
    informers.informer(csiDrivers).subscribe(stored("csi-driver")),
    informers.informer(csiStorageCapacities).subscribe(stored("capacity")),
    informers.informer(volumeAttachments).subscribe(stored("attachment")),
    informers.informer(deviceClasses).subscribe(stored("device-class")),
    informers.informer(resourceSlices).subscribe(stored("resource-slice")),
    informers.informer(resourceClaims).subscribe(stored("resource-claim")),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
