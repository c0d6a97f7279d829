import type { Node } from "../../api/generated/types/core-v1.ts";
import type { Draft } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { isAbout } from "./new-pod.ts";

const NOT_READY = "node.kubernetes.io/not-ready";

/** A new node takes no pods until it has been seen ready. @upstream plugin/pkg/admission/nodetaint */
export const taintNodesByCondition: AdmissionPlugin = {
  name: "TaintNodesByCondition",
  mutate(request) {
    if (request.operation !== "CREATE" || !isAbout(request, "", "nodes") || request.object === undefined) return;
    const node = request.object as Draft<KubeObject> as Draft<Node>;
    const taints = node.spec?.taints ?? [];
    if (!taints.some(({ key, effect }) => key === NOT_READY && effect === "NoSchedule"))
      node.spec = { ...node.spec, taints: [...taints, { key: NOT_READY, effect: "NoSchedule" }] };
  },
};
