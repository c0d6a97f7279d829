import { nodes, persistentVolumeClaims, persistentVolumes, storageClasses } from "../../api/generated/resources.ts";
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimStatus } from "../../api/generated/types/core-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { deepEqual } from "../../base/values.ts";
import { keyOf, splitKey } from "../../meta/object.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { enqueueKeys } from "../enqueue.ts";
import { updateStatus } from "../update-status.ts";
import { volumeMetrics } from "./metrics.ts";
import { claimBoundTo, judgeClaim, judgeVolume, selectedNode, unboundVolume, volumeBoundTo } from "./plan.ts";

const claimKey = (key: string): string => `claim:${key}`;
const volumeKey = (name: string): string => `volume:${name}`;

/** Brings claims and volumes together, and notices when they part. Provisioners outside make the volumes. @upstream pkg/controller/volume/persistentvolume */
export function pvBinderController(deps: ControllerDeps): Controller {
  return new PvBinder(deps);
}

class PvBinder implements Controller {
  readonly name = "persistentvolume-binder";
  // One at a time: two claims must not choose the same volume.
  readonly workers = 1;
  readonly #deps: ControllerDeps;
  readonly #claims;
  readonly #volumes;
  readonly #classes;
  readonly #nodes;
  /** Volumes as last written here, until the cache shows that version or a later one. */
  readonly #written = new Map<string, PersistentVolume>();

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#claims = deps.informers.informer(persistentVolumeClaims);
    this.#volumes = deps.informers.informer(persistentVolumes);
    this.#classes = deps.informers.informer(storageClasses);
    this.#nodes = deps.informers.informer(nodes);
    volumeMetrics(deps.metrics, { volumes: () => this.#volumes.lister.list(), claims: () => this.#claims.lister.list() });
  }

  setup(queue: Enqueue): void {
    enqueueKeys(queue, this.#claims, (claim) => {
      const volume = claim.spec.volumeName ?? "";
      return [claimKey(keyOf(claim)), ...(volume === "" ? [] : [volumeKey(volume)])];
    });
    // Claims are deleted last; what they were bound to must be released.
    this.#claims.subscribe({
      deleted: ({ metadata: { uid } }) => {
        for (const volume of this.#volumes.lister.list()) if (volume.spec.claimRef?.uid === uid) queue.add(volumeKey(volume.metadata.name ?? ""));
      },
    });
    const enqueueWaiting = (): void => {
      for (const claim of this.#claims.lister.list()) if (claim.status?.phase !== "Bound") queue.add(claimKey(keyOf(claim)));
    };
    this.#volumes.subscribe({
      added: (volume) => {
        queue.add(volumeKey(volume.metadata.name ?? ""));
        enqueueWaiting();
      },
      updated: (_previous, volume) => {
        this.#seen(volume);
        queue.add(volumeKey(volume.metadata.name ?? ""));
        const { claimRef } = volume.spec;
        if (claimRef === undefined) enqueueWaiting();
        else queue.add(claimKey(`${claimRef.namespace}/${claimRef.name}`));
      },
      deleted: (volume) => {
        this.#written.delete(volume.metadata.name ?? "");
        const { claimRef } = volume.spec;
        if (claimRef !== undefined) queue.add(claimKey(`${claimRef.namespace}/${claimRef.name}`));
      },
    });
    this.#classes.subscribe({ added: enqueueWaiting, updated: enqueueWaiting });
  }

  #seen(volume: PersistentVolume): void {
    const name = volume.metadata.name ?? "";
    const written = this.#written.get(name);
    if (written !== undefined && Number(volume.metadata.resourceVersion) >= Number(written.metadata.resourceVersion)) this.#written.delete(name);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    if (key.startsWith("claim:")) await this.#syncClaim(key.slice("claim:".length), signal);
    else await this.#syncVolume(key.slice("volume:".length), signal);
  }

  #allVolumes(): readonly PersistentVolume[] {
    return this.#volumes.lister.list().map((volume) => this.#written.get(volume.metadata.name ?? "") ?? volume);
  }

  async #syncClaim(key: string, signal: AbortSignal): Promise<void> {
    const claim = this.#claims.lister.get(key);
    if (claim === undefined) return;
    const className = claim.spec.storageClassName ?? "";
    const verdict = judgeClaim({
      claim,
      volumes: this.#allVolumes(),
      storageClass: className === "" ? undefined : this.#classes.lister.get(className),
      node: this.#nodes.lister.get(claim.metadata.annotations?.[selectedNode] ?? ""),
    });
    if (verdict.type === "bind") {
      await this.#bind(claim, verdict.volume, signal);
      return;
    }
    if (verdict.event !== undefined) this.#deps.recorder.event(claim, verdict.event.type, verdict.event.reason, verdict.event.message);
    if (verdict.type === "lost") {
      await this.#writeClaimStatus(claim, { ...claim.status, phase: "Lost", accessModes: undefined, capacity: undefined }, signal);
      return;
    }
    const annotations = verdict.annotations ?? {};
    let current = claim;
    if (Object.entries(annotations).some(([name, value]) => claim.metadata.annotations?.[name] !== value)) {
      const next = { ...claim, metadata: { ...claim.metadata, annotations: { ...claim.metadata.annotations, ...annotations } } };
      current = await this.#deps.client.update(persistentVolumeClaims, next, { namespace: claim.metadata.namespace, signal });
    }
    if (current.status?.phase !== "Pending") await this.#writeClaimStatus(current, { ...current.status, phase: "Pending" }, signal);
  }

  /** First the volume, then the claim: whatever stops half way is taken up again from the volume. */
  async #bind(claim: PersistentVolumeClaim, volume: PersistentVolume, signal: AbortSignal): Promise<void> {
    const name = volume.metadata.name ?? "";
    let bound = volume;
    const nextVolume = volumeBoundTo(volume, claim);
    if (nextVolume !== undefined) {
      bound = await this.#deps.client.update(persistentVolumes, nextVolume, { signal });
      this.#written.set(name, bound);
    }
    await this.#writePhase(bound, "Bound", signal);
    const nextClaim = claimBoundTo(claim, volume);
    const current = nextClaim === undefined ? claim : await this.#deps.client.update(persistentVolumeClaims, nextClaim, { namespace: claim.metadata.namespace, signal });
    const storage = volume.spec.capacity?.["storage"];
    const capacity = storage === undefined ? current.status?.capacity : { ...current.status?.capacity, storage: current.status?.capacity?.["storage"] ?? storage };
    const attributes = volume.spec.volumeAttributesClassName;
    await this.#writeClaimStatus(
      current,
      { ...current.status, phase: "Bound", accessModes: volume.spec.accessModes, capacity, ...(attributes === undefined ? {} : { currentVolumeAttributesClassName: attributes }) },
      signal,
    );
  }

  async #syncVolume(name: string, signal: AbortSignal): Promise<void> {
    const volume = this.#written.get(name) ?? this.#volumes.lister.get(name);
    if (volume === undefined || this.#volumes.lister.get(name) === undefined) return;
    const { claimRef } = volume.spec;
    const claim = claimRef === undefined ? undefined : await this.#findClaim(`${claimRef.namespace}/${claimRef.name}`, claimRef.uid, signal);
    const verdict = judgeVolume(volume, claim);
    if (verdict.type === "unbind") {
      const free = await this.#deps.client.update(persistentVolumes, unboundVolume(volume), { signal });
      this.#written.set(name, free);
      await this.#writePhase(free, "Available", signal);
    } else if (!(verdict.phase === "Released" && volume.status?.phase === "Failed")) await this.#writePhase(volume, verdict.phase, signal);
  }

  /** A volume is released only when its claim is surely gone. */
  async #findClaim(key: string, uid: string | undefined, signal: AbortSignal): Promise<PersistentVolumeClaim | undefined> {
    const cached = this.#claims.lister.get(key);
    if (cached !== undefined && cached.metadata.uid === uid) return cached;
    const { namespace, name } = splitKey(key);
    try {
      return await this.#deps.client.get(persistentVolumeClaims, name, { namespace, signal });
    } catch (error) {
      if (hasReason(error, "NotFound")) return undefined;
      throw error;
    }
  }

  async #writePhase(volume: PersistentVolume, phase: string, signal: AbortSignal): Promise<void> {
    if (volume.status?.phase === phase) return;
    const status = { ...volume.status, phase, lastPhaseTransitionTime: rfc3339(this.#deps.clock.now()) };
    const written = await this.#deps.client.update(persistentVolumes, { ...volume, status }, { subresource: "status", signal });
    this.#written.set(volume.metadata.name ?? "", written);
  }

  async #writeClaimStatus(claim: PersistentVolumeClaim, status: PersistentVolumeClaimStatus, signal: AbortSignal): Promise<void> {
    await updateStatus(this.#deps.client, persistentVolumeClaims, claim, { signal, next: (live) => (deepEqual(live.status, status) ? undefined : { ...live, status }) });
  }
}
