import type { Node } from "../../api/generated/types/core-v1.ts";
import { leases } from "../../api/generated/resources.ts";
import type { Lease } from "../../api/generated/types/coordination-v1.ts";
import { rfc3339Micro, sleep, type Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Client, NewObject } from "../../client/client.ts";
import { hasReason } from "../../meta/status-error.ts";

export interface NodeLeaseDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** The registered node, which owns the lease. */
  node(): Node | undefined;
}

const namespace = "kube-node-lease";
const durationSeconds = 40;
const renewMs = 10_000;
const firstRetryMs = 200;
const longestRetryMs = 7000;

/** The node's heartbeat: one small object renewed every quarter of its duration. @upstream staging/src/k8s.io/component-helpers/apimachinery/lease/controller.go */
export class NodeLease {
  readonly #nodeName: string;
  readonly #deps: NodeLeaseDeps;
  #lease: Lease | undefined;

  constructor(options: { readonly nodeName: string }, deps: NodeLeaseDeps) {
    this.#nodeName = options.nodeName;
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    let retryMs = firstRetryMs;
    while (!signal.aborted) {
      let waitMs = renewMs;
      try {
        this.#lease = await this.#renew(signal);
        retryMs = firstRetryMs;
      } catch (error) {
        if (signal.aborted) return;
        this.#lease = undefined;
        this.#deps.log.warn("node lease is not renewed", { error });
        waitMs = retryMs;
        retryMs = Math.min(retryMs * 2, longestRetryMs);
      }
      await sleep(this.#deps.clock, waitMs, signal).catch(() => {});
    }
  }

  async #renew(signal: AbortSignal): Promise<Lease> {
    const { client, clock } = this.#deps;
    const renewTime = rfc3339Micro(clock.now());
    const spec = { holderIdentity: this.#nodeName, leaseDurationSeconds: durationSeconds, renewTime };
    const known = this.#lease ?? (await this.#get(signal));
    if (known === undefined) {
      const fresh: NewObject<Lease> = { metadata: { name: this.#nodeName, namespace, ...this.#owner() }, spec };
      return client.create(leases, fresh, { namespace, signal });
    }
    const metadata = known.metadata.ownerReferences === undefined ? { ...known.metadata, ...this.#owner() } : known.metadata;
    return client.update(leases, { ...known, metadata, spec: { ...known.spec, ...spec } }, { namespace, signal });
  }

  async #get(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.#deps.client.get(leases, this.#nodeName, { namespace, signal });
    } catch (error) {
      if (hasReason(error, "NotFound")) return undefined;
      throw error;
    }
  }

  #owner(): { readonly ownerReferences?: NonNullable<Lease["metadata"]["ownerReferences"]> } {
    const uid = this.#deps.node()?.metadata.uid;
    return uid === undefined ? {} : { ownerReferences: [{ apiVersion: "v1", kind: "Node", name: this.#nodeName, uid }] };
  }
}
