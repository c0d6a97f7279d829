import { pods } from "../../api/generated/resources.ts";
import type { Pod, PodCondition } from "../../api/generated/types/core-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import type { Client } from "../../client/client.ts";
import { hasReason } from "../../meta/status-error.ts";
import { findCondition, withoutCondition } from "../conditions.ts";
import { isPodTerminal } from "./pod-state.ts";

/** The pod's conditions with a DisruptionTarget that says who ends it and why. */
export function withDisruption(pod: Pod, reason: string, message: string, nowMs: number): readonly PodCondition[] {
  const old = findCondition(pod.status?.conditions, "DisruptionTarget");
  if (old !== undefined && old.status === "True" && old.reason === reason && old.message === message) return pod.status?.conditions ?? [];
  const lastTransitionTime = old?.status === "True" ? old.lastTransitionTime : rfc3339(nowMs);
  const { generation } = pod.metadata;
  const condition = { type: "DisruptionTarget", status: "True", reason, message, lastTransitionTime, ...(generation === undefined ? {} : { observedGeneration: generation }) };
  return [...withoutCondition(pod.status?.conditions, "DisruptionTarget"), condition];
}

/** Writes the condition, and Failed when told so, before the pod is deleted: whoever counts pods then knows why. Gone pods are no failure. */
export async function disruptAndDelete(
  pod: Pod,
  how: { readonly reason?: string; readonly message?: string; readonly fail?: boolean; readonly gracePeriodSeconds?: number },
  deps: { readonly client: Client; readonly nowMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const { client, nowMs, signal } = deps;
  const place = { namespace: pod.metadata.namespace, signal };
  const name = pod.metadata.name ?? "";
  const fail = how.fail === true && !isPodTerminal(pod);
  try {
    if (how.reason !== undefined || fail) {
      const conditions = how.reason === undefined ? undefined : withDisruption(pod, how.reason, how.message ?? "", nowMs);
      const status = { ...(conditions === undefined ? {} : { conditions }), ...(fail ? { phase: "Failed" } : {}) };
      await client.patch(pods, name, { type: "strategic", value: { metadata: { uid: pod.metadata.uid }, status } }, { ...place, subresource: "status" });
    }
    const { gracePeriodSeconds } = how;
    await client.delete(pods, name, { ...place, preconditions: { uid: pod.metadata.uid ?? "" }, ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }) });
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}
