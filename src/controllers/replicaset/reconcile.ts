import { replicaSets } from "../../api/generated/resources.ts";
import { controllerOf } from "../../meta/object.ts";
import type { Controller, ControllerDeps } from "../../reconcile/controller.ts";
import { labelsMatch } from "../label-match.ts";
import { replicaController } from "./replica-controller.ts";

/** Keeps a ReplicaSet's number of pods. */
export function replicaSetController(deps: ControllerDeps): Controller {
  return replicaController(
    {
      name: "replicaset",
      resource: replicaSets,
      replicas: (set) => set.spec.replicas ?? 1,
      minReadySeconds: (set) => set.spec.minReadySeconds ?? 0,
      matches: (set, labels) => labelsMatch(set.spec.selector, labels),
      template: (set) => set.spec.template,
      status: (set) => set.status,
      withStatus: (set, status) => ({ ...set, status }),
      siblings: (set, all) => {
        const owner = controllerOf(set)?.uid;
        return owner === undefined ? [set] : all.filter((other) => controllerOf(other)?.uid === owner);
      },
    },
    deps,
  );
}
