import { otherKinds } from "../../src/api/other-kinds.ts";
import { workloadKinds } from "../../src/api/workload-kinds.ts";
import { aborted } from "../../src/base/abort.ts";
import type { Clock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { noMetrics } from "../../src/base/metrics.ts";
import { seededRandom } from "../../src/base/random.ts";
import { namespaces } from "../../src/api/generated/resources.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import type { UserInfo } from "../../src/meta/wire.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import { nodeWebhookClient } from "../../src/platform/node/webhook-client.ts";
import type { WebhookClient } from "../../src/platform/webhook-client.ts";
import { ServiceResolver } from "../../src/server/aggregation/resolve-service.ts";
import { configuredAdmission } from "../../src/server/admission/configured-admission.ts";
import { namespaceLifecycle } from "../../src/server/admission/namespace-lifecycle.ts";
import { definitionSchemas } from "../../src/server/crd/definition-admission.ts";
import { terminatingDefinitions } from "../../src/server/crd/terminating-definitions.ts";
import { discoveryPaths } from "../../src/server/discovery/discovery.ts";
import { openApiPaths } from "../../src/server/openapi/openapi.ts";
import { healthPaths } from "../../src/server/health.ts";
import { scale } from "../../src/server/subresources/scale.ts";
import { ApiServer } from "../../src/server/server.ts";
import type { Store } from "../../src/store/contract.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";

export const admin: UserInfo = { name: "admin", groups: ["system:masters", "system:authenticated"] };

/** A real API server on the memory store that lets everyone do everything, with the namespace `default`. */
export async function serveMemory(
  options: { readonly clock?: Clock; readonly webhooks?: WebhookClient; readonly store?: Store } = {},
): Promise<{ readonly api: ApiServer; stop(): Promise<void> }> {
  const stop = new AbortController();
  const store = options.store ?? new MemoryStore();
  const deps = { store, clock: options.clock ?? systemClock, random: seededRandom(7), log: silentLogger, metrics: noMetrics };
  const authorizer = { authorize: () => ({ verdict: "allow", reason: "" }) as const };
  const api = new ApiServer({ kinds: [...workloadKinds, ...otherKinds], conversions: [] }, deps, (parts) => ({
    authenticators: [{ authenticate: () => admin }],
    authorizer,
    plugins: [
      namespaceLifecycle(parts.cache),
      definitionSchemas,
      terminatingDefinitions(parts.cache),
      ...configuredAdmission({ ...parts, authorizer, services: new ServiceResolver(parts), webhooks: options.webhooks ?? nodeWebhookClient }),
    ],
    special: new Map([["*/scale", scale]]),
    paths: [discoveryPaths(parts.table), openApiPaths({ version: "v1.36.0" }, parts), healthPaths([{ name: "ping", on: ["healthz", "livez", "readyz"], check: () => undefined }])],
  }));
  await api.load();
  const running = api.run(stop.signal);
  await inProcessClient(api.handle, admin).create(namespaces, { metadata: { name: "default" } });
  return {
    api,
    async stop() {
      stop.abort();
      await Promise.all([running, aborted(stop.signal)]);
      await store.close();
    },
  };
}
