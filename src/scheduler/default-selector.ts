import type { ReplicaSet, StatefulSet } from "../api/generated/types/apps-v1.ts";
import type { Pod, ReplicationController, Service } from "../api/generated/types/core-v1.ts";
import type { Lister } from "../client/informer.ts";
import type { LabelSelectorRequirement } from "../meta/generated/meta-v1.ts";
import { controllerOf } from "../meta/object.ts";
import { type KnownSelector, knownSelector } from "./cluster/known-selector.ts";

export interface SelectorListers {
  /** With the index `selector` of servicePair. */
  readonly services: Lister<Service>;
  readonly replicaSets: Lister<ReplicaSet>;
  readonly replicationControllers: Lister<ReplicationController>;
  readonly statefulSets: Lister<StatefulSet>;
}

/** How services are found by the pods that they select: `ns/app=web` with one of their labels; none without selector. */
export function servicePair({ metadata, spec }: Service): readonly string[] {
  const [first] = Object.entries(spec.selector ?? {});
  return first === undefined ? [] : [`${metadata.namespace ?? ""}/${first[0]}=${first[1]}`];
}

/** Which pods count as a pod's equals when it is spread by default: those of its services and its owner. @upstream plugins/helper/spread.go DefaultSelector */
export function defaultSelectorOf(pod: Pod, listers: SelectorListers): KnownSelector | undefined {
  const { namespace = "", labels = {} } = pod.metadata;
  const matchLabels: Record<string, string> = {};
  for (const key in labels)
    for (const { spec } of listers.services.byIndex("selector", `${namespace}/${key}=${labels[key] ?? ""}`)) {
      const selector = spec.selector ?? {};
      if (Object.entries(selector).every(([name, value]) => labels[name] === value)) Object.assign(matchLabels, selector);
    }
  const matchExpressions = addOwner(pod, matchLabels, listers);
  if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0) return undefined;
  return knownSelector({ matchLabels, matchExpressions });
}

/** Adds what the pod's owner selects by; returns the expressions among it. */
function addOwner(pod: Pod, matchLabels: Record<string, string>, { replicaSets, replicationControllers, statefulSets }: SelectorListers): readonly LabelSelectorRequirement[] {
  const owner = controllerOf(pod);
  if (owner === undefined) return [];
  const key = `${pod.metadata.namespace ?? ""}/${owner.name}`;
  if (owner.kind === "ReplicationController" && owner.apiVersion === "v1") Object.assign(matchLabels, replicationControllers.get(key)?.spec.selector);
  if (!owner.apiVersion.startsWith("apps/") || (owner.kind !== "ReplicaSet" && owner.kind !== "StatefulSet")) return [];
  const selector = (owner.kind === "ReplicaSet" ? replicaSets : statefulSets).get(key)?.spec.selector;
  Object.assign(matchLabels, selector?.matchLabels);
  return selector?.matchExpressions ?? [];
}
