import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeFiles } from "../../platform/node/files.ts";
import type { Processes } from "../../platform/processes.ts";
import { boundLog, logTail } from "./bounded-log.ts";
import { containerdConfig, type ContainerdSettings } from "./containerd-config.ts";
import { cgroupVersion, detectHostParts, hasCapability, isUserNamespace, MissingHostPart } from "./host-parts.ts";
import { type HostProcess, isAlive, readProcess, withDescendants } from "./host-process.ts";
import { namesOf } from "./image-archive.ts";
import { hostsToml, writeRegistryHosts } from "./registry-hosts.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keles-host-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("detectHostParts", () => {
  const machine = (programs: readonly string[], files: Readonly<Record<string, string>>, cni: readonly string[]) => ({
    files: {
      readIfPresent: async (path: string) => (files[path] === undefined ? undefined : new TextEncoder().encode(files[path])),
      list: async (path: string) => (path === "/usr/lib/cni" ? cni : []),
    },
    processes: {
      find: async (name: string) => (programs.includes(name) ? `/usr/bin/${name}` : undefined),
      run: async () => ({ code: 0, stdout: "containerd 1.6.20\n", stderr: "" }),
    } satisfies Processes,
    uid: 0,
  });
  const proc = {
    "/proc/self/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n",
    "/proc/self/uid_map": "         0          0 4294967295\n",
    "/proc/self/status": "Name:\tnode\nCapEff:\t000001ffffffffff\n",
  };
  const all = ["containerd", "ctr", "containerd-shim-runc-v2", "runc", "mount"];
  const plugins = ["bridge", "host-local", "loopback", "portmap"];

  it("names all that is missing with its package", async () => {
    const wanted = detectHostParts({ ...machine(["mount", "ctr"], {}, []), uid: 1000 });
    await expect(wanted).rejects.toBeInstanceOf(MissingHostPart);
    await expect(wanted).rejects.toThrow(
      "this machine lacks the rights of root, containerd (Debian package containerd), containerd-shim-runc-v2 (Debian package containerd), runc (Debian package runc), " +
        "CNI plugins (Debian package containernetworking-plugins), a cgroup file system at /sys/fs/cgroup; try: apt-get install containerd runc containernetworking-plugins",
    );
  });

  it("takes runc before crun, and what the kernel allows", async () => {
    const parts = await detectHostParts(machine([...all, "crun"], proc, plugins));
    expect(parts).toMatchObject({
      runtimes: [
        { name: "runc", binary: "/usr/bin/runc" },
        { name: "crun", binary: "/usr/bin/crun" },
      ],
      cniBinDir: "/usr/lib/cni",
      cgroup: "v2",
      canLowerOomScore: true,
      inUserNamespace: false,
    });
    const restricted = await detectHostParts(machine(all, { ...proc, "/proc/self/status": "CapEff:\t000001fffeffffff\n" }, plugins));
    expect(restricted.canLowerOomScore).toBe(false);
  });

  it("reads the kernel's tables", () => {
    expect(cgroupVersion("cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n")).toBe("v1");
    expect(cgroupVersion("proc /proc proc rw 0 0\n")).toBeUndefined();
    expect(hasCapability("CapEff:\t0000000001000000\n", 24n)).toBe(true);
    expect(hasCapability("", 24n)).toBe(false);
    expect(isUserNamespace("         0       1000          1\n")).toBe(true);
  });
});

describe("containerdConfig", () => {
  const settings: ContainerdSettings = {
    comment: ["containerd 1"],
    rootDir: "/d/root",
    stateDir: "/run/k",
    socket: "/run/k/s",
    sandboxImage: "keles.dev/pause:1",
    snapshotter: "native",
    runtimes: [{ name: "runc", binary: "/usr/sbin/runc" }],
    cniBinDir: "/usr/lib/cni",
    cniConfDir: "/d/cni",
    registryHostsDir: "/d/hosts",
    canLowerOomScore: false,
    inUserNamespace: true,
    maxContainerLogLineBytes: 1024,
  };
  it("follows what the machine allows", () => {
    const text = containerdConfig(settings);
    for (const line of [
      "# containerd 1",
      "oom_score = 0",
      "restrict_oom_score_adj = true",
      "enable_unprivileged_ports = false",
      `snapshotter = "native"`,
      `Root = "/run/k/oci-runc"`,
    ])
      expect(text.split("\n")).toContain(line);
    const free = containerdConfig({ ...settings, canLowerOomScore: true, inUserNamespace: false }).split("\n");
    for (const line of ["oom_score = -999", "restrict_oom_score_adj = false", "enable_unprivileged_ports = true"]) expect(free).toContain(line);
  });

  it("quotes paths", () => {
    expect(containerdConfig({ ...settings, rootDir: '/d "x"/root' })).toContain(String.raw`root = "/d \"x\"/root"`);
  });
});

describe("writeRegistryHosts", () => {
  it("writes the mirrors and takes away its own files only", async () => {
    const hosts = join(folder, "hosts.d");
    await nodeFiles.mkdir(join(hosts, "mine.example"));
    await writeFile(join(hosts, "mine.example", "hosts.toml"), "server = 'x'\n");
    await writeRegistryHosts(hosts, { "docker.io": ["http://127.0.0.1:5000", "https://mirror"], _default: ["http://all"] }, nodeFiles);
    expect(await readFile(join(hosts, "docker.io", "hosts.toml"), "utf8")).toBe(hostsToml("docker.io", ["http://127.0.0.1:5000", "https://mirror"]));
    expect(hostsToml("docker.io", ["http://m"])).toContain('server = "https://registry-1.docker.io"');
    expect(hostsToml("_default", ["http://m"])).not.toContain("server");
    await writeRegistryHosts(hosts, {}, nodeFiles);
    expect(await nodeFiles.list(hosts)).toEqual(["mine.example"]);
    await expect(writeRegistryHosts(hosts, { "../up": [] }, nodeFiles)).rejects.toThrow("not a registry's name");
  });
});

describe("boundLog", () => {
  it("moves what is too much aside, in place", async () => {
    const path = join(folder, "log");
    await writeFile(path, "0123456789");
    const { ino } = await stat(path);
    await boundLog(path, 10);
    expect((await stat(path)).size).toBe(10);
    await boundLog(path, 9);
    expect(await stat(path)).toMatchObject({ size: 0, ino });
    expect(await logTail(`${path}.1`, 4)).toBe("6789");
    await boundLog(join(folder, "none"), 1);
  });
});

describe("host processes", () => {
  it("tells a process from a later one with its pid", async () => {
    const self = await readProcess(process.pid);
    expect(self?.pid).toBe(process.pid);
    if (self === undefined) return;
    expect(await isAlive(self)).toBe(true);
    expect(await isAlive({ ...self, startTicks: "1" })).toBe(false);
    expect(await readProcess(2 ** 22 + 1)).toBeUndefined();
  });

  it("finds all that descend from a process", () => {
    const make = (pid: number, parentPid: number): HostProcess => ({ pid, parentPid, startTicks: "", args: [] });
    const [a, b, c, d] = [make(10, 1), make(11, 10), make(12, 11), make(13, 1)];
    expect(
      withDescendants([d, c, b, a], [a])
        .map(({ pid }) => pid)
        .sort(),
    ).toEqual([10, 11, 12]);
  });
});

describe("namesOf", () => {
  it("reads OCI's and docker's lists", () => {
    const index = { manifests: [{ annotations: { "io.containerd.image.name": "keles.dev/a:1" } }, {}] };
    expect(namesOf(index, undefined)).toEqual(["keles.dev/a:1"]);
    expect(namesOf(index, [{ RepoTags: ["other:1"] }])).toEqual(["keles.dev/a:1"]);
    expect(namesOf({ manifests: [{}] }, [{ RepoTags: ["busybox", "busybox:latest"] }, { RepoTags: null }])).toEqual(["docker.io/library/busybox:latest"]);
    expect(namesOf(undefined, "nonsense")).toEqual([]);
  });
});
