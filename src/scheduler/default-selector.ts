import type { Pod, ReplicationController, Service } from "../api/generated/types/core-v1.ts";
import type { ReplicaSet, StatefulSet } from "../api/generated/types/apps-v1.ts";
import type { Lister } from "../client/informer.ts";
import { LabelSelector } from "../meta/label-selector.ts";
import { controllerOf } from "../meta/object.ts";

export interface SelectorListers {
  readonly services: Lister<Service>;
  readonly replicaSets: Lister<ReplicaSet>;
  readonly replicationControllers: Lister<ReplicationController>;
  readonly statefulSets: Lister<StatefulSet>;
}

/** Which pods count as a pod's equals when it is spread by default: those of its services and its owner. @upstream plugins/helper/spread.go DefaultSelector */
export function defaultSelectorOf(pod: Pod, { services, replicaSets, replicationControllers, statefulSets }: SelectorListers): LabelSelector | undefined {
  const { namespace = "", labels = {} } = pod.metadata;
  const matchLabels: Record<string, string> = {};
  const matchExpressions: { key: string; operator: string; values?: readonly string[] | undefined }[] = [];
  for (const { spec } of services.inNamespace(namespace)) {
    const selector = spec.selector ?? {};
    if (Object.keys(selector).length > 0 && Object.entries(selector).every(([key, value]) => labels[key] === value)) Object.assign(matchLabels, selector);
  }
  const owner = controllerOf(pod);
  if (owner !== undefined) {
    const key = `${namespace}/${owner.name}`;
    if (owner.kind === "ReplicationController") Object.assign(matchLabels, replicationControllers.get(key)?.spec.selector);
    else if (owner.kind === "ReplicaSet" || owner.kind === "StatefulSet") {
      const selector = (owner.kind === "ReplicaSet" ? replicaSets : statefulSets).get(key)?.spec.selector;
      Object.assign(matchLabels, selector?.matchLabels);
      matchExpressions.push(...(selector?.matchExpressions ?? []));
    }
  }
  if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0) return undefined;
  return LabelSelector.of({ matchLabels, matchExpressions });
}
