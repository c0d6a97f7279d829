import { mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sleep } from "../../base/clock.ts";
import { systemClock } from "../../platform/node/clock.ts";
import { nodeNetwork } from "../../platform/node/network.ts";
import { nodeProcesses } from "../../platform/node/processes.ts";
import { demoImageArchive } from "./demo-image.ts";
import { demoServer } from "./demo-server.ts";
import { sharedLibrariesOf } from "./shared-libraries.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keles-demo-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("demoImageArchive", () => {
  // A small stand-in for Node, so that no hundred megabytes are copied.
  const standIn = async (content: string): Promise<string> => {
    const path = join(folder, "node");
    await writeFile(path, content, { mode: 0o755 });
    return path;
  };
  const build = (nodePath: string) => demoImageArchive({ folder: join(folder, "images"), nodePath, architecture: "amd64" }, { processes: nodeProcesses });

  it("is made once, and again when Node changes", async () => {
    const nodePath = await standIn("one");
    const first = await build(nodePath);
    expect(first.images.map(({ name }) => name)).toEqual(["keles.dev/demo:v1", "keles.dev/demo:v2"]);
    const { ino } = await stat(first.path);
    const second = await build(nodePath);
    expect(second).toEqual(first);
    expect((await stat(second.path)).ino).toBe(ino);
    await standIn("another");
    const third = await build(nodePath);
    expect(third.images[0]?.digest).not.toBe(first.images[0]?.digest);
    await expect(stat(first.path)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("has digests that depend on the content alone", async () => {
    const nodePath = await standIn("same");
    const first = await build(nodePath);
    await utimes(nodePath, 1, 1);
    const second = await build(nodePath);
    expect(second.path).not.toBe(first.path);
    expect(second.images).toEqual(first.images);
  });

  it("shares its large layer between the versions", async () => {
    const archive = await build(await standIn("shared"));
    const { stdout } = await nodeProcesses.run("tar", ["-tf", archive.path]);
    // Two manifests, two configurations, one shared and two own layers.
    expect(stdout.split("\n").filter((name) => name.startsWith("blobs/sha256/"))).toHaveLength(7);
    const { stdout: index } = await nodeProcesses.run("tar", ["-xOf", archive.path, "index.json"]);
    const { manifests } = JSON.parse(index) as { readonly manifests: readonly { readonly digest: string; readonly annotations: object }[] };
    expect(manifests.map(({ digest }) => digest)).toEqual(archive.images.map(({ digest }) => digest));
    expect(manifests[1]?.annotations).toEqual({ "io.containerd.image.name": "keles.dev/demo:v2", "org.opencontainers.image.ref.name": "v2" });
  });
});

describe("sharedLibrariesOf", () => {
  it("finds what ldd finds for Node", async (context) => {
    const ldd = (await nodeProcesses.find("ldd")) ?? "";
    context.skip(ldd === "" || process.platform !== "linux", "no ldd on this machine");
    const { stdout } = await nodeProcesses.run(ldd, [process.execPath]);
    const expected = [...stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? "");
    const { files } = await sharedLibrariesOf(process.execPath);
    const names = new Set(files.map((path) => path.slice(path.lastIndexOf("/") + 1)));
    expect(expected.map((path) => path.slice(path.lastIndexOf("/") + 1)).filter((name) => !names.has(name))).toEqual([]);
  });

  it("finds nothing for what is no program", async () => {
    await writeFile(join(folder, "text"), "#!/bin/sh\n");
    expect(await sharedLibrariesOf(join(folder, "text"))).toEqual({ files: [], searchPath: [] });
  });
});

describe("demoServer", () => {
  it("shows version, pod and node, is healthy, and ends when told to", async () => {
    const path = join(folder, "server.mjs");
    await writeFile(path, demoServer("v2"));
    const port = await freePort();
    const child = spawn(process.execPath, [path], {
      env: { PATH: process.env["PATH"] ?? "", PORT: `${port}`, POD_NAME: "web-<1>", NODE_NAME: "n1" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    try {
      await new Promise((resolve) => child.stdout.once("data", resolve));
      const ask = (wanted: string) => nodeNetwork.probeHttp({ scheme: "http", host: "127.0.0.1", port, path: wanted, headers: [], timeoutMs: 5_000 });
      const page = await ask("/");
      expect(page.status).toBe(200);
      for (const text of ["Hello from v2", "web-&#60;1&#62;", "<td>n1</td>"]) expect(page.body).toContain(text);
      expect(await ask("/healthz")).toMatchObject({ status: 200, body: "ok\n" });
    } finally {
      child.kill("SIGTERM");
    }
    expect(await Promise.race([ended, sleep(systemClock, 5_000).then(() => "still runs")])).toBe(0);
    expect(demoServer("v1")).not.toBe(await readFile(path, "utf8"));
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
