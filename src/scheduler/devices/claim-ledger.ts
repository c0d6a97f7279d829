import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { EXTENDED_RESOURCE_CLAIM } from "../../api/resource/pod-claims.ts";
import { controllerOf, keyOf } from "../../meta/object.ts";
import { AllocatedDevices, type AllocatedState } from "./allocated-state.ts";

/** What is known of one claim, by its UID. */
interface Entry {
  /** As the watch has it. */
  seen: ResourceClaim | undefined;
  /** What we wrote, until the watch has it too. */
  written: ResourceClaim | undefined;
  /** What we are about to write. */
  pending: ResourceClaim | undefined;
  counted: ResourceClaim | undefined;
}

/**
 * The claims as they are or will be once our writes have come back, and what they hold of devices. Both are kept current
 * claim by claim: nothing is counted anew for a pod. @upstream pkg/scheduler/framework/plugins/dynamicresources/dra_manager.go
 */
export class ClaimLedger {
  readonly #devices = new AllocatedDevices();
  readonly #entries = new Map<string, Entry>();
  readonly #uids = new Map<string, string>();
  /** Claims made for pods' extended resources, by the pod's UID. */
  readonly #extended = new Map<string, string>();
  readonly #waiting = new Set<() => void>();

  get allocated(): AllocatedState {
    return this.#devices;
  }

  /** By `namespace/name`. */
  get(key: string): ResourceClaim | undefined {
    const entry = this.#entries.get(this.#uids.get(key) ?? "");
    return entry?.written ?? entry?.seen;
  }

  /** The claim that was made for a pod's extended resources earlier. */
  extendedOf({ metadata }: Pod): ResourceClaim | undefined {
    const entry = this.#entries.get(this.#extended.get(metadata.uid ?? "") ?? "");
    return entry?.written ?? entry?.seen;
  }

  /** Whether devices were found for it that are not written down yet. */
  isPending(uid: string | undefined): boolean {
    return this.#entries.get(uid ?? "")?.pending !== undefined;
  }

  /** Counts the claim, which has devices now, although nobody else knows yet. */
  reserve(claim: ResourceClaim): void {
    const entry = this.#entry(claim.metadata.uid ?? "");
    entry.pending = claim;
    this.#recount(claim.metadata.uid ?? "", entry);
  }

  /** The end of a reservation: `written` is what became of the claim, if anything. */
  settle(uid: string | undefined, written?: ResourceClaim): void {
    const entry = this.#entries.get(uid ?? "");
    if (entry !== undefined) entry.pending = undefined;
    if (written !== undefined) this.#wrote(written);
    if (entry !== undefined) this.#recount(uid ?? "", entry);
  }

  /** What the watch says. Undefined `next`: the claim is gone. */
  observed(previous: ResourceClaim | undefined, next: ResourceClaim | undefined): void {
    const gone = next === undefined || previous === undefined || previous.metadata.uid === next.metadata.uid ? undefined : previous;
    if (gone !== undefined) this.#forget(gone);
    if (next === undefined) {
      if (previous !== undefined) this.#forget(previous);
    } else {
      const uid = next.metadata.uid ?? "";
      const entry = this.#entry(uid);
      entry.seen = next;
      if (entry.written !== undefined && !isNewer(entry.written, next)) entry.written = undefined;
      this.#name(next);
      this.#recount(uid, entry);
    }
    for (const look of this.#waiting) look();
  }

  /** Calls `look` after every change of a claim until the returned function is called. */
  onChange(look: () => void): () => void {
    this.#waiting.add(look);
    return () => this.#waiting.delete(look);
  }

  #wrote(claim: ResourceClaim): void {
    const uid = claim.metadata.uid ?? "";
    const entry = this.#entry(uid);
    if (entry.seen !== undefined && !isNewer(claim, entry.seen)) return;
    entry.written = claim;
    this.#name(claim);
    this.#recount(uid, entry);
  }

  #forget(claim: ResourceClaim): void {
    const uid = claim.metadata.uid ?? "";
    const key = keyOf(claim);
    if (this.#uids.get(key) === uid) this.#uids.delete(key);
    const owner = controllerOf(claim)?.uid ?? "";
    if (this.#extended.get(owner) === uid) this.#extended.delete(owner);
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    entry.seen = undefined;
    entry.written = undefined;
    this.#recount(uid, entry);
  }

  #name(claim: ResourceClaim): void {
    const uid = claim.metadata.uid ?? "";
    this.#uids.set(keyOf(claim), uid);
    if (claim.metadata.annotations?.[EXTENDED_RESOURCE_CLAIM] === "true") this.#extended.set(controllerOf(claim)?.uid ?? "", uid);
  }

  #entry(uid: string): Entry {
    let entry = this.#entries.get(uid);
    if (entry === undefined) {
      entry = { seen: undefined, written: undefined, pending: undefined, counted: undefined };
      this.#entries.set(uid, entry);
    }
    return entry;
  }

  #recount(uid: string, entry: Entry): void {
    const current = entry.pending ?? entry.written ?? entry.seen;
    if (current !== entry.counted) {
      if (entry.counted !== undefined) this.#devices.remove(entry.counted);
      if (current !== undefined) this.#devices.add(current);
      entry.counted = current;
    }
    if (current === undefined) this.#entries.delete(uid);
  }
}

/** Versions are one rising sequence. @upstream assumecache, which compares them as numbers too */
function isNewer(a: ResourceClaim, b: ResourceClaim): boolean {
  return Number(a.metadata.resourceVersion ?? 0) > Number(b.metadata.resourceVersion ?? 0);
}
