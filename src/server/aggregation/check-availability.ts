import type { Clock } from "../../base/clock.ts";
import type { PeerClient } from "../../platform/peer-client.ts";
import { discoveryPathOf, type RemoteApiService, trustOf } from "./api-services.ts";
import { askPeer, urlOf } from "./ask-peer.ts";
import { dropBody } from "./bounded-body.ts";
import { type Finding, missingService } from "./check-service.ts";
import type { ServiceResolver } from "./resolve-service.ts";

/** So many are asked at once, since a service may have endpoints of which some are down; one good answer is enough. */
const ATTEMPTS = 5;
const WITHIN_MS = 5_000;

export interface AvailabilityDeps {
  readonly services: ServiceResolver;
  readonly peers: PeerClient;
  readonly clock: Clock;
}

/**
 * Whether the server of an APIService answers for its group version. Its certificate is not looked at: a wrong one shows
 * in the requests themselves. @upstream kube-aggregator/pkg/controllers/status/remote/remote_available_controller.go sync
 */
export async function checkAvailability(remote: RemoteApiService, deps: AvailabilityDeps, signal: AbortSignal): Promise<Finding> {
  const missing = missingService(remote, deps.services);
  if (missing !== undefined) return missing;
  const enough = new AbortController();
  const attempts = Array.from({ length: ATTEMPTS }, () => attempt(remote, deps, AbortSignal.any([signal, enough.signal])));
  try {
    await Promise.any(attempts);
  } catch (error) {
    signal.throwIfAborted();
    const errors: readonly unknown[] = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [error];
    const last = errors[errors.length - 1];
    return { status: "False", reason: "FailedDiscoveryCheck", message: last instanceof Error ? last.message : String(last) };
  } finally {
    enough.abort();
  }
  return { status: "True", reason: "Passed", message: "all checks passed" };
}

async function attempt(remote: RemoteApiService, { services, peers, clock }: AvailabilityDeps, signal: AbortSignal): Promise<void> {
  const location = services.resolve(remote.place);
  const path = discoveryPathOf(remote);
  const url = urlOf(location, path);
  const trust = { ...trustOf(remote), verify: false };
  const status = await askPeer(
    { location, trust, path, withinMs: WITHIN_MS },
    async (answer) => {
      await dropBody(answer);
      return answer.status;
    },
    { peers, clock, signal },
  ).catch((error: unknown) => {
    throw new Error(`failing or missing response from ${url}: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (status < 200 || status >= 300) throw new Error(`failing or missing response from ${url}: bad status from ${url}: ${status}`);
}
