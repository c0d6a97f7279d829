// `npm run bench [-- names]`: figures of the built package on this machine, each beside what Node's bare HTTPS server
// does under the same load in the same run. Names: start, requests, http2, kinds, memory, fan-out, deployment, scheduling, pods. All without.
import { tmpdir } from "node:os";
import { makePlace, startBareServer, startCluster } from "./cluster.mjs";
import { measureDeployments } from "./deployment.mjs";
import { measureFanOut } from "./fan-out.mjs";
import { machineLines } from "./machine.mjs";
import { measurePods } from "./pods.mjs";
import { measureHttp2 } from "./http2.mjs";
import { measureKinds, measureRequests, memoryRow } from "./requests.mjs";
import { measured, measureScheduling } from "./scheduling.mjs";

const known = ["start", "memory", "requests", "http2", "kinds", "fan-out", "deployment", "scheduling", "pods"];
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !known.includes(name));
if (unknown !== undefined) {
  console.error(`bench: there is no ${unknown}; there are ${known.join(", ")}`);
  process.exit(1);
}
const wants = (name) => asked.length === 0 || asked.includes(name);
const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const nodeFlags = (process.env["BENCH_NODE_FLAGS"] ?? "").split(" ").filter((flag) => flag !== "");

console.log(`${machineLines(tmpdir()).join("\n")}\n`);
const show = (rows) => {
  for (const { name, value, ratio, note } of rows)
    console.log(`${name.padEnd(62)} ${value.padStart(18)} ${(ratio === undefined ? "" : `${ratio.toFixed(2)}×`).padStart(8)}  ${note}`);
};
show([{ name: "measured", value: "figure", note: "" }]);

/** Lets `use` have a cluster; it leaves nothing behind. */
async function withCluster(options, use) {
  const place = await makePlace();
  const cluster = await startCluster(place, { nodeFlags, ...options });
  try {
    await use(cluster);
  } finally {
    await cluster.stop();
    cluster.remove();
  }
}

async function withBare(cluster, use) {
  const bare = await startBareServer(cluster, cluster.credentials);
  try {
    await use(bare);
  } finally {
    bare.stop();
  }
}

const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;

if (["start", "memory", "requests", "http2", "kinds", "fan-out"].some(wants)) {
  await withCluster({}, (cluster) =>
    withBare(cluster, async (bare) => {
      if (wants("start"))
        show([
          {
            name: "process start to /readyz, empty directory (simulated node)",
            value: seconds(cluster.readyzMs),
            ratio: cluster.readyzMs / bare.readyMs,
            note: `cluster ready ${seconds(cluster.readyMs)}`,
          },
        ]);
      if (wants("memory")) {
        await new Promise((resolve) => setTimeout(resolve, 15_000));
        show([memoryRow("resident memory of the control plane, idle", cluster.pid, bare.pid)]);
      }
      if (wants("requests")) show(await measureRequests(cluster, bare, {}));
      if (wants("http2")) show(await measureHttp2(cluster, bare, {}));
      if (wants("kinds")) show(await measureKinds(cluster, bare, {}));
      if (wants("fan-out")) show(await measureFanOut(cluster, {}));
      if (wants("memory")) show([memoryRow("… after the above", cluster.pid, bare.pid)]);
    }),
  );
}
if (wants("deployment")) {
  await withCluster({ nodes: 100 }, async (cluster) => {
    show([{ name: "100 simulated nodes Ready", value: seconds(cluster.readyMs), note: "" }]);
    for await (const rows of measureDeployments(cluster, {})) show(rows);
  });
}
if (wants("scheduling")) {
  // BENCH_SCHEDULING="5000 plain,preemption" for a part of it.
  const [size, shapes] = (process.env["BENCH_SCHEDULING"] ?? "").split(" ");
  const sizes = size === undefined || size === "" ? [1_000, 5_000] : [Number(size)];
  for (const nodes of sizes)
    for (const what of shapes?.split(",") ?? measured)
      await withCluster({ command: "server" }, async (cluster) => {
        show([await measureScheduling(cluster, { nodes, pods: 5_000, what })]);
      });
}
if (wants("start") || wants("pods")) {
  if (!isRoot) console.log("real containers need root on Linux: not measured");
  else
    await withCluster({ runtime: "containerd" }, async (cluster) => {
      if (wants("start"))
        show([
          {
            name: "process start to node Ready and DNS answering (containerd)",
            value: seconds(cluster.readyMs),
            note: cluster.stages.map(({ name, seconds: at }) => `${name} ${at}`).join(", "),
          },
        ]);
      if (wants("pods")) show(await measurePods(cluster));
    });
}
