import type { Service } from "../../api/generated/types/core-v1.ts";
import type { IPAddress } from "../../api/generated/types/networking-v1.ts";
import { type Clock, sleep } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Metrics } from "../../base/metrics.ts";
import type { Random } from "../../base/random.ts";
import { formatIp, parseIp } from "../../meta/ip.ts";
import { ConflictError, type Op, type Store } from "../../store/contract.ts";
import { addressClaims, addressesOf, claimAddress, claimPort, managedBy, nodePortsOf, portClaims } from "../admission/service-claims.ts";
import type { StateCache } from "../cache/state-cache.ts";

export interface RepairDeps {
  readonly store: Store;
  readonly cache: StateCache;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

const SERVICES = "/registry/services/specs/";
const PERIOD_MS = 180_000;

/** Once at the start and every three minutes, until the signal aborts. @upstream pkg/registry/core/service/{ipallocator,portallocator}/controller/repair.go */
export async function repairServiceClaims(deps: RepairDeps, signal: AbortSignal): Promise<void> {
  const failures = deps.metrics.counter("apiserver_clusterip_repair_reconcile_errors_total", "Repairs of services' claims that failed");
  while (!signal.aborted) {
    try {
      for (const op of repairs(deps)) {
        if (signal.aborted) return;
        deps.log.warn(op.type === "put" ? "a service's claim was missing" : "a claim of no service is dropped", { key: op.key });
        // Each alone: what somebody changed meanwhile is looked at again the next time.
        await deps.store.commit([op]).catch((error: unknown) => {
          if (!(error instanceof ConflictError)) throw error;
        });
      }
    } catch (error) {
      if (signal.aborted) return;
      failures.inc();
      deps.log.error("services' claims cannot be repaired", { error });
    }
    await sleep(deps.clock, PERIOD_MS, signal).catch(() => {});
  }
}

/** What would bring claims and services into step, under the condition that nothing has changed since the cache saw it. */
export function repairs({ cache, clock, random }: Pick<RepairDeps, "cache" | "clock" | "random">): readonly Op[] {
  const addresses = cache.resource(addressClaims);
  const ports = cache.resource(portClaims);
  const heldAddresses = new Set<string>();
  const heldPorts = new Set<string>();
  const ops: Op[] = [];
  for (const [, entry] of cache.resource(SERVICES).range(SERVICES)) {
    const service = entry.object as Service;
    const { namespace = "", name = "" } = service.metadata;
    for (const text of addressesOf(service)) {
      const parsed = parseIp(text);
      if (parsed === undefined) continue;
      const ip = formatIp(parsed);
      const isHeld = heldAddresses.has(ip);
      heldAddresses.add(ip);
      if (!isHeld && addresses.get(addressClaims + ip) === undefined) ops.push(claimAddress(ip, { namespace, name }, { clock, random }));
    }
    for (const port of nodePortsOf(service)) {
      const isHeld = heldPorts.has(String(port));
      heldPorts.add(String(port));
      if (!isHeld && ports.get(portClaims + String(port)) === undefined) ops.push(claimPort(port));
    }
  }
  for (const [key, entry] of addresses.range(addressClaims)) {
    const { metadata, spec } = entry.object as IPAddress;
    // Addresses that others manage are theirs.
    if (metadata.labels?.[managedBy.label] !== managedBy.us || heldAddresses.has(metadata.name ?? "") || spec.parentRef.resource !== "services") continue;
    ops.push({ type: "delete", key, if: { revision: entry.revision } });
  }
  for (const [key, entry] of ports.range(portClaims)) if (!heldPorts.has(key.slice(portClaims.length))) ops.push({ type: "delete", key, if: { revision: entry.revision } });
  return ops;
}
