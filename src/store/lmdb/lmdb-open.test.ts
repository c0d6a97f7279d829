import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StoreCorruptedError, StoreInUseError } from "./errors.ts";
import { LmdbStore } from "./lmdb-store.ts";

describe("opening a data directory", () => {
  let folder: string;
  let path: string;
  const dataFile = (): string => join(path, "data.mdb");
  const failure = async (): Promise<unknown> =>
    LmdbStore.open({ path }).then(
      (store) => store.close().then(() => "opened"),
      (error: unknown) => error,
    );
  /** A store that was closed in good order. */
  const fill = async (commits = 3): Promise<void> => {
    const store = await LmdbStore.open({ path });
    for (let index = 0; index < commits; index += 1) await store.commit([{ type: "put", key: `/a/${index}`, value: Buffer.alloc(3_000, index) }]);
    await store.close();
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "keles-open-"));
    path = join(folder, "a", "data");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("makes it, for its owner only", async () => {
    await fill();
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(existsSync(join(path, "keles.lock"))).toBe(false);
  });

  describe("that is in use", () => {
    it("fails in the same process, until it is closed", async () => {
      const store = await LmdbStore.open({ path });
      const error = await failure();
      expect(error).toBeInstanceOf(StoreInUseError);
      expect(error).toMatchObject({ path, pid: process.pid });
      expect(String(error)).toContain(`process ${process.pid}`);
      await store.commit([{ type: "put", key: "/a", value: Buffer.from("1") }]);
      await store.close();
      expect(await failure()).toBe("opened");
    });

    it("fails while another process lives, and takes over when it has died", async () => {
      mkdirSync(path, { recursive: true });
      const other = spawn(process.execPath, ["-e", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "ignore"] });
      await once(other, "spawn");
      const start = process.platform === "linux" ? readFileSync(`/proc/${other.pid}/stat`, "utf8").split(" ")[21] : "-";
      writeFileSync(join(path, "keles.lock"), `${other.pid} ${start}\n`);
      expect(await failure()).toMatchObject({ name: "StoreInUseError", pid: other.pid });
      other.kill("SIGKILL");
      await once(other, "exit");
      expect(await failure()).toBe("opened");
    });

    it.runIf(process.platform === "linux")("is not fooled by a pid that was used again", async () => {
      mkdirSync(path, { recursive: true });
      for (const lock of [`${process.pid} 1\n`, `${process.ppid} 1\n`, "", "garbage"]) {
        writeFileSync(join(path, "keles.lock"), lock);
        expect(await failure()).toBe("opened");
      }
    });
  });

  describe("that holds something wrong", () => {
    it.each([
      ["text", Buffer.from("hello world")],
      ["zeros", Buffer.alloc(100_000)],
      ["noise", Buffer.alloc(100_000, 5)],
    ])("refuses a file of %s", async (_, content) => {
      mkdirSync(path, { recursive: true });
      writeFileSync(dataFile(), content);
      const error = await failure();
      expect(error).toBeInstanceOf(StoreCorruptedError);
      expect((error as StoreCorruptedError).remedy).toContain("choose another data directory");
      expect(existsSync(join(path, "keles.lock"))).toBe(false);
      expect(readFileSync(dataFile())).toEqual(content);
    });

    it("takes an empty file for a new store", async () => {
      mkdirSync(path, { recursive: true });
      writeFileSync(dataFile(), "");
      expect(await failure()).toBe("opened");
    });

    it("refuses a database of something else", async () => {
      const foreign = open({ path, encoding: "binary", keyEncoding: "binary" });
      await foreign.put(Buffer.from("theirs"), Buffer.from("data"));
      await foreign.close();
      expect(await failure()).toMatchObject({ name: "StoreCorruptedError", remedy: "choose another data directory" });
    });

    it.each([
      ['{"format":2}', "format 2", "use the version of keles that wrote it"],
      ['{"format":1,"restoring":true}', "interrupted", "remove the directory and restore again"],
      ["noise", "format undefined", "use the version of keles that wrote it"],
    ])("refuses the mark %s", async (mark, problem, remedy) => {
      await fill();
      const database = open({ path, encoding: "binary", keyEncoding: "binary" });
      await database.put(Buffer.from("keles"), Buffer.from(mark));
      await database.close();
      const error = await failure();
      expect(error).toMatchObject({ name: "StoreCorruptedError", remedy });
      expect(String(error)).toContain(problem);
    });

    it("refuses a file that is cut short", async () => {
      await fill(1_000);
      truncateSync(dataFile(), 64 * 1024);
      const error = await failure();
      expect(error).toMatchObject({ name: "StoreCorruptedError", remedy: "restore the newest backup into an empty data directory" });
      expect(String(error)).toContain("cut short");
    });

    it("refuses a file whose pages were wiped, or says so when it meets them", async () => {
      await fill(50);
      const { size } = statSync(dataFile());
      truncateSync(dataFile(), 8_192);
      truncateSync(dataFile(), size);
      expect(await failure()).toBeInstanceOf(StoreCorruptedError);
    });

    it("refuses to restore into a store that is not empty", async () => {
      await fill();
      const store = await LmdbStore.open({ path: join(folder, "other") });
      await expect(LmdbStore.restore(store.snapshot(new AbortController().signal), { path })).rejects.toMatchObject({
        name: "StoreCorruptedError",
        remedy: "restore into an empty data directory",
      });
      await store.close();
      expect(await failure()).toBe("opened");
    });

    it("refuses a restore that broke off", async () => {
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from("keles-snapshot 1\n");
        await Promise.reject(new Error("the line went dead"));
      };
      await expect(LmdbStore.restore(broken(), { path })).rejects.toThrow("the line went dead");
      expect(String(await failure())).toContain("interrupted");
    });
  });
});
