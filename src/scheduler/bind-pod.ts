import { pods } from "../api/generated/resources.ts";
import type { Binding } from "../api/generated/types/core-v1.ts";
import { type Clock, sleep } from "../base/clock.ts";
import type { Client } from "../client/client.ts";
import { StatusError } from "../meta/status-error.ts";
import type { PodInfo } from "./cluster/pod-info.ts";
import type { Reserved } from "./cycle.ts";
import type { Slots } from "./slots.ts";

export interface BindDeps {
  readonly client: Pick<Client, "createSubresource" | "get">;
  readonly slots: Slots;
  readonly clock: Clock;
  /** What is to be waited for first. Does not reject. */
  readonly after?: Promise<unknown> | undefined;
  /** Says where the pod will be, when what was reserved takes its time. @upstream NominatedNodeNameForExpectation */
  announce?(): Promise<void>;
  /** Binds it in another way; false: nobody did. */
  readonly bindOtherwise?: ((binding: Binding) => Promise<boolean>) | undefined;
}

/** Does what plug-ins reserved, then gives the pod to the node. Rejects with upstream's words for what failed. @upstream schedule_one.go bindingCycle */
export async function bindPod(pod: PodInfo, node: string, reservations: readonly Reserved[], signal: AbortSignal, deps: BindDeps): Promise<void> {
  if (reservations.length > 0) await deps.announce?.();
  for (const { plugin, reservation } of reservations) {
    try {
      await reservation.commit(signal);
    } catch (error) {
      throw new Error(`running PreBind plugin "${plugin}": ${textOf(error)}`, { cause: error });
    }
  }
  if (deps.after !== undefined) await deps.after;
  const { namespace = "", name = "", uid } = pod.pod.metadata;
  const metadata = uid === undefined ? { name, namespace } : { name, namespace, uid };
  const binding: Binding = { apiVersion: "v1", kind: "Binding", metadata, target: { kind: "Node", name: node } };
  // PERF: hardly any pod has to wait for anything here, and each wait is a promise more.
  if (!deps.slots.tryAcquire()) await deps.slots.acquire();
  try {
    if (deps.bindOtherwise === undefined || !(await deps.bindOtherwise(binding))) await deps.client.createSubresource(pods, name, "binding", binding, { namespace });
  } catch (error) {
    if (isUncertain(error) && (await isBound(pod, node, signal, deps))) return;
    throw new Error(`running Bind plugin "DefaultBinder": ${textOf(error)}`, { cause: error });
  } finally {
    deps.slots.release();
  }
}

/** Whether what was asked for may have been done all the same. */
function isUncertain(error: unknown): boolean {
  return !(error instanceof StatusError) || error.code >= 500;
}

/** Looks that often, the room being kept meanwhile: a server that loses answers may be away for a while. */
const LOOKS = 10;
const LOOK_AGAIN_MS = 1_000;

/** Whether the pod has that node though nobody said so: then its room there is taken, and must not be given to others. */
async function isBound({ pod: { metadata } }: PodInfo, node: string, signal: AbortSignal, { client, clock }: Pick<BindDeps, "client" | "clock">): Promise<boolean> {
  for (let look = 1; ; look += 1) {
    try {
      const now = await client.get(pods, metadata.name ?? "", { namespace: metadata.namespace ?? "" });
      return now.metadata.uid === metadata.uid && now.spec.nodeName === node;
    } catch (error) {
      if (!isUncertain(error) || look >= LOOKS || signal.aborted) return false;
      await sleep(clock, LOOK_AGAIN_MS, signal);
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
