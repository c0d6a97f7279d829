import { setTimeout as wait } from "node:timers/promises";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { nodes } from "../api/generated/resources.ts";
import { httpsClient } from "../client/https-client.ts";
import { readKubeconfig } from "../client/kubeconfig.ts";
import { removeHostTraces } from "../cluster/agent/remove-host-traces.ts";
import { instanceOf } from "../cluster/instance.ts";
import { readSettings } from "../cluster/settings.ts";
import { readRunFile } from "../cluster/up.ts";
import { UserError } from "../cluster/user-error.ts";
import { parseYaml } from "../meta/yaml-codec.ts";
import { systemClock } from "../platform/node/clock.ts";
import { nodeFiles } from "../platform/node/files.ts";
import { http2Transport } from "../platform/node/http-transport.ts";
import { nodeMounts } from "../platform/node/mounts.ts";
import { nodeProcesses } from "../platform/node/processes.ts";
import { systemRandom } from "../platform/node/random.ts";
import { pinoLogger } from "../platform/node/logger.ts";
import { startPrivateContainerd } from "../cri/containerd/private-containerd.ts";

type Flags = Readonly<Record<string, unknown>>;
const STOP_MS = 90_000;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** `keles down`: asks the running cluster to stop and waits for it. */
export async function downCommand(flags: Flags): Promise<number> {
  const { dataDir } = readSettings(flags, process.env);
  const run = readRunFile(dataDir);
  if (run === undefined) {
    process.stdout.write(`no cluster runs in ${dataDir}\n`);
    return 0;
  }
  process.kill(run.pid, "SIGTERM");
  for (const end = Date.now() + STOP_MS; Date.now() < end; ) {
    if (!isAlive(run.pid)) {
      process.stdout.write("stopped\n");
      return 0;
    }
    await wait(100);
  }
  throw new UserError(`process ${run.pid} did not stop within ${STOP_MS / 1000} s`, `look at the logs in ${join(dataDir, "log")}`);
}

/** `keles status`: exit code 0 when the cluster answers and every node is Ready. */
export async function statusCommand(flags: Flags): Promise<number> {
  const settings = readSettings(flags, process.env);
  const run = readRunFile(settings.dataDir);
  if (run === undefined) {
    process.stdout.write(`stopped: no cluster runs in ${settings.dataDir}\n`);
    return 1;
  }
  const config = parseYaml(readFileSync(run.kubeconfig, "utf8")).value;
  const transport = http2Transport(readKubeconfig(config).endpoint, { clock: systemClock, random: systemRandom });
  try {
    const { items } = await httpsClient(transport).list(nodes);
    const isReady = (node: (typeof items)[number]): boolean => node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
    const ready = items.filter(isReady).length;
    process.stdout.write(`running: ${run.url}, process ${run.pid}, ${run.runtime}, ${ready}/${items.length} nodes Ready\nkubeconfig: ${run.kubeconfig}\n`);
    return ready === items.length && ready > 0 ? 0 : 1;
  } catch (error) {
    process.stdout.write(`process ${run.pid} runs but ${run.url} does not answer: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    transport.close();
  }
}

/** `keles reset --yes`: removes the cluster with everything that it left on the machine. */
export async function resetCommand(flags: Flags): Promise<number> {
  const { dataDir } = readSettings(flags, process.env);
  if (flags["yes"] !== true) throw new UserError(`this deletes the cluster in ${dataDir} with all its data`, "say --yes if that is meant");
  if (existsSync(dataDir) && !existsSync(join(dataDir, "store")) && !existsSync(join(dataDir, "pki")))
    throw new UserError(`${dataDir} does not look like the data directory of a cluster`, "name the right one with --data-dir");
  await downCommand(flags);
  if (!existsSync(dataDir)) return 0;
  if (existsSync(join(dataDir, "containerd"))) {
    // A cluster that was killed has left its containers running: only its own containerd can end them.
    const deps = { files: nodeFiles, processes: nodeProcesses, mounts: nodeMounts(), clock: systemClock };
    const containerd = await startPrivateContainerd({ dataDir }, { ...deps, logger: pinoLogger({ level: "error" }) });
    await containerd.stop();
    await removeHostTraces({ dataDir, instance: instanceOf(dataDir) }, deps);
  }
  const mounts = nodeMounts();
  for (const point of await mounts.below(dataDir)) await mounts.unmount(point);
  rmSync(dataDir, { recursive: true, force: true });
  process.stdout.write(`deleted ${dataDir}\n`);
  return 0;
}
