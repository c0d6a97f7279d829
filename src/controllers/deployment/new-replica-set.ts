import { deployments } from "../../api/generated/resources.ts";
import type { ReplicaSet } from "../../api/generated/types/apps-v1.ts";
import { deepEqual } from "../../base/values.ts";
import { controllerReference } from "../../reconcile/owned.ts";
import { hashOf, templateHashLabel } from "../template-hash.ts";
import { maxRevision, newSetAnnotations, replicasAnnotations, revisionAnnotation } from "./annotations.ts";
import { desired, fenceposts, hasProgressDeadline, newSetSize } from "./replica-sets.ts";
import type { Rollout } from "./rollout.ts";

/**
 * Brings the set of the current template up to date: revision, annotations, minReadySeconds; makes it when there is
 * none and `create` is set. @upstream pkg/controller/deployment/sync.go getNewReplicaSet
 */
export function syncNewSet(rollout: Rollout, create: boolean): void {
  const { deployment, newSet } = rollout;
  const revision = maxRevision(rollout.oldSets) + 1;
  if (newSet === undefined) {
    if (create) createNewSet(rollout, revision);
    return;
  }
  const annotations = newSetAnnotations(deployment, newSet.metadata.annotations ?? {}, revision);
  const minReadySeconds = deployment.spec.minReadySeconds;
  if (!deepEqual(annotations, newSet.metadata.annotations ?? {}) || (newSet.spec.minReadySeconds ?? 0) !== (minReadySeconds ?? 0)) {
    rollout.update({ ...newSet, metadata: { ...newSet.metadata, annotations }, spec: { ...newSet.spec, minReadySeconds } });
  }
  setRevision(rollout, annotations[revisionAnnotation]);
  if (hasProgressDeadline(deployment) && rollout.progressing() === undefined) {
    rollout.setCondition("Progressing", "True", "FoundNewReplicaSet", `Found new replica set ${JSON.stringify(newSet.metadata.name)}`);
  }
}

function setRevision(rollout: Rollout, revision: string | undefined): void {
  if (revision !== undefined && rollout.deployment.metadata.annotations?.[revisionAnnotation] !== revision) rollout.revision = revision;
}

function createNewSet(rollout: Rollout, revision: number): void {
  const { deployment } = rollout;
  const { template } = deployment.spec;
  const hash = hashOf(template, deployment.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [templateHashLabel]: hash };
  const { selector } = deployment.spec;
  const set: ReplicaSet = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: setName(deployment.metadata.name ?? "", hash),
      namespace: deployment.metadata.namespace,
      labels,
      annotations: {
        ...newSetAnnotations(deployment, {}, revision),
        ...replicasAnnotations(desired(deployment), desired(deployment) + fenceposts(deployment).maxSurge),
      },
      ownerReferences: [controllerReference(deployment, deployments)],
    },
    spec: {
      replicas: newSetSize(deployment, rollout.sets, 0),
      minReadySeconds: deployment.spec.minReadySeconds,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [templateHashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
  rollout.create(set);
  setRevision(rollout, String(revision));
  if (hasProgressDeadline(deployment)) {
    rollout.setCondition("Progressing", "True", "NewReplicaSetCreated", `Created new replica set ${JSON.stringify(set.metadata.name)}`);
  }
}

/** `<deployment>-<hash>`, the deployment's part cut where the whole would not fit a generated pod name's base. */
function setName(deploymentName: string, hash: string): string {
  const room = 253 - 1 - hash.length;
  return `${deploymentName.slice(0, room)}-${hash}`;
}
