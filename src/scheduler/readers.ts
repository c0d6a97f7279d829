import {
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  deviceClasses,
  namespaces,
  persistentVolumeClaims,
  persistentVolumes,
  podDisruptionBudgets,
  pods,
  replicaSets,
  replicationControllers,
  resourceSlices,
  services,
  statefulSets,
  storageClasses,
  volumeAttachments,
} from "../api/generated/resources.ts";
import type { PodDisruptionBudget } from "../api/generated/types/policy-v1.ts";
import type { InformerFactory, Lister } from "../client/informer.ts";
import { defaultSelectorOf, servicePair } from "./default-selector.ts";
import { type NamespaceReader, namespaceReader } from "./plugins/namespace-reader.ts";
import type { DefaultSelector } from "./plugins/spread-constraint.ts";
import { ClaimLedger } from "./devices/claim-ledger.ts";
import { DeviceReaders } from "./devices/device-readers.ts";
import { ResourceClasses } from "../api/resource/resource-classes.ts";
import { Assumed } from "./volumes/assumed.ts";
import type { VolumeReaders } from "./volumes/volume-readers.ts";

/** What the plug-ins and preemption read besides nodes and the pods on them. */
export interface Readers {
  readonly namespaces: NamespaceReader;
  readonly defaultSelector: DefaultSelector;
  readonly volumes: VolumeReaders;
  readonly devices: DeviceReaders;
  readonly budgets: Lister<PodDisruptionBudget>;
}

export function readersOver(informers: InformerFactory): Readers {
  const serviceInformer = informers.informer(services);
  informers.addIndex(serviceInformer, "selector", servicePair);
  const attachmentInformer = informers.informer(volumeAttachments);
  informers.addIndex(attachmentInformer, "node", ({ spec }) => [spec.nodeName]);
  const classes = informers.informer(deviceClasses).lister;
  const owners = {
    services: serviceInformer.lister,
    replicaSets: informers.informer(replicaSets).lister,
    replicationControllers: informers.informer(replicationControllers).lister,
    statefulSets: informers.informer(statefulSets).lister,
  };
  return {
    namespaces: namespaceReader(informers.informer(namespaces).lister),
    defaultSelector: (pod) => defaultSelectorOf(pod, owners),
    volumes: {
      claims: new Assumed(informers.informer(persistentVolumeClaims).lister),
      volumes: new Assumed(informers.informer(persistentVolumes).lister),
      classes: informers.informer(storageClasses).lister,
      csiNodes: informers.informer(csiNodes).lister,
      csiDrivers: informers.informer(csiDrivers).lister,
      capacities: informers.informer(csiStorageCapacities).lister,
      attachments: attachmentInformer.lister,
      pods: informers.informer(pods).lister,
    },
    devices: new DeviceReaders({
      claims: new ClaimLedger(),
      classes,
      slices: informers.informer(resourceSlices).lister,
      resources: new ResourceClasses(() => classes.list()),
    }),
    budgets: informers.informer(podDisruptionBudgets).lister,
  };
}
