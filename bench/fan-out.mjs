import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { load } from "./cluster.mjs";

const NAMESPACE = "/api/v1/namespaces/fan-out";

/** Every watcher is told of every update: events delivered per second, until the last has the last. */
export async function measureFanOut(cluster, { watchers = 200, updates = 500, writers = 8 }) {
  await cluster.api("POST", "/api/v1/namespaces", { metadata: { name: "fan-out" } });
  const { metadata } = await cluster.api("GET", `${NAMESPACE}/configmaps`);
  const child = fork(fileURLToPath(new URL("watchers.mjs", import.meta.url)));
  const heard = (type) => new Promise((resolve) => child.on("message", (message) => message.type === type && resolve(message)));
  const watching = heard("watching");
  const done = heard("done");
  const path = `${NAMESPACE}/configmaps?watch=true&resourceVersion=${metadata.resourceVersion}`;
  child.send({ ...cluster.credentials, port: cluster.apiPort, watchers, updates, path });
  await watching;
  const started = performance.now();
  const body = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c{n}"},"data":{"text":"${"x".repeat(1024)}"}}`;
  await load({ ...cluster.credentials, port: cluster.apiPort, clients: writers, requests: updates, method: "POST", path: `${NAMESPACE}/configmaps`, body });
  const { events, bytes } = await done;
  const seconds = (performance.now() - started) / 1000;
  return [
    {
      name: `watch: ${updates} changes to ${watchers} watchers`,
      value: `${Math.round(events / seconds).toLocaleString("en-US")} events/s`,
      note: `all delivered after ${seconds.toFixed(2)} s, ${(bytes / 1e6 / seconds).toFixed(0)} MB/s`,
    },
  ];
}
