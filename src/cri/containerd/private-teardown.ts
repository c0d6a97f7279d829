import { unlink } from "node:fs/promises";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Files } from "../../platform/files.ts";
import type { Mounts } from "../../platform/mounts.ts";
import { connectRuntime } from "./connect-runtime.ts";
import { endProcess, listProcesses, signalProcess, withDescendants } from "./host-process.ts";

/** How many pods are stopped at once. */
const atOnce = 8;

/** Stops and removes every sandbox with its containers, as far as the daemon still answers. */
export async function removeAllPods(socket: string, logger: Logger): Promise<void> {
  const connection = connectRuntime({ socket, connectTimeoutMs: 2_000 });
  try {
    const sandboxes = [...(await connection.runtime.listPodSandbox())];
    const worker = async (): Promise<void> => {
      for (let next = sandboxes.pop(); next !== undefined; next = sandboxes.pop()) {
        const id = next.id ?? "";
        try {
          await connection.runtime.stopPodSandbox(id);
          await connection.runtime.removePodSandbox(id);
        } catch (error) {
          logger.warn("a pod could not be removed by the runtime", { sandbox: id, error });
        }
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  } catch (error) {
    logger.warn("the runtime does not answer, its pods are ended without it", { error });
  } finally {
    connection.close();
  }
}

/** Takes away what a daemon that has ended left behind: shims and their containers, mounts, sockets, the state folder. */
export async function removeRemains(
  paths: { readonly rootDir: string; readonly stateDir: string; readonly socket: string },
  deps: { readonly files: Files; readonly mounts: Mounts; readonly clock: Clock },
): Promise<void> {
  const all = await listProcesses();
  const shims = all.filter(({ args }) => args[0]?.includes("containerd-shim") === true && args[args.indexOf("-address") + 1] === paths.socket);
  const shimPids = new Set(shims.map((shim) => shim.pid));
  // A shim adopts whatever its containers leave, so all of them descend from it.
  for (const process of withDescendants(all, shims)) if (!shimPids.has(process.pid)) await signalProcess(process, "SIGKILL");
  for (const shim of shims) await endProcess(shim, 2_000, deps.clock);
  await removeShimSockets(paths.stateDir, deps.files);
  for (const folder of [paths.stateDir, paths.rootDir]) for (const point of await deps.mounts.below(folder)) await deps.mounts.unmount(point);
  await deps.files.remove(paths.stateDir);
}

/** Shims listen outside the state folder, at an address that their bundle names. */
async function removeShimSockets(stateDir: string, files: Pick<Files, "list" | "readIfPresent">): Promise<void> {
  const tasks = `${stateDir}/io.containerd.runtime.v2.task/k8s.io`;
  for (const id of await files.list(tasks)) {
    const address = new TextDecoder().decode(await files.readIfPresent(`${tasks}/${id}/address`));
    if (address.startsWith("unix://")) await unlink(address.slice("unix://".length)).catch(() => {});
  }
}
