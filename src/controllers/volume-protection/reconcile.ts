import { persistentVolumeClaims, persistentVolumes, pods } from "../../api/generated/resources.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { Resource } from "../../meta/resource.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { enqueueKeys, enqueueSelf } from "../enqueue.ts";
import { claimsOf, podsByClaim } from "../pods/pods-by-claim.ts";
import { claimFinalizer, finalizerChange, holdsClaims, volumeFinalizer } from "./plan.ts";

/** Keeps claims that pods still use from being removed. @upstream pkg/controller/volume/pvcprotection */
export function claimProtectionController(deps: ControllerDeps): Controller {
  const claims = deps.informers.informer(persistentVolumeClaims);
  const podInformer = deps.informers.informer(pods);

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const claim = claims.lister.get(key);
    if (claim === undefined) return;
    let change = finalizerChange(claim, claimFinalizer, podsByClaim.of(podInformer.lister, key).some(holdsClaims));
    if (change === "remove") {
      // The cache may lag behind a pod that was just scheduled.
      const live = await deps.client.list(pods, { namespace: claim.metadata.namespace, signal });
      if (live.items.some((pod) => holdsClaims(pod) && claimsOf(pod).includes(key))) change = "none";
    }
    await changeFinalizer(deps, persistentVolumeClaims, claim, { change, finalizer: claimFinalizer, signal });
  }

  function setup(queue: Enqueue): void {
    podsByClaim.index(deps.informers, podInformer);
    enqueueSelf(queue, claims);
    enqueueKeys(queue, podInformer, claimsOf, { dependsOn: ({ spec }) => spec.volumes });
  }

  return { name: "persistentvolumeclaim-protection", setup, reconcile };
}

/** Keeps volumes that are bound from being removed. @upstream pkg/controller/volume/pvprotection */
export function volumeProtectionController(deps: ControllerDeps): Controller {
  const volumes = deps.informers.informer(persistentVolumes);

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const volume = volumes.lister.get(key);
    if (volume === undefined) return;
    const change = finalizerChange(volume, volumeFinalizer, volume.status?.phase === "Bound");
    await changeFinalizer(deps, persistentVolumes, volume, { change, finalizer: volumeFinalizer, signal });
  }

  return { name: "persistentvolume-protection", setup: (queue) => enqueueSelf(queue, volumes), reconcile };
}

async function changeFinalizer<T extends KubeObject>(
  { client }: ControllerDeps,
  resource: Resource<T>,
  object: T,
  { change, finalizer, signal }: { readonly change: "add" | "remove" | "none"; readonly finalizer: string; readonly signal: AbortSignal },
): Promise<void> {
  if (change === "none") return;
  const before = object.metadata.finalizers ?? [];
  const after = change === "add" ? [...before, finalizer] : before.filter((name) => name !== finalizer);
  const finalizers = after.length === 0 ? null : after;
  const value = { metadata: { uid: object.metadata.uid, resourceVersion: object.metadata.resourceVersion, finalizers } };
  await client.patch(resource, object.metadata.name ?? "", { type: "merge", value }, { namespace: object.metadata.namespace, signal }).catch((error: unknown) => {
    if (!hasReason(error, "NotFound")) throw error;
  });
}
