import { ageColumn, nameColumn } from "../columns.ts";
import type { Pod } from "../generated/types/core-v1.ts";
import type { Column } from "../kind.ts";
import { textColumn } from "../workload-columns.ts";
import { type PodSummary, restartsText, summarizePod } from "./pod-status-text.ts";

// PERF: three cells of one row come from the same walk over the statuses.
const summaries = new WeakMap<Pod, PodSummary>();

function summary(pod: Pod): PodSummary {
  const known = summaries.get(pod);
  if (known !== undefined) return known;
  const made = summarizePod(pod);
  if (Object.isFrozen(pod)) summaries.set(pod, made);
  return made;
}

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  {
    name: "Ready",
    type: "string",
    value: (pod) => {
      const { ready, total } = summary(pod);
      return `${ready}/${total}`;
    },
  },
  { name: "Status", type: "string", value: (pod) => summary(pod).status },
  { name: "Restarts", type: "string", value: (pod, { nowMs }) => restartsText(summary(pod), nowMs) },
  ageColumn,
  textColumn("IP", ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP, 1),
  textColumn("Node", ({ spec }) => spec.nodeName, 1),
  textColumn("Nominated Node", ({ status }) => status?.nominatedNodeName, 1),
  textColumn("Readiness Gates", readinessGates, 1),
];

/** `1/2`: how many of the gates' conditions hold. */
function readinessGates({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? [];
  const open = gates.filter(({ conditionType }) => status?.conditions?.find(({ type }) => type === conditionType)?.status === "True");
  return gates.length === 0 ? "" : `${open.length}/${gates.length}`;
}
