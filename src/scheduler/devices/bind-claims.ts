import { pods, resourceClaims } from "../../api/generated/resources.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { AllocationResult, ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { DELETE_PROTECTION, isReservedFor, unprotected } from "../../api/resource/pod-claims.ts";
import { type Clock, rfc3339 } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Client } from "../../client/client.ts";
import type { EventRecorder } from "../../client/event-recorder.ts";
import { keyOf } from "../../meta/object.ts";
import { hasReason } from "../../meta/status-error.ts";
import { BINDING_TIMEOUT_MS, bindingReadiness, hasBindingConditions, isBindingOverdue } from "./binding-conditions.ts";
import type { ClaimLedger } from "./claim-ledger.ts";
import type { NodeExtendedClaim } from "./extended-claim.ts";

export interface ClaimBinderDeps {
  readonly client: Pick<Client, "create" | "get" | "update" | "patch" | "delete">;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
  readonly claims: ClaimLedger;
  /** Told of each attempt to make a claim. */
  made?(status: "success" | "failure"): void;
}

/** A claim with the devices that were found for it; without, it had them before. */
export interface Reserved {
  claim: ResourceClaim;
  readonly allocation: AllocationResult | undefined;
  /** The claim is to be made first. */
  readonly extended?: NodeExtendedClaim | undefined;
}

const ATTEMPTS = 5;

/** Writes down who has which devices. @upstream dynamicresources.go PreBind, bindClaim */
export class ClaimBinder {
  readonly #deps: ClaimBinderDeps;

  constructor(deps: ClaimBinderDeps) {
    this.#deps = deps;
  }

  /** Counts the devices as given, before anybody else is told. */
  reserve(all: readonly Reserved[]): void {
    for (const { claim, allocation } of all) {
      if (allocation === undefined) continue;
      const { finalizers = [] } = claim.metadata;
      const metadata = finalizers.includes(DELETE_PROTECTION) ? claim.metadata : { ...claim.metadata, finalizers: [...finalizers, DELETE_PROTECTION] };
      this.#deps.claims.reserve({ ...claim, metadata, status: { ...claim.status, allocation } });
    }
  }

  /** Rejects when somebody was faster, or when devices do not get ready. Each claim is replaced by what it became. */
  async commit(all: readonly Reserved[], pod: Pod, nodeName: string, signal: AbortSignal): Promise<void> {
    for (const reserved of all) if (!isReservedFor(pod, reserved.claim)) await this.#bind(reserved, pod, signal);
    if (!all.some(({ claim }) => hasBindingConditions(claim))) return;
    this.#deps.recorder.event(pod, "Normal", "BindingConditionsPending", `waiting for binding conditions for device on node ${nodeName}`);
    await this.#untilReady(all, signal);
  }

  /** Takes back what commit did, as far as it came. Failures are left to the next attempt. */
  async undo(all: readonly Reserved[], pod: Pod): Promise<void> {
    const { claims, client, log } = this.#deps;
    // At once, before anybody looks for devices again.
    for (const { claim, allocation, extended } of all) {
      if (allocation !== undefined) claims.settle(claim.metadata.uid);
      if (extended !== undefined) claims.settle(extended.claim.metadata.uid);
    }
    for (const { claim, extended } of all) {
      try {
        if (extended !== undefined) {
          if (claim !== extended.claim) await deleteClaim(claim, client);
        } else if (isReservedFor(pod, claim)) {
          const value = { metadata: { uid: claim.metadata.uid }, status: { reservedFor: [{ $patch: "delete", uid: pod.metadata.uid }] } };
          await client.patch(resourceClaims, claim.metadata.name ?? "", { type: "strategic", value }, { namespace: claim.metadata.namespace, subresource: "status" });
        }
      } catch (error) {
        log.warn("a claim could not be given back", { claim: keyOf(claim), error });
      }
    }
  }

  async #bind(reserved: Reserved, pod: Pod, signal: AbortSignal): Promise<void> {
    const { claims } = this.#deps;
    const { uid } = reserved.claim.metadata;
    let written: ResourceClaim | undefined;
    try {
      if (reserved.extended !== undefined) reserved.claim = await this.#create(reserved.extended, signal);
      written = await this.#write(reserved, pod, signal);
      reserved.claim = written;
    } finally {
      if (reserved.allocation !== undefined || written !== undefined) claims.settle(uid, written);
    }
    if (reserved.extended !== undefined) await this.#tellPod(reserved.extended, written, pod, signal);
  }

  async #create({ claim }: NodeExtendedClaim, signal: AbortSignal): Promise<ResourceClaim> {
    const { generateName, namespace, annotations, ownerReferences } = claim.metadata;
    try {
      const made = await this.#deps.client.create(resourceClaims, { metadata: { generateName, namespace, annotations, ownerReferences }, spec: claim.spec }, { namespace, signal });
      this.#deps.made?.("success");
      return made;
    } catch (error) {
      this.#deps.made?.("failure");
      throw new Error(`create claim for extended resources ${keyOf(claim)}: ${textOf(error)}`, { cause: error });
    }
  }

  /** Others write to claims as well: a conflict only means to look again. */
  async #write({ claim, allocation }: Reserved, pod: Pod, signal: AbortSignal): Promise<ResourceClaim> {
    const { client } = this.#deps;
    const key = keyOf(claim);
    const place = { namespace: claim.metadata.namespace, signal };
    let current = claim;
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (current.metadata.deletionTimestamp !== undefined) throw new Error(`claim ${key} got deleted in the meantime`);
        if (allocation !== undefined) {
          if (current.status?.allocation !== undefined) throw new Error(`claim ${key} got allocated elsewhere in the meantime`);
          current = await this.#protect(current, signal);
        }
        return await client.update(resourceClaims, this.#reservedBy(current, allocation, pod), { ...place, subresource: "status" });
      } catch (error) {
        if (hasReason(error, "Conflict") && attempt < ATTEMPTS) {
          current = await client.get(resourceClaims, claim.metadata.name ?? "", place);
          continue;
        }
        if (error instanceof Error && error.name === "Error") throw error;
        throw new Error(`${allocation === undefined ? "add reservation" : "add allocation and reservation"} to claim ${key}: ${textOf(error)}`, { cause: error });
      }
    }
  }

  /** What has devices is not to be deleted before they are free again. */
  #protect(claim: ResourceClaim, signal: AbortSignal): Promise<ResourceClaim> {
    const { finalizers = [], namespace } = claim.metadata;
    if (finalizers.includes(DELETE_PROTECTION)) return Promise.resolve(claim);
    return this.#deps.client.update(resourceClaims, { ...claim, metadata: { ...claim.metadata, finalizers: [...finalizers, DELETE_PROTECTION] } }, { namespace, signal });
  }

  #reservedBy(claim: ResourceClaim, allocation: AllocationResult | undefined, { metadata }: Pod): ResourceClaim {
    const { name = "", uid = "" } = metadata;
    const given = allocation ?? claim.status?.allocation ?? {};
    return {
      ...claim,
      status: {
        ...claim.status,
        allocation: given.allocationTimestamp === undefined && allocation !== undefined ? { ...given, allocationTimestamp: rfc3339(this.#deps.clock.now()) } : given,
        reservedFor: [...(claim.status?.reservedFor ?? []), { resource: "pods", name, uid }],
      },
    };
  }

  async #tellPod({ mappings }: NodeExtendedClaim, claim: ResourceClaim, { metadata }: Pod, signal: AbortSignal): Promise<void> {
    const extendedResourceClaimStatus = { resourceClaimName: claim.metadata.name ?? "", requestMappings: mappings };
    const value = { metadata: { uid: metadata.uid }, status: { extendedResourceClaimStatus } };
    try {
      await this.#deps.client.patch(pods, metadata.name ?? "", { type: "strategic", value }, { namespace: metadata.namespace, subresource: "status", signal });
    } catch (error) {
      throw new Error(`update pod ${metadata.namespace ?? ""}/${metadata.name ?? ""} ExtendedResourceClaimStatus: ${textOf(error)}`, { cause: error });
    }
  }

  #untilReady(all: readonly Reserved[], signal: AbortSignal): Promise<void> {
    const { claims, clock } = this.#deps;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        stopLooking();
        cancel();
        signal.removeEventListener("abort", abort);
        act();
      };
      const look = (): void => {
        const state = this.#readiness(all);
        if (state === "ready") settle(resolve);
        else if (state !== "waiting") settle(() => reject(new Error(state.failed)));
      };
      const abort = (): void => settle(() => reject(signal.reason));
      const cancel = clock.after(BINDING_TIMEOUT_MS, () => settle(() => reject(new Error("device binding timeout"))));
      const stopLooking = claims.onChange(look);
      signal.addEventListener("abort", abort, { once: true });
      look();
    });
  }

  #readiness(all: readonly Reserved[]): ReturnType<typeof bindingReadiness> {
    for (const reserved of all) {
      const claim = this.#deps.claims.get(keyOf(reserved.claim));
      if (claim === undefined) return { failed: `could not find ResourceClaim ${JSON.stringify(keyOf(reserved.claim))}` };
      reserved.claim = claim;
      const state = bindingReadiness(claim);
      if (state === "waiting" && isBindingOverdue(claim, this.#deps.clock.now())) return { failed: `claim ${claim.metadata.name ?? ""} binding timeout` };
      if (state !== "ready") return state;
    }
    return "ready";
  }
}

/** Takes the protection off and deletes. */
export async function deleteClaim(claim: ResourceClaim, client: Pick<Client, "get" | "update" | "delete">): Promise<void> {
  const { name = "", namespace } = claim.metadata;
  let current = claim;
  try {
    for (let attempt = 1; (current.metadata.finalizers ?? []).includes(DELETE_PROTECTION); attempt += 1) {
      try {
        current = await client.update(resourceClaims, { ...current, metadata: unprotected(current.metadata) }, { namespace });
      } catch (error) {
        if (!hasReason(error, "Conflict") || attempt >= ATTEMPTS) throw error;
        current = await client.get(resourceClaims, name, { namespace });
      }
    }
    await client.delete(resourceClaims, name, { namespace });
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
