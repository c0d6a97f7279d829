import { generateKeyPairSync } from "node:crypto";
import { bench, describe } from "vitest";
import { namespaces, nodes, pods, serviceAccounts } from "../api/generated/resources.ts";
import type { PodSpec } from "../api/generated/types/core-v1.ts";
import { silentLogger } from "../base/log.ts";
import { noMetrics } from "../base/metrics.ts";
import { seededRandom } from "../base/random.ts";
import { createEventRecorder } from "../client/event-recorder-writer.ts";
import { createInformerFactory } from "../client/informer-factory.ts";
import { inProcessClient } from "../client/in-process-client.ts";
import { nodeTurns } from "../cluster/network-share.ts";
import { serveApi } from "../cluster/serve-api.ts";
import { versionInfo } from "../cluster/version.ts";
import { parseCidr } from "../meta/ip.ts";
import { systemClock as clock } from "../platform/node/clock.ts";
import { nodeSigner } from "../platform/node/signer.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import { Scheduler } from "./scheduler.ts";

// `npx vitest bench src/scheduler`. An iteration schedules 1,000 pods that are there already, through the in-process API
// on the memory store: binding, the watch that shows it, and the event. Results stand in README.md.
const PODS = 1_000;
const ITERATIONS = 4;
const place = { namespace: "default" };
const labels = { app: "web" };
const labelSelector = { matchLabels: labels };
const shapes: Readonly<Record<string, Partial<PodSpec>>> = {
  plain: {},
  "spread over zones": { topologySpreadConstraints: [{ maxSkew: 5, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "DoNotSchedule", labelSelector }] },
  "preferring not to meet": {
    affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector } }] } },
  },
};
const privateKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();

/** A server with so many nodes, and for each shape and iteration the pods of a scheduler of that name. */
async function prepare(nodeCount: number): Promise<(name: string) => Promise<void>> {
  const deps = { clock, random: seededRandom(3), log: silentLogger };
  const serviceCidr = parseCidr("10.96.0.0/16");
  if (serviceCidr === undefined) throw new Error("a range");
  const api = serveApi(
    { serviceCidr, nodePorts: { first: 30_000, last: 32_767 }, clusterCa: "", issuer: "https://x", version: versionInfo, metricsText: () => Promise.resolve("") },
    { ...deps, store: new MemoryStore(), signer: nodeSigner(privateKey), metrics: noMetrics },
  );
  await api.load();
  const { signal } = new AbortController();
  void api.run(signal);
  const client = inProcessClient(api.handle, { name: "admin", groups: ["system:masters"] });
  await client.create(namespaces, { metadata: { name: "default" } });
  await client.create(serviceAccounts, { metadata: { name: "default", ...place } }, place);
  const capacity = { cpu: "32", memory: "64Gi", pods: "110" };
  for (let index = 0; index < nodeCount; index += 1) {
    const name = `node-${index}`;
    const zone = { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": `zone-${index % 3}` };
    const made = await client.create(nodes, { metadata: { name, labels: zone }, spec: {}, status: { capacity, allocatable: capacity } });
    // As the node lifecycle controller does with a node that is ready.
    await client.update(nodes, { ...made, spec: { ...made.spec, taints: [] } });
  }
  for (const [shape, more] of Object.entries(shapes))
    for (let index = 0; index < PODS * ITERATIONS; index += 1) {
      const schedulerName = `${shape} ${Math.floor(index / PODS)}`.replaceAll(" ", "-");
      const containers = [{ name: "main", image: "web:1", resources: { requests: { cpu: "100m", memory: "100Mi" } } }];
      await client.create(pods, { metadata: { name: `${schedulerName}-${index}`, labels, ...place }, spec: { containers, schedulerName, ...more } }, place);
    }
  const informers = createInformerFactory({}, { client, ...deps });
  const podInformer = informers.informer(pods);
  void informers.run(signal);
  return async (schedulerName) => {
    const stop = new AbortController();
    const recorder = createEventRecorder({ client, ...deps, component: schedulerName });
    const scheduler = new Scheduler({ schedulerName }, { client, informers, recorder, ...deps, turns: nodeTurns, metrics: noMetrics });
    await informers.waitForSync(signal);
    let left = PODS;
    const done = new Promise<void>((resolve) => {
      const unsubscribe = podInformer.subscribe({
        updated(previous, { spec }) {
          if (spec.schedulerName !== schedulerName || spec.nodeName === undefined || previous.spec.nodeName !== undefined) return;
          left -= 1;
          if (left > 0) return;
          unsubscribe();
          resolve();
        },
      });
    });
    const running = scheduler.run(stop.signal);
    await done;
    await recorder.flush();
    stop.abort();
    await running;
  };
}

for (const nodeCount of [1_000, 5_000]) {
  const schedule = await prepare(nodeCount);
  describe(`${PODS} pods on ${nodeCount} nodes`, () => {
    for (const shape of Object.keys(shapes)) {
      let iteration = 0;
      bench(
        shape,
        async () => {
          await schedule(`${shape} ${iteration}`.replaceAll(" ", "-"));
          iteration += 1;
        },
        { iterations: ITERATIONS, time: 0, warmupIterations: 0, warmupTime: 0 },
      );
    }
  });
}
