import { clusterRoles } from "../../api/generated/resources.ts";
import { keyOf } from "../../meta/object.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { enqueueKeys } from "../enqueue.ts";
import { aggregatedRules } from "./plan.ts";

/** Fills roles that are made of others: `admin`, `edit`, `view` and what users add. @upstream pkg/controller/clusterroleaggregation */
export function clusterRoleAggregationController(deps: ControllerDeps): Controller {
  const roles = deps.informers.informer(clusterRoles);

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const role = roles.lister.get(key);
    const rules = role === undefined ? undefined : aggregatedRules(role, roles.lister.list());
    if (role === undefined || rules === undefined) return;
    await deps.client.update(clusterRoles, { ...role, rules }, { signal, fieldManager: "clusterrole-aggregation-controller" }).catch((error: unknown) => {
      if (!hasReason(error, "NotFound")) throw error;
    });
  }

  function setup(queue: Enqueue): void {
    enqueueKeys(queue, roles, () =>
      roles.lister
        .list()
        .filter(({ aggregationRule }) => aggregationRule !== undefined)
        .map(keyOf),
    );
  }

  return { name: "clusterrole-aggregation", setup, reconcile };
}
