import { pods } from "../../api/generated/resources.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { type Clock, rfc3339 } from "../../base/clock.ts";
import type { Client } from "../../client/client.ts";
import type { EventRecorder } from "../../client/event-recorder.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { PodInfo } from "../cluster/pod-info.ts";
import type { Candidate } from "./candidate.ts";

export interface EvictionDeps {
  readonly client: Pick<Client, "patch" | "delete">;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
}

/** Victims that are ended at once. */
const AT_ONCE = 16;

/** Ends the victims, each with a condition and an event that say for whom. Rejects when one could not be ended. @upstream preemption/executor.go */
export async function evictVictims({ victims, node }: Candidate, preemptor: PodInfo, deps: EvictionDeps): Promise<void> {
  const left = victims.filter(({ isTerminating }) => !isTerminating);
  const worker = async (): Promise<void> => {
    for (let victim = left.shift(); victim !== undefined; victim = left.shift()) await evict(victim.pod, preemptor.pod, node, deps);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, left.length) }, worker));
}

async function evict(victim: Pod, preemptor: Pod, node: string, { client, recorder, clock }: EvictionDeps): Promise<void> {
  const { namespace = "", name = "", uid, generation } = victim.metadata;
  const condition = {
    type: "DisruptionTarget",
    status: "True",
    reason: "PreemptionByScheduler",
    message: `${preemptor.spec.schedulerName ?? "default-scheduler"}: preempting to accommodate a higher priority pod`,
    lastTransitionTime: rfc3339(clock.now()),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  try {
    await client.patch(pods, name, { type: "strategic", value: { metadata: { uid }, status: { conditions: [condition] } } }, { namespace, subresource: "status" });
    await client.delete(pods, name, { namespace, ...(uid === undefined ? {} : { preconditions: { uid } }) });
  } catch (error) {
    // Gone already, or another pod by now: the room is there.
    if (hasReason(error, "NotFound") || hasReason(error, "Conflict")) return;
    throw error;
  }
  recorder.event(victim, "Normal", "Preempted", `Preempted by pod ${preemptor.metadata.uid ?? ""} on node ${node}`);
}
