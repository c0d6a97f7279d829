import { existsSync } from "node:fs";
import type { ContainerdPlace } from "../cluster/agent/agent-protocol.ts";
import { readSettings } from "../cluster/settings.ts";
import { readRunFile } from "../cluster/up.ts";
import { UserError } from "../cluster/user-error.ts";
import { connectRuntime } from "../cri/containerd/connect-runtime.ts";
import { imageImporter } from "../cri/containerd/image-import.ts";
import { systemClock } from "../platform/node/clock.ts";
import { nodeProcesses } from "../platform/node/processes.ts";

type Flags = Readonly<Record<string, unknown>>;

/** The containerd of the running cluster. */
async function withRuntime<T>(flags: Flags, use: (place: ContainerdPlace, runtime: ReturnType<typeof connectRuntime>) => Promise<T>): Promise<T> {
  const { dataDir } = readSettings(flags, process.env);
  const run = readRunFile(dataDir);
  if (run === undefined) throw new UserError(`no cluster runs in ${dataDir}`, "start it with `keles up`, or name the right one with --data-dir");
  if (run.containerd === undefined) throw new UserError("simulated nodes have no images");
  const runtime = connectRuntime({ socket: run.containerd.socket });
  try {
    return await use(run.containerd, runtime);
  } finally {
    runtime.close();
  }
}

/** `keles image import FILE` */
export function imageImportCommand(path: string, flags: Flags): Promise<number> {
  if (!existsSync(path)) throw new UserError(`there is no file ${path}`);
  return withRuntime(flags, async (place, runtime) => {
    const importer = imageImporter(place, { images: runtime.images, processes: nodeProcesses, clock: systemClock });
    try {
      const names = await importer.importImages(path);
      process.stdout.write(names.map((name) => `imported ${name}\n`).join(""));
      return 0;
    } finally {
      importer.close();
    }
  });
}

/** `keles image list` */
export function imageListCommand(flags: Flags): Promise<number> {
  return withRuntime(flags, async (_place, runtime) => {
    const images = await runtime.images.listImages();
    const rows = images.flatMap((image) =>
      (image.repoTags ?? []).map((tag) => ({ tag, id: (image.id ?? "").replace("sha256:", "").slice(0, 12), size: `${((image.size ?? 0) / 1e6).toFixed(1)} MB` })),
    );
    const width = Math.max(5, ...rows.map(({ tag }) => tag.length));
    process.stdout.write(`${"IMAGE".padEnd(width)}  ${"ID".padEnd(12)}  SIZE\n${rows.map(({ tag, id, size }) => `${tag.padEnd(width)}  ${id}  ${size}\n`).join("")}`);
    return 0;
  });
}
