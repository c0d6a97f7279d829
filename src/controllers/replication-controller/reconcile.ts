import { replicationControllers } from "../../api/generated/resources.ts";
import type { Controller, ControllerDeps } from "../../reconcile/controller.ts";
import { mapMatches } from "../label-match.ts";
import { replicaController } from "../replicaset/replica-controller.ts";

/** Keeps a ReplicationController's number of pods: a ReplicaSet with a plain map for a selector. @upstream pkg/controller/replication/conversion.go */
export function replicationController(deps: ControllerDeps): Controller {
  return replicaController(
    {
      name: "replicationcontroller",
      resource: replicationControllers,
      replicas: (set) => set.spec.replicas ?? 1,
      minReadySeconds: (set) => set.spec.minReadySeconds ?? 0,
      matches: (set, labels) => mapMatches(set.spec.selector, labels),
      template: (set) => set.spec.template,
      status: (set) => set.status,
      // This kind has no count of terminating pods.
      withStatus: (set, status) => ({ ...set, status: { ...status, terminatingReplicas: undefined } }),
      siblings: (set) => [set],
    },
    deps,
  );
}
