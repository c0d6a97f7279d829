import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Draft } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin } from "./admission.ts";

const NODES = "/registry/minions/";
const keys = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

/** A pod that is bound learns its node's zone and region as labels. @upstream plugin/pkg/admission/podtopologylabels */
export function podTopologyLabels(cache: StateCache): AdmissionPlugin {
  const nodes = cache.resource(NODES);
  return {
    name: "PodTopologyLabels",
    mutate({ served, subresource, object }) {
      if (subresource !== "binding" || served.resource.resource !== "pods" || object === undefined) return;
      const pod = object as Draft<KubeObject> as Draft<Pod>;
      const labels = nodes.get(NODES + (pod.spec.nodeName ?? ""))?.object.metadata.labels ?? {};
      for (const key of keys) {
        const value = labels[key];
        if (value !== undefined) pod.metadata.labels = { ...pod.metadata.labels, [key]: value };
      }
    },
  };
}
