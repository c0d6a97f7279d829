import { childAbort } from "../base/abort.ts";
import { type Clock, rfc3339Micro, sleep } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { leases } from "../api/generated/resources.ts";
import type { Lease, LeaseSpec } from "../api/generated/types/coordination-v1.ts";
import { hasReason } from "../meta/status-error.ts";
import type { Client } from "./client.ts";
import type { EventRecorder } from "./event-recorder.ts";

export interface LeaderElectionOptions {
  /** The Lease that is fought for. */
  readonly namespace: string;
  readonly name: string;
  /** Unique among the candidates: `node-1_<uuid>`. */
  readonly identity: string;
  /** Others may take over when the holder was silent this long. Default 15. */
  readonly leaseDurationSeconds?: number;
  /** The holder gives up when it could not renew this long; below the lease's duration. Default 10. */
  readonly renewDeadlineSeconds?: number;
  /** Between two tries. Default 2. */
  readonly retryPeriodSeconds?: number;
}

export interface LeaderElectionDeps {
  readonly client: Pick<Client, "get" | "create" | "update">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly recorder?: EventRecorder;
}

/** Someone else may lead now. What led has been stopped. */
export class LeadershipLostError extends Error {
  override readonly name = "LeadershipLostError";

  constructor(lease: string) {
    super(`leader election lost: ${lease}`);
  }
}

/**
 * Waits until it holds the Lease, then runs `lead` and renews. Resolves when `lead` returns or the signal aborts, and
 * gives the Lease up; when the Lease cannot be renewed in time, aborts the signal that `lead` was given, waits for it
 * and rejects with LeadershipLostError. Clocks of candidates need not agree: each times the other's silence by its own.
 * @upstream client-go/tools/leaderelection/leaderelection.go
 */
export async function runLeaderElected(options: LeaderElectionOptions, deps: LeaderElectionDeps, lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
  const candidate = new Candidate(options, deps);
  if (!(await candidate.acquire(signal))) return;
  const leading = childAbort(signal);
  let lost = false;
  const renewing = candidate.renew(leading.signal).then((stillOurs) => {
    lost = !stillOurs;
    leading.abort();
  });
  try {
    await lead(leading.signal);
  } catch (error) {
    // Cut short by us: how it fails then says nothing.
    if (!leading.signal.aborted) throw error;
  } finally {
    leading.abort();
    await renewing;
    leading.dispose();
    if (!lost) await candidate.release();
  }
  if (lost) throw new LeadershipLostError(`${options.namespace}/${options.name}`);
}

class Candidate {
  readonly #options: Required<LeaderElectionOptions>;
  readonly #deps: LeaderElectionDeps;
  /** The Lease as last seen, and when it was first seen so, by our clock. */
  #seen: { readonly lease: Lease; readonly atMs: number } | undefined;

  constructor(options: LeaderElectionOptions, deps: LeaderElectionDeps) {
    this.#options = { leaseDurationSeconds: 15, renewDeadlineSeconds: 10, retryPeriodSeconds: 2, ...options };
    this.#deps = deps;
  }

  /** Whether the Lease is ours; false when the signal aborted first. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    const { clock, random, log, recorder } = this.#deps;
    const { identity, name } = this.#options;
    while (!signal.aborted) {
      if (await this.#try(signal)) {
        log.info("became leader", { lease: name, identity });
        if (this.#seen !== undefined) recorder?.event(this.#seen.lease, "Normal", "LeaderElection", `${identity} became leader`);
        return true;
      }
      await sleep(clock, this.#options.retryPeriodSeconds * 1000 * (1 + 1.2 * random.next()), signal).catch(() => {});
    }
    return false;
  }

  /** True when the signal aborted, false when the Lease was lost. */
  async renew(signal: AbortSignal): Promise<boolean> {
    const { clock, log, recorder } = this.#deps;
    const { identity, name, renewDeadlineSeconds, retryPeriodSeconds } = this.#options;
    let renewedAt = clock.now();
    for (;;) {
      await sleep(clock, retryPeriodSeconds * 1000, signal).catch(() => {});
      if (signal.aborted) return true;
      const deadline = childAbort(signal);
      const cancel = clock.after(renewedAt + renewDeadlineSeconds * 1000 - clock.now(), () => deadline.abort());
      const began = clock.now();
      const renewed = await this.#try(deadline.signal);
      cancel();
      deadline.dispose();
      if (signal.aborted) return true;
      if (renewed) renewedAt = began;
      else if (clock.now() - renewedAt >= renewDeadlineSeconds * 1000) {
        log.error("stopped leading", { lease: name, identity });
        if (this.#seen !== undefined) recorder?.event(this.#seen.lease, "Normal", "LeaderElection", `${identity} stopped leading`);
        return false;
      }
    }
  }

  /** Lets others have it at once. */
  async release(): Promise<void> {
    const { client, clock, log } = this.#deps;
    const { identity, namespace, name } = this.#options;
    try {
      const lease = await client.get(leases, name, { namespace });
      if (lease.spec?.holderIdentity !== identity) return;
      const now = rfc3339Micro(clock.now());
      await client.update(leases, { ...lease, spec: { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: now, acquireTime: now } });
    } catch (error) {
      log.warn("lease not released", { lease: name, error });
    }
  }

  /** Takes or renews the Lease if it is free, run out or ours. */
  async #try(signal: AbortSignal): Promise<boolean> {
    const { client, clock, log } = this.#deps;
    const { identity, namespace, name } = this.#options;
    try {
      const held = this.#seen;
      if (held?.lease.spec?.holderIdentity === identity && this.#isLive(held)) {
        try {
          this.#saw(await client.update(leases, this.#claimed(held.lease), { signal }));
          return true;
        } catch (error) {
          if (!hasReason(error, "Conflict") && !hasReason(error, "NotFound")) throw error;
        }
      }
      const lease = await this.#read(signal);
      if (lease === undefined) {
        this.#saw(await client.create(leases, { metadata: { namespace, name }, spec: this.#spec({}) }, { signal }));
        return true;
      }
      this.#saw(lease);
      const holder = lease.spec?.holderIdentity ?? "";
      if (holder !== "" && holder !== identity && this.#seen !== undefined && this.#isLive(this.#seen)) return false;
      this.#saw(await client.update(leases, this.#claimed(lease), { signal }));
      return true;
    } catch (error) {
      if (!signal.aborted) log.debug("lease not acquired", { lease: name, now: clock.now(), error });
      return false;
    }
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { namespace, name } = this.#options;
    try {
      return await this.#deps.client.get(leases, name, { namespace, signal });
    } catch (error) {
      if (hasReason(error, "NotFound")) return undefined;
      throw error;
    }
  }

  #saw(lease: Lease): void {
    if (this.#seen?.lease.metadata.resourceVersion === lease.metadata.resourceVersion) return;
    this.#seen = { lease, atMs: this.#deps.clock.now() };
  }

  #isLive({ lease, atMs }: { readonly lease: Lease; readonly atMs: number }): boolean {
    return atMs + (lease.spec?.leaseDurationSeconds ?? 0) * 1000 > this.#deps.clock.now();
  }

  #claimed(lease: Lease): Lease {
    return { ...lease, spec: this.#spec(lease.spec ?? {}) };
  }

  #spec(previous: LeaseSpec): LeaseSpec {
    const { identity, leaseDurationSeconds } = this.#options;
    const now = rfc3339Micro(this.#deps.clock.now());
    const ours = previous.holderIdentity === identity;
    return {
      ...previous,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationSeconds),
      renewTime: now,
      acquireTime: ours ? (previous.acquireTime ?? now) : now,
      // A Lease made new begins at 0; each change of hands counts one.
      leaseTransitions: ours || previous.holderIdentity === undefined ? (previous.leaseTransitions ?? 0) : (previous.leaseTransitions ?? 0) + 1,
    };
  }
}
