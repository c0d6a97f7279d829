import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FileError } from "../files.ts";
import type { Mounts } from "../mounts.ts";
import type { Processes } from "../processes.ts";
import { mountPointsBelow } from "./mount-table.ts";
import { nodeProcesses } from "./processes.ts";

/** As many mounts as may lie upon one another at one point. */
const mostLayers = 32;

/** Mounts by the host's `mount` and `umount`. Failures are FileError: `EACCES` without the right, `EIO` otherwise. */
export function nodeMounts(processes: Pick<Processes, "run"> = nodeProcesses): Mounts {
  const run = async (command: string, args: readonly string[]): Promise<void> => {
    const { code, stderr } = await processes.run(command, args, { timeoutMs: 30_000 });
    if (code === 0) return;
    const text = stderr.trim();
    throw new FileError(/permission denied|must be superuser|not permitted/i.test(text) ? "EACCES" : "EIO", `${command} ${args.join(" ")}: ${text}`);
  };
  return {
    async tmpfs(path, options = {}) {
      const settings = [...(options.sizeBytes === undefined ? [] : [`size=${options.sizeBytes}`]), ...(options.mode === undefined ? [] : [`mode=${options.mode.toString(8)}`])];
      await run("mount", ["-t", "tmpfs", ...(settings.length === 0 ? [] : ["-o", settings.join(",")]), "tmpfs", path]);
    },
    async bind(source, path, options = {}) {
      await run("mount", ["--bind", source, path]);
      if (options.readOnly !== true) return;
      try {
        // The kernel takes "read only" for a bind mount in a second step only.
        await run("mount", ["-o", "remount,bind,ro", path]);
      } catch (error) {
        await run("umount", ["-l", path]);
        throw error;
      }
    },
    async fileSystem(path, { type, source, options = [] }) {
      await run("mount", ["-t", type, ...(options.length === 0 ? [] : ["-o", options.join(",")]), source, path]);
    },
    async unmount(path) {
      const real = await realPathOf(path);
      for (let layer = 0; layer < mostLayers; layer += 1) {
        if (!(await mountPointsBelow(real)).includes(real)) return;
        const { code } = await processes.run("umount", [real], { timeoutMs: 30_000 });
        if (code !== 0) await run("umount", ["-l", real]);
      }
      throw new FileError("EBUSY", `EBUSY: more than ${mostLayers} mounts at '${path}'`);
    },
    async below(path) {
      const points = await mountPointsBelow(await realPathOf(path));
      return [...new Set(points)];
    },
  };
}

/** With the links of its folder followed, as the mount table writes it; a mount's own root may be unreadable. */
async function realPathOf(path: string): Promise<string> {
  if (path === "/") return path;
  try {
    return join(await realpath(dirname(path)), basename(path));
  } catch {
    return path;
  }
}
