import type { Files } from "../../platform/files.ts";
import type { Mounts } from "../../platform/mounts.ts";
import type { Processes } from "../../platform/processes.ts";

export type Snapshotter = "overlayfs" | "native";

/**
 * Tries an overlay mount below `folder`, where snapshots will stand: it fails on file systems without d_type, on
 * another overlay, and without the right to mount. `native` copies files and works everywhere.
 */
export async function chooseSnapshotter(
  folder: string,
  deps: { readonly files: Pick<Files, "mkdir" | "remove">; readonly mounts: Pick<Mounts, "unmount">; readonly processes: Pick<Processes, "run"> },
): Promise<Snapshotter> {
  const trial = `${folder}/overlay-trial`;
  const merged = `${trial}/merged`;
  await deps.mounts.unmount(merged);
  await deps.files.remove(trial);
  try {
    for (const part of ["lower1", "lower2", "upper", "work", "merged"]) await deps.files.mkdir(`${trial}/${part}`);
    const options = `lowerdir=${trial}/lower2:${trial}/lower1,upperdir=${trial}/upper,workdir=${trial}/work`;
    const { code } = await deps.processes.run("mount", ["-t", "overlay", "overlay", "-o", options, merged], { timeoutMs: 10_000 });
    return code === 0 ? "overlayfs" : "native";
  } finally {
    await deps.mounts.unmount(merged);
    await deps.files.remove(trial);
  }
}
