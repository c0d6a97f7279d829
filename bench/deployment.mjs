import { readFileSync, readdirSync } from "node:fs";
import { processorMs } from "./machine.mjs";

const PATH = "/apis/apps/v1/namespaces/default/deployments";

/**
 * A Deployment of many pods on simulated nodes, several times: on a new server, whose code is not warm yet, and again.
 * Yields the rows of each time.
 */
export async function* measureDeployments(cluster, { pods = 1_000 }) {
  const state = watchPods(cluster, "app=many");
  for (const when of ["new server", "second time", "third time"]) {
    yield measureDeployment(cluster, state, { pods, when });
    // What follows the last pod's end is none of the next time's.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
}

/** Until all pods exist, are scheduled and are ready, and after the deletion until none is left. */
async function measureDeployment(cluster, state, { pods, when }) {
  const labels = { app: "many" };
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: "c", image: "keles.dev/demo:v1" }] } };
  const rows = [];
  let last = spent(cluster);
  const row = (name, startedMs) => {
    const now = spent(cluster);
    const ms = state.changedMs - startedMs;
    rows.push({
      name,
      value: `${(ms / 1000).toFixed(2)} s`,
      note: `${Math.round(pods / (ms / 1000))} pods/s; processor ms meanwhile: control plane ${now.plane - last.plane}, agent ${now.agent - last.agent}`,
    });
    last = now;
  };
  const created = performance.now();
  await cluster.api("POST", PATH, { metadata: { name: "many" }, spec: { replicas: pods, selector: { matchLabels: labels }, template } });
  await state.until(({ known }) => known.size === pods);
  row(`Deployment of ${pods} pods on 100 nodes, ${when}: all created`, created);
  await state.until(({ scheduled }) => scheduled === pods);
  row("… all scheduled", created);
  await state.until(({ ready }) => ready === pods);
  row("… all ready", created);
  // What follows the last pod's readiness is none of the deletion's.
  while ((await cluster.api("GET", `${PATH}/many`)).status.readyReplicas !== pods) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  last = spent(cluster);
  const deleted = performance.now();
  await cluster.api("DELETE", `${PATH}/many`);
  await state.until(({ known }) => known.size === 0);
  row("… deleted, all pods collected", deleted);
  return rows;
}

/** How many pods with a label there are, are scheduled and are ready, as a watch tells it; it ends with the cluster. */
function watchPods(cluster, selector) {
  const query = `labelSelector=${encodeURIComponent(selector)}`;
  const events = cluster.watch(`/api/v1/namespaces/default/pods?watch=true&${query}`);
  const state = { known: new Map(), scheduled: 0, ready: 0, changedMs: 0 };
  let look = () => {};
  const count = (uid, next) => {
    const before = state.known.get(uid);
    state.scheduled += Number(next?.scheduled === true) - Number(before?.scheduled === true);
    state.ready += Number(next?.ready === true) - Number(before?.ready === true);
    if (next === undefined) state.known.delete(uid);
    else state.known.set(uid, next);
    state.changedMs = performance.now();
    look();
  };
  const reading = (async () => {
    for await (const { type, object } of events) {
      if (type === "DELETED") count(object.metadata.uid, undefined);
      else if (type !== "BOOKMARK")
        count(object.metadata.uid, {
          scheduled: object.spec.nodeName !== undefined,
          ready: object.status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") === true,
        });
    }
  })();
  reading.catch(() => {});
  return {
    get changedMs() {
      return state.changedMs;
    },
    until: (holds) =>
      new Promise((resolve) => {
        look = () => {
          if (holds(state)) resolve();
        };
        look();
      }),
  };
}

/** Processor time so far of the server and of its child, the agent. */
function spent({ pid }) {
  return { plane: processorMs(pid) ?? 0, agent: childrenOf(pid).reduce((sum, child) => sum + (processorMs(child) ?? 0), 0) };
}

function childrenOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")
        .split(" ")
        .filter((id) => id !== "")
        .map(Number),
    );
  } catch {
    return [];
  }
}
