import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, bench, describe } from "vitest";
import { LmdbStore } from "./lmdb-store.ts";

// `npx vitest bench src/store/lmdb`. An iteration of the rows with writers is `writers * 40` commits of 1 KiB.
// Measured on 2 shared vCPU (AMD EPYC), ext4, Node 20.20: see README.md.
const folder = mkdtempSync(join(tmpdir(), "keles-bench-"));
const store = await LmdbStore.open({ path: join(folder, "data") });
const raw = openSync(join(folder, "raw"), "w");
const value = new Uint8Array(1_024).fill(7);
let step = 0;

afterAll(async () => {
  closeSync(raw);
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const write = (writer: number): Promise<number> => store.commit([{ type: "put", key: `/registry/pods/default/pod-${writer}-${step++ % 300}`, value }]);

describe("durable commits of 1 KiB", () => {
  bench("the disk alone: append and fdatasync", () => {
    writeSync(raw, value);
    fdatasyncSync(raw);
  });
  bench("1 writer, 1 commit", async () => {
    await write(0);
  });
  for (const writers of [16, 64, 256]) {
    bench(`${writers} writers, ${writers * 40} commits`, async () => {
      await Promise.all(
        Array.from({ length: writers }, async (_, writer) => {
          for (let index = 0; index < 40; index += 1) await write(writer);
        }),
      );
    });
  }
});

describe("reads", () => {
  bench("range of 300 of 1 KiB", async () => {
    await store.range("/registry/pods/default/pod-0-");
  });
  bench("close and open, range of one", async () => {
    const path = join(folder, "small");
    const other = await LmdbStore.open({ path });
    await other.commit([{ type: "put", key: "/a", value }]);
    await other.range("/a");
    await other.close();
  });
});
