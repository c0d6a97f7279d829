import type { CSIStorageCapacity } from "../../api/generated/types/storage-v1.ts";
import { deepEqual } from "../../base/values.ts";
import type { Change } from "../changes.ts";
import type { PodInfo } from "../cluster/pod-info.ts";
import type { Plugin } from "../plugin.ts";
import type { VolumeBinder } from "./bind-volumes.ts";
import { claimsOf } from "./pod-claims.ts";
import { volumeLimit } from "./provisioning.ts";
import { claimsFor, planVolumes, type PodClaims, type VolumePlan } from "./volume-plan.ts";
import type { VolumeReaders } from "./volume-readers.ts";

interface State {
  readonly claims: PodClaims;
  /** What was found while filtering, by node. */
  readonly plans: Map<string, VolumePlan>;
}

export interface VolumeBindingOptions {
  /** How long claims may take to be bound. Default 600,000. @upstream VolumeBindingArgs BindTimeoutSeconds */
  readonly timeoutMs?: number;
}

/** A pod runs where its volumes are or can be made; claims that wait for their first consumer get them there. @upstream plugins/volumebinding */
export function volumeBinding(readers: VolumeReaders, binder: VolumeBinder, { timeoutMs = 600_000 }: VolumeBindingOptions = {}): Plugin {
  return {
    name: "VolumeBinding",
    prefilter({ pod }) {
      if (claimsOf(pod).length === 0) return "skip";
      const claims = claimsFor(pod, readers);
      return "rejected" in claims ? claims : { state: { claims, plans: new Map() } satisfies State };
    },
    filter(_pod, { name, node }, state) {
      if (node === undefined) return undefined;
      const { claims, plans } = state as State;
      const found = planVolumes(claims, node, readers);
      if ("rejections" in found) return found.rejections;
      plans.set(name, found.plan);
      return undefined;
    },
    reserve(pod, node, state) {
      const plan = (state as State).plans.get(node.name);
      if (plan === undefined || (plan.bindings.length === 0 && plan.provisions.length === 0)) return undefined;
      const assumed = binder.assume(plan, node.name);
      return { commit: (signal) => binder.bind(assumed, pod, node, { signal, timeoutMs }), undo: () => binder.forget(assumed) };
    },
    listens: [
      "claim/add",
      "claim/update",
      "volume/add",
      "volume/update",
      "class/add",
      "class/update",
      "node/add",
      "node/label",
      "csi-node/add",
      "csi-driver/update",
      "capacity/add",
      "capacity/update",
    ],
    mayHelp,
  };
}

function mayHelp({ pod, namespace }: PodInfo, change: Change): boolean {
  switch (change.resource) {
    case "claim": {
      const claim = change.next?.metadata;
      return claim?.namespace === namespace && claimsOf(pod).some(({ name }) => name === claim.name);
    }
    case "class":
      return change.previous === undefined || !deepEqual(change.previous.allowedTopologies, change.next?.allowedTopologies);
    case "csi-driver":
      return change.previous?.spec.storageCapacity === true && change.next?.spec.storageCapacity !== true;
    case "capacity":
      return limitOf(change.next) > limitOf(change.previous);
    default:
      return true;
  }
}

function limitOf(capacity: CSIStorageCapacity | undefined): number {
  return (capacity === undefined ? undefined : volumeLimit(capacity)) ?? -1;
}
