import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { freePort } from "./free-port.ts";
import { Cluster } from "./cluster.ts";
import { runProgram, type ProgramResult } from "./run-program.ts";
import { until } from "./until.ts";

const noContainers = inject("noContainers");
const keles = (...args: readonly string[]): Promise<ProgramResult> =>
  runProgram(process.execPath, [fileURLToPath(new URL("../../bin/keles.mjs", import.meta.url)), ...args], { timeoutMs: 100_000 });

interface SeenPod {
  readonly name: string;
  readonly uid: string;
  readonly ip: string;
  readonly containerId: string;
  readonly restarts: number;
}

/** What becomes of pods when the processes around them end, kindly or not. One story: each part goes on from the last. */
describe.skipIf(noContainers !== "")(`processes that end${noContainers === "" ? "" : ` (skipped: ${noContainers})`}`, () => {
  let cluster: Cluster;
  let before: readonly SeenPod[] = [];
  beforeAll(async () => {
    cluster = await Cluster.start({ runtime: "containerd", registry: inject("registry") });
    await cluster.kubectl("create deployment web --image=nginx:1.27 --replicas=2 --port=80");
    await cluster.kubectl("expose deployment web --port=80");
    await cluster.kubectl("create configmap kept --from-literal=key=value");
    await cluster.kubectl("rollout status deployment/web --timeout=90s");
    before = await seenPods();
  });
  afterAll(async () => {
    await cluster?.dispose();
  });

  async function seenPods(): Promise<readonly SeenPod[]> {
    const { items } = JSON.parse(await cluster.kubectl("get pods -l app=web -o json")) as { readonly items: readonly PodOnTheWire[] };
    return items
      .map(({ metadata, status }) => ({
        name: metadata.name,
        uid: metadata.uid,
        ip: status.podIP ?? "",
        containerId: status.containerStatuses?.[0]?.containerID ?? "",
        restarts: status.containerStatuses?.[0]?.restartCount ?? -1,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
  const page = async (url: string): Promise<string> => (await fetch(url, { signal: AbortSignal.timeout(5_000) })).text();
  const ready = (): Promise<unknown> => until("both pods are ready", async () => /web +2\/2 +2 +2/.test(await cluster.kubectl("get deployment web")), { timeoutMs: 90_000 });
  const isOneLine = (text: string): void => {
    expect(text.trim().split("\n"), text).toHaveLength(1);
    expect(text).toMatch(/^keles: /);
    expect(text).not.toContain("    at ");
  };

  it("a second start with the same data is refused", async () => {
    const { code, stderr } = await keles("up", ...cluster.flags);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `keles: the data directory ${cluster.dataDir} is in use by process ${cluster.pid}; stop that cluster with \`keles down\`, or give this one its own --data-dir\n`,
    );
    await ready();
  });

  it("a port that is taken is named, the API's and the node agent's", async () => {
    const other = `${cluster.dataDir}-other`;
    const simulated = ["--runtime=simulated", `--data-dir=${other}`];
    const first = await keles("up", ...simulated, `--api-port=${cluster.apiPort}`, `--kubelet-port=${await freePort()}`);
    expect(first.code).toBe(1);
    isOneLine(first.stderr);
    expect(first.stderr).toContain(`port ${cluster.apiPort} is in use`);
    const second = await keles("up", ...simulated, `--api-port=${await freePort()}`, `--kubelet-port=${cluster.kubeletPort}`);
    expect(second.code).toBe(1);
    isOneLine(second.stderr);
    expect(second.stderr).toContain(`port ${cluster.kubeletPort} is in use`);
    expect(second.stderr).toContain("--kubelet-port");
  });

  it("status tells that it runs; the kubeconfig is for its owner alone", async () => {
    const { code, stdout } = await keles("status", `--data-dir=${cluster.dataDir}`);
    expect(stdout).toContain(`running: https://127.0.0.1:${cluster.apiPort}, process ${cluster.pid}, containerd, 1/1 nodes Ready`);
    expect(code).toBe(0);
    expect(statSync(cluster.kubeconfig).mode & 0o777).toBe(0o600);
  });

  it("kill -9 of all processes: the pods go on, and the next start takes them over as they are", async () => {
    await cluster.kill9();
    for (const { ip } of before) expect(await page(`http://${ip}`)).toBe("nginx 1.27\n");
    await cluster.up();
    expect(cluster.output).toContain("containerd (adopted)");
    await ready();
    expect(await seenPods()).toEqual(before);
    for (const { ip } of before) expect(await page(`http://${ip}`)).toBe("nginx 1.27\n");
    expect(await page(`http://${await cluster.field("service web", ".spec.clusterIP")}`)).toBe("nginx 1.27\n");
    expect(await cluster.field("configmap kept", ".data.key")).toBe("value");
  });

  it("kill -9 of the node agent: an error in one line, the pods go on, and the next start takes them over", async () => {
    process.kill(cluster.agentPid(), "SIGKILL");
    expect(await cluster.ended()).toBe(1);
    const told = cluster.output.split("\n").filter((line) => line.startsWith("keles: "));
    expect(told).toEqual(["keles: the node agent ended unexpectedly (SIGKILL); its log is log/agent.log in the data directory"]);
    expect(cluster.output).not.toContain("    at ");
    for (const { ip } of before) expect(await page(`http://${ip}`)).toBe("nginx 1.27\n");
    await cluster.up();
    await ready();
    expect(await seenPods()).toEqual(before);
  });

  it("a container that died while nobody looked is restarted by the next start", async () => {
    const [victim] = before;
    const pid = await nginxPidOf(victim?.containerId ?? "");
    await cluster.kill9();
    process.kill(pid, "SIGKILL");
    await cluster.up();
    await until("its restart is counted", async () => (await seenPods())[0]?.restarts === 1, { timeoutMs: 90_000 });
    await ready();
    const [first, second] = await seenPods();
    expect(first).toMatchObject({ name: victim?.name, uid: victim?.uid, ip: victim?.ip });
    expect(first?.containerId).not.toBe(victim?.containerId);
    expect(second).toEqual(before[1]);
  });

  it("pods deleted while the node was away are ended by the next start", async () => {
    await cluster.kubectl("run passing --image=busybox -- sleep 3600");
    await cluster.kubectl("wait pod passing --for=condition=Ready --timeout=90s");
    process.kill(cluster.agentPid(), "SIGSTOP");
    await cluster.kubectl("delete pod passing --force --grace-period=0");
    await cluster.kill9();
    await cluster.up();
    await until("its process is gone", async () => !(await runningCommands()).includes("sleep 3600"));
  });

  it("Ctrl-C: nothing is left on the machine, and the next start brings the pods back", async () => {
    const pods = await seenPods();
    expect(await cluster.stop()).toBe(0);
    expect(cluster.output).toMatch(/\nstopping: .*\nstopped\n$/);
    expect(await cluster.remains()).toEqual([]);
    const { code, stdout } = await keles("status", `--data-dir=${cluster.dataDir}`);
    expect(code).toBe(1);
    expect(stdout).toContain("stopped");
    await cluster.up();
    // What the API says of them is from before, until the node has looked.
    const old = new Set(pods.map(({ containerId }) => containerId));
    const after = await until("both run in new containers", async () => {
      const seen = await seenPods();
      return seen.every(({ containerId, ip }) => ip !== "" && !old.has(containerId)) ? seen : undefined;
    });
    await ready();
    expect(after.map(({ name, uid }) => ({ name, uid }))).toEqual(pods.map(({ name, uid }) => ({ name, uid })));
    for (const { ip } of after) expect(await until("it answers", () => page(`http://${ip}`))).toBe("nginx 1.27\n");
    expect(await until("the service answers", async () => page(`http://${await cluster.field("service web", ".spec.clusterIP")}`))).toBe("nginx 1.27\n");
  });

  it("down stops it from elsewhere", async () => {
    const { code, stdout } = await keles("down", `--data-dir=${cluster.dataDir}`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "stopped\n" });
    expect(await cluster.ended()).toBe(0);
    expect(await cluster.remains()).toEqual([]);
  });

  it("reset deletes a cluster that was killed, with all that it left", async () => {
    await cluster.up();
    await ready();
    await cluster.kill9();
    expect(await cluster.remains()).not.toEqual([]);
    const unsure = await keles("reset", `--data-dir=${cluster.dataDir}`);
    expect(unsure.code).toBe(1);
    isOneLine(unsure.stderr);
    const { code, stderr } = await keles("reset", "--yes", `--data-dir=${cluster.dataDir}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await cluster.remains()).toEqual([]);
    expect(existsSync(cluster.dataDir)).toBe(false);
  });

  /** Command lines of all that runs in this cluster's containers. */
  async function runningCommands(): Promise<string> {
    return (await cluster.remains()).filter((text) => text.startsWith("process ")).join("\n");
  }

  async function nginxPidOf(containerId: string): Promise<number> {
    const id = containerId.replace("containerd://", "");
    const pids = (await runningCommands()).split("\n").map((line) => Number(/^process (\d+)/.exec(line)?.[1]));
    const pid = pids.find(
      (candidate) =>
        existsSync(`/proc/${candidate}`) &&
        readFileSync(join("/proc", `${candidate}`, "cgroup"), "utf8").includes(id) &&
        readFileSync(join("/proc", `${candidate}`, "cmdline"), "utf8").includes("master"),
    );
    if (pid === undefined) throw new Error(`no process of container ${id}`);
    return pid;
  }
});

interface PodOnTheWire {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: { readonly podIP?: string; readonly containerStatuses?: readonly { readonly containerID?: string; readonly restartCount?: number }[] };
}
