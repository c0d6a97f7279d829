import { fork, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A place on disk and free ports: what one cluster of a benchmark lives in. */
export async function makePlace() {
  return { dataDir: mkdtempSync(join(tmpdir(), "keles-bench-")), apiPort: await freePort(), kubeletPort: await freePort() };
}

/** Starts `keles up` (or `server`: a control plane alone) on a place; resolves when it is through with its start. `nodeFlags` go to Node. */
export async function startCluster(place, { command = "up", runtime = "simulated", nodes = 1, nodeFlags = [] } = {}) {
  const { dataDir, apiPort, kubeletPort } = place;
  const flags = ["--data-dir", dataDir, "--api-port", String(apiPort), "--kubelet-port", String(kubeletPort), "--runtime", runtime];
  const ranges = ["--cluster-cidr", "10.68.0.0/16", "--service-cidr", "10.69.0.0/16"];
  const started = performance.now();
  const child = spawn(process.execPath, [...nodeFlags, join(root, "bin/keles.mjs"), command, ...flags, ...ranges, "--nodes", String(nodes)], { stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  let output = "";
  const stages = [];
  const ready = new Promise((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      output += chunk;
      if (output.includes("The cluster is ready")) resolve(performance.now() - started);
    });
    child.stderr.on("data", (chunk) => (output += chunk));
    child.once("exit", (code) => reject(new Error(`keles up ended with ${code}:\n${output}`)));
  });
  const readyzMs = await Promise.race([answersAt(apiPort, "/readyz", started), ready.then(() => Number.NaN)]);
  const readyMs = await ready;
  for (const [, name, seconds] of output.matchAll(/^- (.*?) +([\d.]+) s$/gm)) stages.push({ name, seconds: Number(seconds) });
  const credentials = readCredentials(dataDir);
  const agent = new Agent({ ...credentials, keepAlive: true });
  return {
    ...place,
    pid: child.pid,
    credentials,
    readyzMs,
    readyMs,
    stages,
    api: (method, path, body) => call(agent, apiPort, method, path, body),
    watch: (path) => watchOf(agent, apiPort, path),
    async stop() {
      agent.destroy();
      child.kill("SIGTERM");
      await exited;
    },
    remove: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

/** Milliseconds from `started` to the first 200. */
export async function answersAt(port, path, started) {
  for (;;) {
    const status = await new Promise((resolve) => {
      const asked = request({ host: "127.0.0.1", port, path, rejectUnauthorized: false, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on("error", () => resolve(0));
      asked.end();
    });
    if (status === 200) return performance.now() - started;
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

function readCredentials(dataDir) {
  const text = readFileSync(join(dataDir, "kubeconfig"), "utf8");
  const read = (name) => Buffer.from(new RegExp(`${name}: *"?([A-Za-z0-9+/=]+)`).exec(text)?.[1] ?? "", "base64").toString("utf8");
  return { ca: read("certificate-authority-data"), cert: read("client-certificate-data"), key: read("client-key-data") };
}

function call(agent, port, method, path, body) {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const asked = request(
      { host: "127.0.0.1", port, path, method, agent, headers: text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) } },
      (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => {
          const answer = Buffer.concat(chunks).toString("utf8");
          if (response.statusCode >= 300) reject(new Error(`${method} ${path}: ${response.statusCode} ${answer}`));
          else resolve(response.headers["content-type"] === "application/json" ? JSON.parse(answer) : answer);
        });
      },
    );
    asked.on("error", reject);
    asked.end(text);
  });
}

/** Events of a watch, as they come; `return()` ends it. */
async function* watchOf(agent, port, path) {
  const response = await new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, agent: new Agent(agent.options) }, resolve);
    asked.on("error", reject);
    asked.end();
  });
  let text = "";
  response.setEncoding("utf8");
  try {
    for await (const chunk of response) {
      text += chunk;
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) if (line !== "") yield JSON.parse(line);
    }
  } finally {
    response.destroy();
  }
}

/** The bare server with the cluster's own certificates. */
export async function startBareServer({ dataDir }, { ca }) {
  const started = performance.now();
  const child = fork(join(root, "bench/bare-server.mjs"));
  const pki = join(dataDir, "pki");
  child.send({ key: readFileSync(join(pki, "apiserver.key"), "utf8"), cert: readFileSync(join(pki, "apiserver.crt"), "utf8"), ca });
  const { port } = await new Promise((resolve) => child.once("message", resolve));
  const readyMs = await answersAt(port, "/", started);
  return { port, pid: child.pid, readyMs, stop: () => child.kill() };
}

/** Runs a job of load-client.mjs; answers what it counted. */
export async function load(job) {
  return (await connectedLoad(job)).run();
}

/** The same in two steps: the load generator's own start and its connections' are none of what is measured. */
export async function connectedLoad(job) {
  const child = fork(join(root, "bench/load-client.mjs"));
  const ended = new Promise((_, reject) => child.once("exit", (code) => reject(new Error(`the load generator ended with ${code}`))));
  ended.catch(() => {});
  const answer = () => Promise.race([new Promise((resolve) => child.once("message", resolve)), ended]);
  child.send({ host: `127.0.0.1:${job.port}`, ...job });
  await answer();
  return {
    run() {
      child.send("begin");
      return answer();
    },
  };
}
