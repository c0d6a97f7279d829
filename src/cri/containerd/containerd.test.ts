import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sleep } from "../../base/clock.ts";
import { silentLogger } from "../../base/log.ts";
import { layerBlob } from "../../cluster/images/blob.ts";
import { machineArchitecture } from "../../cluster/images/demo-image.ts";
import { type ImageArchive, writeImageArchive } from "../../cluster/images/oci-archive.ts";
import { writePauseImage } from "../../cluster/images/pause-image.ts";
import { systemClock } from "../../platform/node/clock.ts";
import { nodeFiles } from "../../platform/node/files.ts";
import { nodeMounts } from "../../platform/node/mounts.ts";
import { nodeProcesses } from "../../platform/node/processes.ts";
import type { Processes } from "../../platform/processes.ts";
import type { PodSandboxConfig } from "../generated/cri-v1.ts";
import { runtimeContract, type RuntimeUnderTest } from "../runtime-contract.ts";
import { connectRuntime, type RuntimeConnection } from "./connect-runtime.ts";
import { containerdImages } from "./containerd-images.ts";
import { detectHostParts } from "./host-parts.ts";
import { listProcesses, readProcess, signalProcess } from "./host-process.ts";
import { imageImporter, type ImageImporter } from "./image-import.ts";
import { removeRemains } from "./private-teardown.ts";
import { type PrivateContainerd, startPrivateContainerd } from "./private-containerd.ts";

const deps = { files: nodeFiles, processes: nodeProcesses, mounts: nodeMounts(), clock: systemClock, logger: silentLogger };
const testImage = "keles.dev/test-shell:1";

const skip = await detectHostParts({ files: nodeFiles, processes: nodeProcesses, uid: process.getuid?.() ?? -1 }).then(
  async () => ((await nodeProcesses.find("busybox")) === undefined ? "this machine lacks busybox (Debian package busybox-static)" : undefined),
  (error: unknown) => (error as Error).message,
);

interface Host {
  readonly containerd: PrivateContainerd;
  readonly connection: RuntimeConnection;
  readonly importer: ImageImporter;
  readonly archive: ImageArchive;
  readonly folder: string;
  readonly sandboxDefaults: Partial<PodSandboxConfig>;
  readonly dispose: () => Promise<void>;
}

async function startHost(processes: Processes = nodeProcesses): Promise<Host> {
  const folder = await mkdtemp(join(tmpdir(), "keles-containerd-"));
  const containerd = await startPrivateContainerd({ dataDir: folder, runDir: join(folder, "run") }, { ...deps, processes });
  const connection = connectRuntime({ socket: containerd.socket });
  const importer = imageImporter({ socket: containerd.socket, ctr: containerd.host.ctr, snapshotter: containerd.snapshotter }, { ...deps, images: connection.images });
  const pause = await writePauseImage(join(folder, "pause.tar"));
  await importer.importImages(pause.path, { images: pause.images, pinned: true });
  const archive = await writeTestImage(join(folder, "test.tar"));
  const cgroup = `keles-test-${folder.slice(folder.lastIndexOf("-") + 1)}`;
  return {
    containerd,
    connection,
    importer,
    archive,
    folder,
    sandboxDefaults: { logDirectory: join(folder, "logs"), linux: { cgroupParent: `/${cgroup}` } },
    async dispose() {
      importer.close();
      connection.close();
      await containerd.stop();
      for (const path of await cgroupFolders(cgroup)) await nodeProcesses.run("rmdir", [path]);
      await nodeFiles.remove(folder);
    },
  };
}

async function cgroupFolders(name: string): Promise<readonly string[]> {
  const { stdout } = await nodeProcesses.run("find", ["/sys/fs/cgroup", "-depth", "-type", "d", "-path", `*/${name}*`]);
  return stdout.split("\n").filter((path) => path !== "");
}

async function writeTestImage(path: string): Promise<ImageArchive> {
  const busybox = (await nodeProcesses.find("busybox")) ?? "";
  const layer = await layerBlob([
    { type: "folder", path: "bin" },
    { type: "file", path: "bin/busybox", mode: 0o755, content: await readFile(busybox) },
    ...["sh", "sleep", "true", "echo", "cat"].map((name) => ({ type: "link", path: `bin/${name}`, target: "busybox" }) as const),
  ]);
  return writeImageArchive(path, [
    { name: testImage, platforms: [{ architecture: machineArchitecture(), layers: [layer], settings: { entrypoint: ["/bin/sh"], environment: ["PATH=/bin"] } }] },
  ]);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = systemClock.now() + 10_000;
  while (!(await condition())) {
    if (systemClock.now() > end) throw new Error("it never came to be");
    await sleep(systemClock, 20);
  }
}

runtimeContract(
  "containerd",
  async (): Promise<RuntimeUnderTest> => {
    const { connection, importer, archive, sandboxDefaults, dispose } = await startHost();
    return {
      runtime: connection.runtime,
      images: connection.images,
      image: testImage,
      bringImage: async () => void (await importer.importImages(archive.path, { images: archive.images })),
      sandboxDefaults,
      settled: (work) => work,
      until,
      dispose,
    };
  },
  { skip },
);

describe.skipIf(skip !== undefined)(`a private containerd${skip === undefined ? "" : ` (skipped: ${skip})`}`, () => {
  let host: Host;
  beforeAll(async () => {
    host = await startHost();
    await host.importer.importImages(host.archive.path);
  });
  afterAll(() => host?.dispose());

  const runContainer = async (uid: string, command: readonly string[], on: Host = host) => {
    const { runtime } = on.connection;
    const config: PodSandboxConfig = {
      ...on.sandboxDefaults,
      metadata: { name: "web", namespace: "default", uid, attempt: 0 },
      linux: { ...on.sandboxDefaults.linux, securityContext: { namespaceOptions: { network: "NODE", pid: "CONTAINER", ipc: "POD" } } },
    };
    const sandbox = await runtime.runPodSandbox(config);
    const container = await runtime.createContainer(
      sandbox,
      {
        metadata: { name: "main", attempt: 0 },
        image: { image: testImage },
        command,
        logPath: `${uid}.log`,
        linux: { securityContext: { namespaceOptions: { network: "NODE" } } },
      },
      config,
    );
    await runtime.startContainer(container);
    return { sandbox, container };
  };

  it("stands in a session of its own", async () => {
    const stat = await readFile(`/proc/${host.containerd.pid()}/stat`, "utf8");
    const [, , group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    expect([group, session]).toEqual([`${host.containerd.pid()}`, `${host.containerd.pid()}`]);
  });

  it("is taken over by the next start, and replaced when its configuration changes, with its pods running on", async () => {
    const { container } = await runContainer("kept", ["/bin/sh", "-c", "sleep 3600"]);
    const pid = host.containerd.pid();
    const options = { dataDir: host.folder, runDir: join(host.folder, "run") };
    const second = await startPrivateContainerd(options, deps);
    expect([second.adopted, second.pid()]).toEqual([true, pid]);
    const third = await startPrivateContainerd({ ...options, maxContainerLogLineBytes: 8_192 }, deps);
    expect(third.adopted).toBe(false);
    expect(third.pid()).not.toBe(pid);
    expect(await readProcess(pid)).toBeUndefined();
    const { status } = await host.connection.runtime.containerStatus(container);
    expect(status?.state).toBe("CONTAINER_RUNNING");
  });

  it("is started again when it ends", async () => {
    const options = { dataDir: host.folder, runDir: join(host.folder, "run") };
    const supervised = await startPrivateContainerd(options, deps);
    const stop = new AbortController();
    const running = supervised.run(stop.signal);
    const first = supervised.pid();
    const found = await readProcess(first);
    if (found !== undefined) await signalProcess(found, "SIGKILL");
    await until(async () => supervised.pid() !== first);
    expect((await host.connection.runtime.version()).runtimeName).toBe("containerd");
    stop.abort();
    await running;
  });

  it("writes containers' logs and gives back what commands say", async () => {
    const { container } = await runContainer("talks", ["/bin/sh", "-c", "echo out; echo err >&2; sleep 3600"]);
    const logPath = join(host.folder, "logs", "talks.log");
    await until(async () => (await readFile(logPath, "utf8")).split("\n").length > 2);
    const lines = (await readFile(logPath, "utf8")).trim().split("\n").sort();
    expect(lines.map((line) => line.split(" ").slice(1).join(" ")).sort()).toEqual(["stderr F err", "stdout F out"]);
    const answer = await host.connection.runtime.execSync(container, ["/bin/sh", "-c", "echo inside; echo wrong >&2; exit 5"], 5);
    expect({ ...answer, stdout: Buffer.from(answer.stdout ?? []).toString(), stderr: Buffer.from(answer.stderr ?? []).toString() }).toEqual({
      stdout: "inside\n",
      stderr: "wrong\n",
      exitCode: 5,
    });
    await expect(host.connection.runtime.execSync(container, ["/bin/sleep", "30"], 1)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });

  it("gives the sandbox's first process the burial of orphans", async () => {
    const { runtime } = host.connection;
    const config: PodSandboxConfig = {
      ...host.sandboxDefaults,
      metadata: { name: "shared", namespace: "default", uid: "shared", attempt: 0 },
      linux: { ...host.sandboxDefaults.linux, securityContext: { namespaceOptions: { network: "NODE", pid: "POD", ipc: "POD" } } },
    };
    const sandbox = await runtime.runPodSandbox(config);
    const main = await runtime.createContainer(
      sandbox,
      {
        metadata: { name: "main", attempt: 0 },
        image: { image: testImage },
        command: ["/bin/sh", "-c", "sleep 3600"],
        linux: { securityContext: { namespaceOptions: { network: "NODE", pid: "POD" } } },
      },
      config,
    );
    await runtime.startContainer(main);
    // The inner shell leaves a child behind, which the sandbox's first process must bury.
    await runtime.execSync(main, ["/bin/sh", "-c", "(sleep 0.05 &) ; sleep 0.2"], 5);
    const { stdout } = await runtime.execSync(main, ["/bin/sh", "-c", "cat /proc/[0-9]*/stat"], 5);
    const names = Buffer.from(stdout ?? [])
      .toString()
      .trim()
      .split("\n");
    expect(names.filter((line) => line.startsWith("1 (pause)"))).toHaveLength(1);
    expect(names.filter((line) => line.includes(") Z "))).toEqual([]);
    const started = Date.now();
    await runtime.stopPodSandbox(sandbox);
    expect(Date.now() - started).toBeLessThan(9_000);
  });

  it("knows images by name and digest, pinned where asked", async () => {
    const images = containerdImages({ socket: host.containerd.socket });
    try {
      const pause = await images.get("keles.dev/pause:1");
      expect(pause?.labels).toMatchObject({ "io.cri-containerd.pinned": "pinned", "io.cri-containerd.image": "managed" });
      const names = (await images.list()).map(({ name }) => name);
      expect(names).toContain(`keles.dev/pause@${pause?.target.digest}`);
      expect(await host.importer.has(host.archive.images)).toBe(true);
      expect(await host.importer.has([{ name: testImage, digest: "sha256:0" }])).toBe(false);
    } finally {
      images.close();
    }
  });

  it("refuses a tar without images", async () => {
    await writeFile(join(host.folder, "empty.tar"), new Uint8Array(1_024));
    await expect(host.importer.importImages(join(host.folder, "empty.tar"))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("copies files where the file system bears no overlay", async () => {
    const withoutOverlay: Processes = {
      find: (command, alsoIn) => nodeProcesses.find(command, alsoIn),
      run: async (command, args, options) => (args.includes("overlay") ? { code: 32, stdout: "", stderr: "wrong fs type" } : nodeProcesses.run(command, args, options)),
    };
    const other = await startHost(withoutOverlay);
    try {
      expect(other.containerd.snapshotter).toBe("native");
      await other.importer.importImages(other.archive.path);
      const { container } = await runContainer("native", ["/bin/sh", "-c", "exit 6"], other);
      await until(async () => (await other.connection.runtime.containerStatus(container)).status?.exitCode === 6);
      expect((await deps.mounts.below(other.folder)).filter((point) => point.includes("overlay"))).toEqual([]);
    } finally {
      await other.dispose();
    }
  });

  it("ends with everything that it made, also when it was killed", async () => {
    const other = await startHost();
    await mkdir(join(other.folder, "logs"), { recursive: true });
    await other.importer.importImages(other.archive.path);
    const config: PodSandboxConfig = {
      ...other.sandboxDefaults,
      metadata: { name: "left", namespace: "default", uid: "left", attempt: 0 },
      linux: { ...other.sandboxDefaults.linux, securityContext: { namespaceOptions: { network: "NODE" } } },
    };
    await other.connection.runtime.runPodSandbox(config);
    const daemon = await readProcess(other.containerd.pid());
    if (daemon !== undefined) await signalProcess(daemon, "SIGKILL");
    // Without the daemon: what it ran is ended and unmounted all the same.
    const stateDir = other.containerd.socket.slice(0, other.containerd.socket.lastIndexOf("/"));
    await removeRemains({ rootDir: join(other.folder, "containerd", "root"), stateDir, socket: other.containerd.socket }, deps);
    expect((await listProcesses()).filter(({ args }) => args.includes(other.containerd.socket))).toEqual([]);
    expect(await deps.mounts.below(other.folder)).toEqual([]);
    await other.dispose();
    const left = (await listProcesses()).filter(({ args }) => args.some((arg) => arg.includes(other.folder)));
    expect(left).toEqual([]);
    expect(await deps.mounts.below(other.folder)).toEqual([]);
    expect(await nodeFiles.stat(other.folder)).toBeUndefined();
    await rm(other.folder, { recursive: true, force: true });
  });
});

describe("connectRuntime", () => {
  it("says that nothing answers", async () => {
    const connection = connectRuntime({ socket: "/nonexistent/keles.sock", connectTimeoutMs: 100 });
    await expect(connection.runtime.version()).rejects.toMatchObject({ name: "RuntimeError", code: "UNAVAILABLE" });
    connection.close();
  });
});
