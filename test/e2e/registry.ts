import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { layerBlob } from "../../src/cluster/images/blob.ts";
import { machineArchitecture } from "../../src/cluster/images/demo-image.ts";
import type { TarEntry } from "../../src/cluster/images/fixed-tar.ts";
import { type ImageForPlatform, type ImageSettings, writeImageArchive } from "../../src/cluster/images/oci-archive.ts";
import { sharedLibrariesOf } from "../../src/cluster/images/shared-libraries.ts";
import { freePort } from "./free-port.ts";
import { runProgram } from "./run-program.ts";
import { until } from "./until.ts";

/** A registry on loopback that stands for docker.io, with images made from this machine's own files. */
export interface Registry {
  /** `http://127.0.0.1:40123` */
  readonly url: string;
  stop(): Promise<void>;
}

/** What is in it, as pods name it. Every nginx tells its version on its page. */
export const busyboxTags = ["latest", "1.36"] as const;
export const nginxTags = ["latest", "1.14.0", "1.14.2", "1.27"] as const;

/** Makes the images and serves them. Throws with the name of what the machine lacks. */
export async function startRegistry(): Promise<Registry> {
  const folder = mkdtempSync(join(tmpdir(), "keles-registry-"));
  const port = await freePort();
  const config = join(folder, "registry.json");
  // JSON is YAML, which the registry reads.
  writeFileSync(
    config,
    JSON.stringify({ version: 0.1, log: { level: "warn" }, storage: { filesystem: { rootdirectory: join(folder, "storage") } }, http: { addr: `127.0.0.1:${port}` } }),
  );
  const url = `http://127.0.0.1:${port}`;
  const { child, said } = serve(config);
  // A run that is broken off does not come to `stop`.
  const leave = (): void => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", leave);
  const stop = async (): Promise<void> => {
    process.off("exit", leave);
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until("the registry answers", async () => {
      if (child.exitCode !== null) throw new Error(`docker-registry ended: ${said()}`);
      return (await fetch(`${url}/v2/`)).ok;
    });
    await Promise.all([busyboxImage(folder, port), nginxImages(folder, port)]);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function serve(config: string): { readonly child: ChildProcess; said(): string } {
  const child = spawn("docker-registry", ["serve", config], { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      text = `${text}${chunk.toString("utf8")}`.slice(-4_000);
    });
  child.on("error", (error) => {
    text += error.message;
  });
  return { child, said: () => text };
}

async function busyboxImage(folder: string, port: number): Promise<void> {
  const path = join(folder, "busybox.tar");
  const layer = await layerBlob(withFolders(await busyboxFiles()));
  const settings: ImageSettings = { entrypoint: [], command: ["sh"], environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] };
  await push(path, "busybox", busyboxTags, () => [{ architecture: machineArchitecture(), layers: [layer], settings }], port);
}

async function busyboxFiles(): Promise<readonly TarEntry[]> {
  const busybox = programPath("busybox", ["/bin", "/usr/bin"]);
  const { stdout } = await runProgram(busybox, ["--list"]);
  const applets = stdout.split("\n").filter((name) => /^[\w.[-]+$/.test(name) && name !== "busybox");
  return [...baseFiles, fileCopy(busybox, "bin/busybox"), ...applets.map((name): TarEntry => ({ type: "link", path: `bin/${name}`, target: "busybox" }))];
}

const nginxConfig = `
daemon off;
worker_processes 1;
error_log /dev/stderr;
pid /run/nginx.pid;
events { worker_connections 64; }
http {
  access_log /dev/stdout;
  server { listen 80; root /usr/share/nginx/html; location = /hostname { default_type text/plain; return 200 "$hostname\\n"; } }
}
`;

async function nginxImages(folder: string, port: number): Promise<void> {
  const nginx = programPath("nginx", ["/usr/sbin"]);
  const { files } = await sharedLibrariesOf(nginx);
  const base = await layerBlob(
    withFolders([
      ...(await busyboxFiles()),
      fileCopy(nginx, "usr/sbin/nginx"),
      ...files.map((path) => fileCopy(path, path.slice(1))),
      { type: "file", path: "etc/nginx/nginx.conf", content: nginxConfig },
      { type: "folder", path: "var/lib/nginx" },
      { type: "folder", path: "var/log/nginx" },
    ]),
  );
  const settings: ImageSettings = {
    entrypoint: [],
    command: ["/usr/sbin/nginx", "-c", "/etc/nginx/nginx.conf"],
    environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    exposedPorts: ["80/tcp"],
  };
  const pages = new Map(
    await Promise.all(
      nginxTags.map(async (tag) => [tag, await layerBlob(withFolders([{ type: "file", path: "usr/share/nginx/html/index.html", content: `nginx ${tag}\n` }]))] as const),
    ),
  );
  await push(
    join(folder, "nginx.tar"),
    "nginx",
    nginxTags,
    (tag) => {
      const page = pages.get(tag);
      return [{ architecture: machineArchitecture(), layers: page === undefined ? [base] : [base, page], settings }];
    },
    port,
  );
}

/** Writes the images of all tags as one OCI archive and copies each into the registry. */
async function push<Tag extends string>(
  path: string,
  repository: string,
  tags: readonly Tag[],
  platformsOf: (tag: Tag) => readonly ImageForPlatform[],
  port: number,
): Promise<void> {
  await writeImageArchive(
    path,
    tags.map((tag) => ({ name: `docker.io/library/${repository}:${tag}`, platforms: platformsOf(tag) })),
  );
  for (const tag of tags) {
    const { code, stderr } = await runProgram("skopeo", [
      "copy",
      "--quiet",
      "--insecure-policy",
      "--dest-tls-verify=false",
      `oci-archive:${path}:${tag}`,
      `docker://127.0.0.1:${port}/library/${repository}:${tag}`,
    ]);
    if (code !== 0) throw new Error(`skopeo cannot push ${repository}:${tag}: ${stderr}`);
  }
  rmSync(path, { force: true });
}

const baseFiles: readonly TarEntry[] = [
  { type: "folder", path: "root", mode: 0o700 },
  { type: "folder", path: "tmp", mode: 0o1777 },
  { type: "folder", path: "run" },
  { type: "file", path: "etc/passwd", content: "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n" },
  { type: "file", path: "etc/group", content: "root:x:0:\nnogroup:x:65534:\n" },
  { type: "file", path: "etc/nsswitch.conf", content: "passwd: files\ngroup: files\nhosts: files dns\n" },
];

function programPath(name: string, folders: readonly string[]): string {
  for (const folder of folders) {
    const path = join(folder, name);
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return realpathSync(path);
  }
  throw new Error(`${name} is not in ${folders.join(" or ")}`);
}

function fileCopy(from: string, path: string): TarEntry {
  return { type: "file", path, mode: 0o755, content: readFileSync(from) };
}

/** The entries by path, each after the folders that lead to it. */
function withFolders(entries: readonly TarEntry[]): readonly TarEntry[] {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  for (const { path } of entries)
    for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) if (!byPath.has(parent)) byPath.set(parent, { type: "folder", path: parent });
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
