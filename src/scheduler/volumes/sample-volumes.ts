import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../api/generated/types/core-v1.ts";
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass, VolumeAttachment } from "../../api/generated/types/storage-v1.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { ObjectCache } from "../../client/object-cache.ts";
import type { KubeObject } from "../../meta/object.ts";
import { Assumed } from "./assumed.ts";
import { VolumeBinder } from "./bind-volumes.ts";
import { volumeBinding } from "./volume-binding.ts";
import { SELECTED_NODE } from "./volume-plan.ts";
import type { VolumeReaders } from "./volume-readers.ts";

// For tests: the least of volumes and of those who read them.

export const meta = (name: string, namespace?: string) => ({ name, uid: `uid-${name}`, resourceVersion: "1", ...(namespace === undefined ? {} : { namespace }) });

export interface ClaimWish {
  readonly volume?: string;
  readonly className?: string;
  readonly phase?: string;
  readonly selected?: string;
  readonly modes?: readonly string[];
  readonly size?: string;
}
export const claim = (name: string, { volume, className, phase = "Bound", selected, modes = ["ReadWriteOnce"], size = "1Gi" }: ClaimWish = {}): PersistentVolumeClaim => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: {
    ...meta(name, "default"),
    annotations: { ...(volume === undefined ? {} : { "pv.kubernetes.io/bind-completed": "yes" }), ...(selected === undefined ? {} : { [SELECTED_NODE]: selected }) },
  },
  spec: {
    accessModes: modes,
    resources: { requests: { storage: size } },
    ...(className === undefined ? {} : { storageClassName: className }),
    ...(volume === undefined ? {} : { volumeName: volume }),
  },
  status: { phase },
});

export interface VolumeWish {
  readonly nodes?: readonly string[];
  readonly className?: string;
  readonly size?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly driver?: string;
  readonly spec?: Partial<PersistentVolume["spec"]>;
}
export const volume = (name: string, { nodes, className, size = "1Gi", labels = {}, driver, spec = {} }: VolumeWish = {}): PersistentVolume => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { ...meta(name), labels },
  spec: {
    accessModes: ["ReadWriteOnce"],
    capacity: { storage: size },
    ...(className === undefined ? {} : { storageClassName: className }),
    ...(driver === undefined ? {} : { csi: { driver, volumeHandle: name } }),
    ...(nodes === undefined
      ? {}
      : { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: nodes }] }] } } }),
    ...spec,
  },
  status: { phase: "Available" },
});

export const storageClass = (name: string, more: Partial<StorageClass> = {}): StorageClass => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: meta(name),
  provisioner: "disk.example.com",
  volumeBindingMode: "WaitForFirstConsumer",
  ...more,
});

function cacheOf<T extends KubeObject>(objects: readonly T[] = []): ObjectCache<T> {
  const cache = new ObjectCache<T>();
  for (const object of objects) cache.set(object);
  return cache;
}

export interface Given {
  readonly claims?: readonly PersistentVolumeClaim[];
  readonly volumes?: readonly PersistentVolume[];
  readonly classes?: readonly StorageClass[];
  readonly csiNodes?: readonly CSINode[];
  readonly csiDrivers?: readonly CSIDriver[];
  readonly capacities?: readonly CSIStorageCapacity[];
  readonly attachments?: readonly VolumeAttachment[];
  readonly pods?: readonly Pod[];
}

export const setup = (given: Given = {}) => {
  const clock = new VirtualClock({ turn: () => Promise.resolve() });
  const caches = { claims: cacheOf(given.claims), volumes: cacheOf(given.volumes), pods: cacheOf(given.pods) };
  const attachments = cacheOf(given.attachments);
  attachments.addIndex("node", ({ spec }) => [spec.nodeName]);
  const readers: VolumeReaders = {
    claims: new Assumed(caches.claims),
    volumes: new Assumed(caches.volumes),
    classes: cacheOf(given.classes),
    csiNodes: cacheOf(given.csiNodes),
    csiDrivers: cacheOf(given.csiDrivers),
    capacities: cacheOf(given.capacities),
    attachments,
    pods: caches.pods,
  };
  const written: KubeObject[] = [];
  const binder = new VolumeBinder({
    clock,
    readers,
    client: {
      update: (_resource, object) => {
        written.push(object);
        return Promise.resolve(object);
      },
    },
  });
  return { clock, readers, caches, written, binder, binding: volumeBinding(readers, binder) };
};
