import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeFiles } from "./files.ts";
import { pointsBelow } from "./mount-table.ts";
import { nodeMounts } from "./mounts.ts";

describe("nodeFiles", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "keles-files-"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it("replaces a file in one step and keeps its mode", async () => {
    const path = join(root, "a");
    await nodeFiles.write(path, "one", { mode: 0o640 });
    const before = await nodeFiles.stat(path);
    await nodeFiles.write(path, "two", { mode: 0o640 });
    const after = await nodeFiles.stat(path);
    expect(Buffer.from(await nodeFiles.read(path)).toString()).toBe("two");
    expect(after).toMatchObject({ type: "file", size: 3, mode: 0o640 });
    expect(after?.inode).not.toBe(before?.inode);
    expect(await nodeFiles.list(root)).toEqual(["a"]);
  });

  it("leaves no draft behind when a write fails", async () => {
    await nodeFiles.mkdir(join(root, "folder", "inside"));
    await expect(nodeFiles.write(join(root, "folder"), "x")).rejects.toMatchObject({ name: "FileError" });
    expect((await nodeFiles.list(root)).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("tells absence apart from emptiness", async () => {
    await expect(nodeFiles.read(join(root, "none"))).rejects.toMatchObject({ name: "FileError", code: "ENOENT" });
    expect(await nodeFiles.readIfPresent(join(root, "none"))).toBeUndefined();
    expect(await nodeFiles.stat(join(root, "none"))).toBeUndefined();
    expect(await nodeFiles.list(join(root, "none"))).toEqual([]);
    await nodeFiles.remove(join(root, "none"));
  });

  it("reads a range, fewer bytes at the end", async () => {
    await nodeFiles.write(join(root, "range"), "0123456789");
    expect(Buffer.from(await nodeFiles.readAt(join(root, "range"), 3, 4)).toString()).toBe("3456");
    expect(Buffer.from(await nodeFiles.readAt(join(root, "range"), 8, 10)).toString()).toBe("89");
  });

  it("does not follow a link", async () => {
    await nodeFiles.symlink("nowhere", join(root, "link"));
    expect((await nodeFiles.stat(join(root, "link")))?.type).toBe("link");
    expect(await nodeFiles.readlink(join(root, "link"))).toBe("nowhere");
    await nodeFiles.remove(join(root, "link"));
    expect(await nodeFiles.stat(join(root, "link"))).toBeUndefined();
  });

  it("counts a tree's blocks, a file with two names once", async () => {
    const tree = join(root, "tree");
    await nodeFiles.mkdir(tree);
    const empty = await nodeFiles.usage(tree);
    await nodeFiles.write(join(tree, "big"), new Uint8Array(1_000_000));
    const used = await nodeFiles.usage(tree);
    expect(used - empty).toBeGreaterThanOrEqual(1_000_000);
    expect(used - empty).toBeLessThan(1_100_000);
    expect((await nodeFiles.space(tree)).totalBytes).toBeGreaterThan(used);
  });

  it("never removes what is mounted inside", async (context) => {
    if (process.getuid?.() !== 0) context.skip("mounting needs root");
    const mounts = nodeMounts();
    const source = join(root, "source");
    const target = join(root, "outer", "a b", "target");
    await nodeFiles.mkdir(source);
    await nodeFiles.mkdir(target);
    await nodeFiles.write(join(source, "kept"), "kept");
    await mounts.bind(source, target, { readOnly: true });
    try {
      expect(await mounts.below(join(root, "outer"))).toEqual([target]);
      await expect(nodeFiles.remove(join(root, "outer"))).rejects.toMatchObject({ code: "EBUSY" });
      await expect(nodeFiles.write(join(target, "new"), "x")).rejects.toMatchObject({ code: "EROFS" });
    } finally {
      await mounts.unmount(target);
    }
    await mounts.unmount(target);
    await nodeFiles.remove(join(root, "outer"));
    expect(await nodeFiles.list(source)).toEqual(["kept"]);
  });

  it("mounts memory of a given size", async (context) => {
    if (process.getuid?.() !== 0) context.skip("mounting needs root");
    const mounts = nodeMounts();
    const path = join(root, "memory");
    await nodeFiles.mkdir(path);
    await mounts.tmpfs(path, { sizeBytes: 1 << 20, mode: 0o700 });
    try {
      expect((await nodeFiles.space(path)).totalBytes).toBe(1 << 20);
      expect((await nodeFiles.stat(path))?.mode).toBe(0o700);
    } finally {
      await mounts.unmount(path);
    }
    expect(await mounts.below(path)).toEqual([]);
  });
});

describe("pointsBelow", () => {
  const line = (point: string): string => `36 35 98:0 / ${point} rw,noatime master:1 - ext3 /dev/root rw`;
  const table = ["/", "/a", "/a/b\\040c", "/a/b\\040c/d", "/ab"].map(line).join("\n");

  it("lists deepest first and knows the kernel's escapes", () => {
    expect(pointsBelow(table, "/a")).toEqual(["/a/b c/d", "/a/b c", "/a"]);
    expect(pointsBelow(table, "/a/b c/d")).toEqual(["/a/b c/d"]);
    expect(pointsBelow(table, "/")).toHaveLength(5);
  });
});
