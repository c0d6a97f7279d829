import { expect, it } from "vitest";
import { FileError } from "../files.ts";
import { MemoryFiles } from "./memory-files.ts";

const make = (): MemoryFiles => new MemoryFiles({}, { clock: { now: () => 7 } });
const text = async (files: MemoryFiles, path: string): Promise<string> => new TextDecoder().decode(await files.read(path));

it("writes, appends, reads parts and lists in order", async () => {
  const files = make();
  await files.mkdir("/a/b");
  await files.write("/a/b/z", "one\n", { mode: 0o600, uid: 3, gid: 4 });
  await files.append("/a/b/z", "two\n");
  await files.write("/a/b/c", "");
  expect(await files.list("/a/b")).toEqual(["c", "z"]);
  expect(new TextDecoder().decode(await files.readAt("/a/b/z", 4, 3))).toBe("two");
  expect(await files.stat("/a/b/z")).toMatchObject({ type: "file", size: 8, mode: 0o600, uid: 3, gid: 4, modifiedMs: 7 });
  expect(await files.usage("/a")).toBe(8);
});

it("follows links on the way but not at the end of stat, and replaces a link by renaming", async () => {
  const files = make();
  await files.mkdir("/d/..1");
  await files.mkdir("/d/..2");
  await files.write("/d/..1/key", "old");
  await files.write("/d/..2/key", "new");
  await files.symlink("..1", "/d/..data");
  await files.symlink("..data/key", "/d/key");
  expect(await text(files, "/d/key")).toBe("old");
  expect((await files.stat("/d/key"))?.type).toBe("link");
  await files.symlink("..2", "/d/tmp");
  await files.rename("/d/tmp", "/d/..data");
  expect(await text(files, "/d/key")).toBe("new");
});

it("tells what is absent", async () => {
  const files = make();
  expect(await files.readIfPresent("/no")).toBeUndefined();
  expect(await files.stat("/no/way")).toBeUndefined();
  await expect(files.read("/no")).rejects.toThrow(FileError);
  await expect(files.write("/no/way", "x")).rejects.toThrow("ENOENT");
  await files.remove("/no");
});
