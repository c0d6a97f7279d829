import { persistentVolumeClaims, persistentVolumes } from "../../api/generated/resources.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../api/generated/types/core-v1.ts";
import type { Clock } from "../../base/clock.ts";
import type { Client } from "../../client/client.ts";
import { keyOf } from "../../meta/object.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import type { PodInfo } from "../cluster/pod-info.ts";
import { reaches } from "./find-volume.ts";
import { isFullyBound } from "./pod-claims.ts";
import { SELECTED_NODE, type VolumePlan } from "./volume-plan.ts";
import type { VolumeReaders } from "./volume-readers.ts";

const BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller";

export interface VolumeBinderDeps {
  readonly client: Pick<Client, "update">;
  readonly clock: Clock;
  readonly readers: VolumeReaders;
}

/** Assumes, writes and waits for what a pod's claims need on the node that was chosen. @upstream volumebinding/binder.go BindPodVolumes */
export class VolumeBinder {
  readonly #deps: VolumeBinderDeps;
  readonly #waiting = new Set<() => void>();

  constructor(deps: VolumeBinderDeps) {
    this.#deps = deps;
  }

  /** Claims, volumes or pods changed: those who wait look again. */
  changed(): void {
    for (const look of this.#waiting) look();
  }

  /** The plan as it will be written, assumed from now on. */
  assume({ bindings, provisions }: VolumePlan, nodeName: string): VolumePlan {
    const { volumes, claims } = this.#deps.readers;
    const assumed = {
      bindings: bindings.map(({ claim, volume }) => ({ claim, volume: boundTo(volume, claim) })),
      provisions: provisions.map((claim) => ({ ...claim, metadata: { ...claim.metadata, annotations: { ...claim.metadata.annotations, [SELECTED_NODE]: nodeName } } })),
    };
    for (const { volume } of assumed.bindings) volumes.assume(keyOf(volume), volume);
    for (const claim of assumed.provisions) claims.assume(keyOf(claim), claim);
    return assumed;
  }

  forget({ bindings, provisions }: VolumePlan): void {
    for (const { volume } of bindings) this.#deps.readers.volumes.forget(keyOf(volume));
    for (const claim of provisions) this.#deps.readers.claims.forget(keyOf(claim));
  }

  /** Writes an assumed plan and waits until every claim of it is bound. Rejects with why that cannot be. */
  async bind(
    { bindings, provisions }: VolumePlan,
    pod: PodInfo,
    node: NodeInfo,
    { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<void> {
    const { client } = this.#deps;
    for (const { volume } of bindings) await client.update(persistentVolumes, volume, { signal });
    for (const claim of provisions) await client.update(persistentVolumeClaims, claim, { namespace: claim.metadata.namespace, signal });
    await this.#until(() => this.#allBound({ bindings, provisions }, pod, node), { signal, timeoutMs });
  }

  #allBound({ bindings, provisions }: VolumePlan, pod: PodInfo, { node, name }: NodeInfo): boolean {
    const { pods, claims, volumes } = this.#deps.readers;
    if (pods.get(pod.key)?.metadata.uid !== pod.pod.metadata.uid) throw new Error("pod does not exist any more");
    if (node === undefined) throw new Error(`failed to get node "${name}"`);
    const check = (volume: PersistentVolume | undefined): void => {
      if (volume !== undefined && !reaches(volume, node)) throw new Error(`pv "${volume.metadata.name ?? ""}" node affinity doesn't match node "${name}"`);
    };
    for (const { claim, volume } of bindings) {
      const current = volumes.actual(keyOf(volume));
      if (isOlder(current, volume)) return false;
      check(current);
      if (current?.spec.claimRef === undefined || (current.spec.claimRef.uid ?? "") === "") throw new Error(`ClaimRef got reset for pv "${volume.metadata.name ?? ""}"`);
      const bound = claims.actual(keyOf(claim));
      if (bound === undefined || !isFullyBound(bound)) return false;
    }
    for (const claim of provisions) {
      const current = claims.actual(keyOf(claim));
      if (current === undefined) throw new Error(`failed to check provisioning pvc: persistentvolumeclaim "${claim.metadata.name ?? ""}" not found`);
      if (isOlder(current, claim)) return false;
      // The provisioner takes the node back when it could not serve it.
      if (current.metadata.annotations?.[SELECTED_NODE] !== name) throw new Error(`provisioning failed for PVC "${claim.metadata.name ?? ""}"`);
      if (current.spec.volumeName !== undefined) check(volumes.actual(current.spec.volumeName));
      if (!isFullyBound(current)) return false;
    }
    return true;
  }

  #until(isDone: () => boolean, { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.#waiting.delete(look);
        cancel();
        signal.removeEventListener("abort", abort);
        act();
      };
      const look = (): void => {
        try {
          if (isDone()) settle(resolve);
        } catch (error) {
          settle(() => reject(new Error(`binding volumes: ${error instanceof Error ? error.message : String(error)}`)));
        }
      };
      const abort = (): void => settle(() => reject(signal.reason));
      const cancel = this.#deps.clock.after(timeoutMs, () => settle(() => reject(new Error("binding volumes: context deadline exceeded"))));
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting.add(look);
      look();
    });
  }
}

/** Our write is not seen yet: the object still stands at the version that the write was made from. */
function isOlder(current: { readonly metadata: PersistentVolumeClaim["metadata"] } | undefined, written: { readonly metadata: PersistentVolumeClaim["metadata"] }): boolean {
  return current !== undefined && current.metadata.resourceVersion === written.metadata.resourceVersion;
}

function boundTo(volume: PersistentVolume, { metadata }: PersistentVolumeClaim): PersistentVolume {
  const { name, namespace, uid, resourceVersion } = metadata;
  return {
    ...volume,
    metadata: { ...volume.metadata, annotations: { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: "yes" } },
    spec: { ...volume.spec, claimRef: { kind: "PersistentVolumeClaim", apiVersion: "v1", name, namespace, uid, resourceVersion } },
  };
}
