import type { Kubelet } from "../../kubelet/kubelet.ts";

/** What this server needs of a kubelet. */
export type ServedKubelet = Pick<
  Kubelet,
  "nodeName" | "runtime" | "pods" | "podByName" | "containerId" | "sandboxId" | "containerLogs" | "statsSummary" | "configuration" | "probeMetrics"
>;
