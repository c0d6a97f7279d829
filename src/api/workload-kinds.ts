import { controllerRevisionKind } from "./apps/controller-revision.ts";
import { daemonSetKind } from "./apps/daemon-set.ts";
import { deploymentKind } from "./apps/deployment.ts";
import { replicaSetKind } from "./apps/replica-set.ts";
import { statefulSetKind } from "./apps/stateful-set.ts";
import { cronJobKind } from "./batch/cron-job.ts";
import { jobKind } from "./batch/job.ts";
import { namespaceKind } from "./core/namespace.ts";
import { nodeKind } from "./core/node.ts";
import { podTemplateKind } from "./core/pod-template.ts";
import { podKind } from "./core/pod.ts";
import { replicationControllerKind } from "./core/replication-controller.ts";
import type { AnyKindDefinition } from "./kind.ts";

/** Pods, what makes pods, and where pods are. */
export const workloadKinds: readonly AnyKindDefinition[] = [
  podKind,
  podTemplateKind,
  replicationControllerKind,
  nodeKind,
  namespaceKind,
  deploymentKind,
  replicaSetKind,
  daemonSetKind,
  statefulSetKind,
  controllerRevisionKind,
  jobKind,
  cronJobKind,
];
