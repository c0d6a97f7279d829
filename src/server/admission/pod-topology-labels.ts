import type { Binding, Pod } from "../../api/generated/types/core-v1.ts";
import type { Draft } from "../../base/values.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin } from "./admission.ts";

const NODES = "/registry/minions/";
const keys = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

/** A pod that is bound, or made with its node, learns the node's zone and region as labels. @upstream plugin/pkg/admission/podtopologylabels */
export function podTopologyLabels(cache: StateCache): AdmissionPlugin {
  const nodes = cache.resource(NODES);
  const mark = (metadata: Draft<Pod>["metadata"], node: string | undefined): void => {
    const labels = node === undefined || node === "" ? {} : (nodes.get(NODES + node)?.object.metadata.labels ?? {});
    for (const key of keys) {
      const value = labels[key];
      if (value !== undefined) metadata.labels = { ...metadata.labels, [key]: value };
    }
  };
  return {
    name: "PodTopologyLabels",
    mutate({ operation, served, subresource, object }) {
      if (operation !== "CREATE" || served.resource.resource !== "pods" || served.resource.group !== "" || object === undefined) return;
      if (subresource === "binding") {
        const binding = object as unknown as Draft<Partial<Binding>> & Pick<Draft<Binding>, "metadata">;
        mark(binding.metadata, binding.target?.name);
      } else if (subresource === "") {
        const pod = object as unknown as Draft<Pod>;
        mark(pod.metadata, pod.spec.nodeName);
      }
    },
  };
}
