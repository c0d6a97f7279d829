import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Processes } from "../../platform/processes.ts";
import { layerBlob, layerFile } from "./blob.ts";
import { demoServer } from "./demo-server.ts";
import type { TarEntry } from "./fixed-tar.ts";
import { type ImageArchive, type ImageSettings, writeImageArchive } from "./oci-archive.ts";
import { sharedLibrariesOf } from "./shared-libraries.ts";

export interface DemoImageOptions {
  /** Where the archive is kept: `<data>/images`. */
  readonly folder: string;
  /** The Node that goes into the image; this process's own when left out. */
  readonly nodePath?: string;
  /** `amd64`, `arm64`; this machine's when left out. */
  readonly architecture?: string;
}

export const demoVersions = ["v1", "v2"] as const;

/** Changes when what is put into the image changes other than by the machine's files. */
const recipe = 1;

/**
 * The images `keles.dev/demo:v1` and `:v2` in one archive: this machine's Node with its libraries, busybox where there
 * is one, and a small server. The archive (about as large as Node) is made once and kept until one of those files changes.
 */
export async function demoImageArchive(options: DemoImageOptions, deps: { readonly processes: Processes }): Promise<ImageArchive> {
  const nodePath = await realpath(options.nodePath ?? process.execPath);
  const busybox = await deps.processes.find("busybox", ["/bin", "/usr/bin"]);
  const programs = [nodePath, ...(busybox === undefined ? [] : [busybox])];
  const loaded = await Promise.all(programs.map(sharedLibrariesOf));
  const libraries = [...new Set(loaded.flatMap(({ files }) => files))];
  const key = await keyOf([...programs, ...libraries], options);
  const known = await readRecord(options.folder, key);
  if (known !== undefined) return known;

  await mkdir(options.folder, { recursive: true });
  const searchPath = [...new Set(loaded.flatMap((one) => one.searchPath))];
  const base = [
    ...baseFiles,
    await copyOf(nodePath, nodePath),
    ...(nodePath === "/usr/local/bin/node" ? [] : [{ type: "link", path: "usr/local/bin/node", target: nodePath } as const]),
    ...(await Promise.all(libraries.map((path) => copyOf(path, path)))),
    ...(busybox === undefined ? [] : await busyboxEntries(busybox, deps.processes)),
  ];
  const layerPath = `${options.folder}/demo-base.draft`;
  try {
    const shared = await layerFile(layerPath, withFolders(base));
    const settings: ImageSettings = {
      entrypoint: ["/usr/local/bin/node"],
      command: ["/app/server.mjs"],
      environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...(searchPath.length === 0 ? [] : [`LD_LIBRARY_PATH=${searchPath.join(":")}`])],
      workingFolder: "/app",
      exposedPorts: ["80/tcp"],
    };
    const images = await Promise.all(
      demoVersions.map(async (version) => {
        const own = await layerBlob(withFolders([{ type: "file", path: "app/server.mjs", content: demoServer(version) }]));
        return { name: `keles.dev/demo:${version}`, platforms: [{ architecture: options.architecture ?? machineArchitecture(), layers: [shared, own], settings }] };
      }),
    );
    await removeOlder(options.folder);
    const archive = await writeImageArchive(`${options.folder}/demo-${key}.tar`, images);
    await writeFile(recordPath(options.folder), JSON.stringify({ key, archive }));
    return archive;
  } finally {
    await rm(layerPath, { force: true });
  }
}

/** OCI's word for this process's machine. */
export function machineArchitecture(): string {
  return process.arch === "x64" ? "amd64" : process.arch;
}

const baseFiles: readonly TarEntry[] = [
  { type: "folder", path: "root", mode: 0o700 },
  { type: "folder", path: "tmp", mode: 0o1777 },
  { type: "folder", path: "run" },
  { type: "folder", path: "var" },
  { type: "file", path: "etc/passwd", content: "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n" },
  { type: "file", path: "etc/group", content: "root:x:0:\nnogroup:x:65534:\n" },
  { type: "file", path: "etc/nsswitch.conf", content: "passwd: files\ngroup: files\nhosts: files dns\n" },
];

async function copyOf(from: string, to: string): Promise<TarEntry> {
  const real = await realpath(from);
  return { type: "copy", path: to.slice(1), mode: 0o755, from: real, sizeBytes: (await stat(real)).size };
}

async function busyboxEntries(busybox: string, processes: Processes): Promise<readonly TarEntry[]> {
  const { stdout } = await processes.run(busybox, ["--list"], { timeoutMs: 10_000 });
  const applets = stdout.split("\n").filter((name) => /^[\w.[-]+$/.test(name) && name !== "busybox");
  return [await copyOf(busybox, "/bin/busybox"), ...applets.map((name): TarEntry => ({ type: "link", path: `bin/${name}`, target: "busybox" }))];
}

/** The entries by path, each after the folders that lead to it; of two with one path the first stays. */
function withFolders(entries: readonly TarEntry[]): readonly TarEntry[] {
  const byPath = new Map<string, TarEntry>();
  for (const entry of entries) if (!byPath.has(entry.path)) byPath.set(entry.path, entry);
  for (const { path } of entries)
    for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) if (!byPath.has(parent)) byPath.set(parent, { type: "folder", path: parent });
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function keyOf(paths: readonly string[], options: DemoImageOptions): Promise<string> {
  const facts = await Promise.all(
    paths.map(async (path) => {
      const { size, mtimeMs } = await stat(path);
      return [path, size, mtimeMs];
    }),
  );
  const text = JSON.stringify([recipe, options.architecture ?? machineArchitecture(), demoVersions.map(demoServer), facts.sort()]);
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

const recordPath = (folder: string): string => `${folder}/demo.json`;

async function readRecord(folder: string, key: string): Promise<ImageArchive | undefined> {
  try {
    const record = JSON.parse(await readFile(recordPath(folder), "utf8")) as { readonly key: string; readonly archive: ImageArchive };
    return record.key === key && (await stat(record.archive.path)).isFile() ? record.archive : undefined;
  } catch {
    return undefined;
  }
}

async function removeOlder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (/^demo-[0-9a-f]+\.tar(\.draft)?$/.test(name)) await rm(`${folder}/${name}`, { force: true });
}
