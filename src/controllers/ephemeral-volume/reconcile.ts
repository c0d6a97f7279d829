import { persistentVolumeClaims, pods } from "../../api/generated/resources.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { controllerOf, keyOf } from "../../meta/object.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { enqueueKeys } from "../enqueue.ts";
import { isNamespaceTerminating, messageOf } from "../failures.ts";
import { ephemeralClaims } from "./plan.ts";

/** Makes the claims of pods' generic ephemeral volumes. @upstream pkg/controller/volume/ephemeral */
export function ephemeralVolumeController(deps: ControllerDeps): Controller {
  const podInformer = deps.informers.informer(pods);
  const claims = deps.informers.informer(persistentVolumeClaims);
  const attempts = deps.metrics.counter("ephemeral_volume_controller_create_total", "Attempts to make claims for pods' ephemeral volumes");
  const failures = deps.metrics.counter("ephemeral_volume_controller_create_failures_total", "Attempts that failed");

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const pod = podInformer.lister.get(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    for (const claim of ephemeralClaims(pod)) {
      const { name = "", namespace } = claim.metadata;
      const there = claims.lister.get(`${namespace}/${name}`);
      if (there !== undefined) {
        if (controllerOf(there)?.uid === pod.metadata.uid) continue;
        const message = `PVC ${JSON.stringify(`${namespace}/${name}`)} was not created for pod ${JSON.stringify(key)} (pod is not owner)`;
        deps.recorder.event(pod, "Warning", "ConflictingClaim", message);
        throw new Error(message);
      }
      attempts.inc();
      try {
        await deps.client.create(persistentVolumeClaims, claim, { namespace, signal });
      } catch (error) {
        failures.inc();
        if (isNamespaceTerminating(error) || hasReason(error, "AlreadyExists")) continue;
        deps.recorder.event(pod, "Warning", "FailedCreate", `ephemeral volume ${name}: create PVC: ${messageOf(error)}`);
        throw error;
      }
    }
  }

  function setup(queue: Enqueue): void {
    const withVolumes = (pod: Pod): readonly string[] => (ephemeralClaims(pod).length === 0 ? [] : [keyOf(pod)]);
    podInformer.subscribe({
      added: (pod) => {
        for (const key of withVolumes(pod)) queue.add(key);
      },
    });
    enqueueKeys(queue, claims, (claim) => {
      const owner = controllerOf(claim);
      return owner?.kind === "Pod" ? [`${claim.metadata.namespace}/${owner.name}`] : [];
    });
  }

  return { name: "ephemeral-volume", setup, reconcile };
}
