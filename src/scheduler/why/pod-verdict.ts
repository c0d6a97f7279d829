import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { NodeVerdict, PodVerdictStatus, Suggestion, VerdictReason } from "../../api/insight/pod-verdict.ts";
import { invariant } from "../../base/invariant.ts";
import type { Rejection } from "../plugin.ts";
import { type Diagnosis, diagnosisText, NO_NODES, type Verdict } from "../verdict.ts";
import { quantityText } from "./amounts.ts";

const MAX_VERDICTS = 500;

/** What is said of a pod that no node takes. */
export function waitingStatus(pod: Pod, diagnosis: Diagnosis, suggestion: Suggestion | undefined): PodVerdictStatus {
  const shown = diagnosis.verdicts.slice(0, MAX_VERDICTS).map(nodeVerdict);
  const omitted = diagnosis.verdicts.length - shown.length;
  const told = pod.status?.conditions?.find(({ type, status }) => type === "PodScheduled" && status === "False")?.message;
  return {
    phase: "Waiting",
    message: told ?? (diagnosis.total === 0 ? NO_NODES : diagnosisText(diagnosis)),
    nodes: diagnosis.total,
    ...(shown.length === 0 ? {} : { verdicts: shown }),
    ...(omitted === 0 ? {} : { omitted }),
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}

function nodeVerdict({ node, plugin, rejections }: Verdict): NodeVerdict {
  return { node, plugin, reasons: rejections.map(reasonOf) };
}

function reasonOf({ reason, detail, lack }: Rejection): VerdictReason {
  return {
    reason,
    ...(detail === undefined ? {} : { detail }),
    ...(lack === undefined
      ? {}
      : {
          resource: lack.resource,
          requested: quantityText(lack.resource, lack.requested),
          free: quantityText(lack.resource, lack.free),
          lacking: quantityText(lack.resource, lack.requested - lack.free),
        }),
  };
}

/** What keeps a pod from all nodes alike is about something other than a node. */
export function refusalSuggestion(refusal: string): Suggestion | undefined {
  const missing = /^persistentvolumeclaim "(.+)" not found$/.exec(refusal)?.[1];
  if (missing !== undefined) return { changes: [`create the PersistentVolumeClaim ${missing} in the pod's namespace`] };
  const deleted = /^persistentvolumeclaim "(.+)" is being deleted$/.exec(refusal)?.[1];
  if (deleted !== undefined) return { changes: [`let the PersistentVolumeClaim ${deleted} go and create it anew`] };
  if (refusal.includes("unbound immediate PersistentVolumeClaims")) return { changes: ["bind the pod's PersistentVolumeClaims: `keles why pvc/NAME` says what each waits for"] };
  return undefined;
}

/** A pod about which there is nothing to work out; undefined when there is. */
export function plainStatus(pod: Pod, nodes: number, isOurs: (schedulerName: string) => boolean): PodVerdictStatus | undefined {
  const { spec, status } = pod;
  const phase = status?.phase;
  const nodeName = spec.nodeName ?? "";
  if (phase === "Succeeded" || phase === "Failed") return { phase: "Over", message: `the pod has ended: ${phase}`, nodes, ...(nodeName === "" ? {} : { nodeName }) };
  if (nodeName !== "") return { phase: "Scheduled", nodeName, message: `assigned to node ${nodeName}`, nodes };
  const gates = spec.schedulingGates ?? [];
  if (gates.length > 0) {
    const names = gates.map(({ name }) => name);
    return {
      phase: "Gated",
      message: "Scheduling is blocked due to non-empty scheduling gates",
      nodes,
      suggestion: { changes: names.map((name) => `have the scheduling gate ${name} taken off by whoever set it`) },
    };
  }
  const { schedulerName = "default-scheduler" } = spec;
  if (!isOurs(schedulerName)) return { phase: "Foreign", message: `the pod waits for the scheduler ${schedulerName}, which is not part of this cluster's own`, nodes };
  invariant(nodeName === "", "a pod without a node");
  return undefined;
}
