import type { Taint, Toleration } from "../../api/generated/types/core-v1.ts";
import { normalizeByMax, type Plugin } from "../plugin.ts";

const none = [] as const;
const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";

/** A cordoned node takes only pods that tolerate that. @upstream plugins/nodeunschedulable */
export const nodeUnschedulable: Plugin = {
  name: "NodeUnschedulable",
  filter({ pod }, { node }) {
    if (node?.spec.unschedulable !== true || tolerated({ key: UNSCHEDULABLE, effect: "NoSchedule" }, pod.spec.tolerations ?? [])) return none;
    return [{ reason: "node(s) were unschedulable", unresolvable: true }];
  },
};

/** A pod that names its node goes nowhere else. @upstream plugins/nodename */
export const nodeName: Plugin = {
  name: "NodeName",
  filter({ pod }, { name }) {
    const wanted = pod.spec.nodeName ?? "";
    return wanted === "" || wanted === name ? none : [{ reason: "node(s) didn't match the requested node name", unresolvable: true }];
  },
};

/** @upstream plugins/tainttoleration */
export const taintToleration: Plugin = {
  name: "TaintToleration",
  weight: 3,
  filter({ pod }, { node }) {
    for (const taint of node?.spec.taints ?? []) {
      if (taint.effect !== "NoSchedule" && taint.effect !== "NoExecute") continue;
      if (!tolerated(taint, pod.spec.tolerations ?? [])) return [{ reason: `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`, unresolvable: true }];
    }
    return none;
  },
  score({ pod }, { node }) {
    const tolerations = (pod.spec.tolerations ?? []).filter(({ effect = "" }) => effect === "" || effect === "PreferNoSchedule");
    return (node?.spec.taints ?? []).filter((taint) => taint.effect === "PreferNoSchedule" && !tolerated(taint, tolerations)).length;
  },
  normalize: (scores) => normalizeByMax(scores, true),
};

/** Whether one of the tolerations covers the taint. @upstream component-helpers/scheduling/corev1/helpers.go */
export function tolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some(({ key = "", operator = "Equal", value = "", effect = "" }) => {
    if (effect !== "" && effect !== taint.effect) return false;
    if (key !== "" && key !== taint.key) return false;
    if (operator === "Exists") return true;
    if (key === "") return false;
    if (operator === "Gt" || operator === "Lt") {
      const have = Number(taint.value);
      const bound = Number(value);
      if (!Number.isInteger(have) || !Number.isInteger(bound)) return false;
      return operator === "Gt" ? have > bound : have < bound;
    }
    return value === (taint.value ?? "");
  });
}

/** Two pods of a node cannot have the same port of it. @upstream plugins/nodeports */
export const nodePorts: Plugin = {
  name: "NodePorts",
  filter({ hostPorts }, node) {
    if (hostPorts.length === 0) return none;
    for (const other of node.pods.values()) {
      for (const taken of other.hostPorts) {
        const clash = hostPorts.some(
          ({ ip, protocol, port }) => port === taken.port && protocol === taken.protocol && (ip === taken.ip || ip === "0.0.0.0" || taken.ip === "0.0.0.0"),
        );
        if (clash) return [{ reason: "node(s) didn't have free ports for the requested pod ports", unresolvable: false }];
      }
    }
    return none;
  },
};
