import { connectedLoad, load } from "./cluster.mjs";
import { processorMs } from "./machine.mjs";

const PODS = "/api/v1/namespaces/default/pods";
const zones = ["a", "b", "c"];
const resources = (cpu) => ({ requests: { cpu, memory: "100Mi" } });
const spec = (more = {}, cpu = "100m") => ({
  containers: [{ name: "main", image: "web:1", resources: resources(cpu) }],
  terminationGracePeriodSeconds: 0,
  tolerations: [{ operator: "Exists" }],
  ...more,
});
const near = (topologyKey) => [{ topologyKey, labelSelector: { matchLabels: { app: "{app}" } } }];
const isReady = [{ type: "Ready", status: "True", reason: "KubeletReady", message: "", lastHeartbeatTime: null, lastTransitionTime: null }];

/** What pods ask for, beyond a little processor and memory. */
export const shapes = {
  plain: spec(),
  spread: spec({
    topologySpreadConstraints: [{ maxSkew: 5, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: { app: "{app}" } } }],
  }),
  affinity: spec({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near("topology.kubernetes.io/zone") } } }),
  "anti-affinity": spec({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near("kubernetes.io/hostname") } } }),
};

/** Node objects with nobody behind them: 4 processors, in three zones. Resolves when they take pods. */
async function makeNodes(cluster, target, count) {
  const capacity = { cpu: "4", memory: "32Gi", pods: "110" };
  for (const [index, zone] of zones.entries()) {
    const share = Math.floor((count + zones.length - 1 - index) / zones.length);
    const name = `${zone}{n}`;
    const labels = { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone };
    const node = { apiVersion: "v1", kind: "Node", metadata: { name, labels }, status: { capacity, allocatable: capacity, conditions: isReady } };
    await load({ ...target, requests: share, method: "POST", path: "/api/v1/nodes", body: JSON.stringify(node) });
  }
  for (;;) {
    const { items } = await cluster.api("GET", "/api/v1/nodes?resourceVersion=0");
    if (items.length === count && items.every(({ spec: { taints } }) => taints === undefined)) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** How many pods have been bound since the server began. */
async function boundPods(cluster) {
  const text = await cluster.api("GET", "/metrics");
  return Number(/^scheduler_schedule_attempts_total\{[^}]*result="scheduled"[^}]*\} (\d+)/m.exec(text)?.[1] ?? "0");
}

/** PERF: asks seldom while many are left: an answer costs the server milliseconds. */
async function untilBound(cluster, wanted) {
  const from = performance.now();
  const before = await boundPods(cluster);
  for (let last = before, lastChange = from; ; ) {
    const bound = await boundPods(cluster);
    if (bound >= wanted) return;
    const now = performance.now();
    if (bound !== last) {
      last = bound;
      lastChange = now;
    }
    if (now - lastChange > 60_000) throw new Error(`no pod was bound for a minute; ${wanted - bound} wait`);
    const leftMs = bound === before ? 500 : ((wanted - bound) * (now - from)) / (bound - before);
    await new Promise((resolve) => setTimeout(resolve, Math.min(1_000, Math.max(40, leftMs * 0.8))));
  }
}

/** Creates pods from 64 connections; until the last of them is bound. */
async function schedule(cluster, target, { name, app, body, count }) {
  const before = await boundPods(cluster);
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: `${app}-{n}`, labels: { app } }, spec: body };
  const generator = await connectedLoad({ ...target, requests: count, method: "POST", path: PODS, body: JSON.stringify(pod).replaceAll("{app}", app) });
  const cpu = processorMs(cluster.pid) ?? Number.NaN;
  const from = performance.now();
  const creating = generator.run();
  await untilBound(cluster, before + count);
  const seconds = (performance.now() - from) / 1000;
  const { failures } = await creating;
  const perPod = ((processorMs(cluster.pid) ?? Number.NaN) - cpu) / count;
  const note = `${perPod.toFixed(2)} ms of processor time each${failures.length === 0 ? "" : `, FAILED ${JSON.stringify(failures)}`}`;
  return { name, value: `${Math.round(count / seconds)} pods/s`, note };
}

export const measured = [...Object.keys(shapes), "preemption"];

/**
 * Pods per second from the first create to the last binding, through the API over TLS, each write durable, on Node
 * objects with nobody behind them. `what` is one of `measured`; each needs a cluster of its own, since nodes that
 * nobody reports about count as lost after a while.
 */
export async function measureScheduling(cluster, { nodes, pods, what }) {
  const target = { ...cluster.credentials, port: cluster.apiPort, clients: 64 };
  await makeNodes(cluster, target, nodes);
  // Warm, as a server that has run for a while is.
  await schedule(cluster, target, { name: "", app: "warm", body: shapes.plain, count: 2_000 });
  if (what === "preemption") {
    await cluster.api("DELETE", PODS);
    const makeClass = (name, value) => cluster.api("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", { metadata: { name }, value });
    await makeClass("middle", 500);
    await makeClass("high", 1_000);
    // Every node is full of one pod; each that comes ends one of them.
    await schedule(cluster, target, { name: "", app: "low", body: spec({}, "3"), count: nodes });
    const preempting = (priorityClassName) => ({ app: priorityClassName, body: spec({ priorityClassName }, "3") });
    // Warm here too.
    await schedule(cluster, target, { name: "", ...preempting("middle"), count: Math.min(2_000, nodes / 2) });
    const count = Math.min(pods, nodes / 2, 2_000);
    return schedule(cluster, target, { name: `${count} pods that each end another, ${nodes} full nodes`, ...preempting("high"), count });
  }
  const count = what === "anti-affinity" ? Math.min(pods, nodes) : pods;
  return schedule(cluster, target, { name: `${count} pods (${what}) on ${nodes} nodes`, app: what.replace("-", ""), body: shapes[what], count });
}
