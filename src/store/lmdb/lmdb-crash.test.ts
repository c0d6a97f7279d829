import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { LmdbStore } from "./lmdb-store.ts";

const here = dirname(fileURLToPath(import.meta.url));
const WRITERS = 12;
const KEYS = 5;

/** Raising another process's limit takes prlimit of util-linux: elsewhere there is no disk that can be full at will. */
const canLimit = process.platform === "linux" && existsSync("/usr/bin/prlimit");

/**
 * Every writer owns its keys and writes step after step; it tells a step once it is acknowledged. Step 4, 9, … deletes.
 * argv: data directory, the first step of each writer.
 */
const crashChild = `
  import { LmdbStore } from "./lmdb-store.ts";
  const store = await LmdbStore.open({ path: process.argv[2], history: { revisions: 50, ageMs: 0 } });
  const starts = JSON.parse(process.argv[3]);
  await Promise.all(starts.map(async (start, writer) => {
    for (let step = start; ; step += 1) {
      const key = "/w" + writer + "/" + (step % ${KEYS});
      const value = Buffer.alloc(1 + (step * 37) % 5000, String(step) + " ");
      const op = step % 5 === 4 ? { type: "delete", key: "/w" + writer + "/" + ((step + 2) % ${KEYS}) } : { type: "put", key, value };
      const marker = { type: "put", key: "/step/" + writer, value: Buffer.from(String(step)) };
      const revision = await store.commit([op, marker]);
      process.stdout.write(revision + " " + writer + " " + step + "\\n");
    }
  }));
`;

/** Fills the disk, as far as the limit of its process goes, and tells what it saw. */
const fullChild = `
  import { LmdbStore } from "./lmdb-store.ts";
  const store = await LmdbStore.open({ path: process.argv[2], history: { revisions: 1, ageMs: 0 } });
  let acknowledged = 0;
  let error;
  while (error === undefined && acknowledged < 5000) {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => store.commit([{ type: "put", key: "/a/" + (acknowledged + index), value: Buffer.alloc(2000, 1) }])));
    acknowledged += outcomes.filter((outcome) => outcome.status === "fulfilled").length;
    error = outcomes.find((outcome) => outcome.status === "rejected")?.reason;
  }
  const revision = await store.revision();
  const kept = (await store.range("/a/")).entries.length;
  const size = await store.size();
  process.stdout.write("full\\n");
  await new Promise((resolve) => process.stdin.once("data", resolve));
  process.stdin.destroy();
  const later = await store.commit([{ type: "put", key: "/later", value: Buffer.alloc(2000) }]).then(() => "stored", (reason) => reason.message);
  const last = await store.revision();
  await store.close();
  process.stdout.write(JSON.stringify({ acknowledged, error: error?.name, message: error?.message, revision, kept, size, later, last }) + "\\n");
`;

describe("LmdbStore in a process that dies or has no space left", () => {
  let folder: string;
  const programs: Record<"crash" | "full", string> = { crash: "", full: "" };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "keles-crash-"));
    for (const [name, contents] of [
      ["crash", crashChild],
      ["full", fullChild],
    ] as const) {
      programs[name] = join(folder, `${name}.mjs`);
      await build({
        stdin: { contents, resolveDir: here, loader: "ts" },
        outfile: programs[name],
        bundle: true,
        platform: "node",
        format: "esm",
        logLevel: "silent",
        // The bundle lies outside of the repository, where no node_modules is found.
        plugins: [{ name: "lmdb", setup: (bundle) => bundle.onResolve({ filter: /^lmdb$/ }, () => ({ path: import.meta.resolve("lmdb"), external: true })) }],
      });
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("loses nothing that was acknowledged when killed at any instant", async () => {
    const seed = 1;
    const random = seededRandom(seed);
    const path = join(folder, "killed");
    let starts: number[] = Array.from({ length: WRITERS }, () => 0);
    let newest = 1;
    for (let round = 0; round < 6; round += 1) {
      const label = `seed ${seed} round ${round}`;
      const child = spawn(process.execPath, [programs.crash, path, JSON.stringify(starts)], { stdio: ["ignore", "pipe", "inherit"] });
      const exited = once(child, "exit");
      const told = starts.map((start) => start - 1);
      const until = 1 + Math.floor(random.next() * 1_500);
      let count = 0;
      let highest = newest;
      for await (const line of createInterface({ input: child.stdout })) {
        const [revision, writer, step] = line.split(" ").map(Number) as [number, number, number];
        // The pipe may end within a line.
        if (step !== (told[writer] ?? 0) + 1) continue;
        told[writer] = step;
        highest = Math.max(highest, revision);
        count += 1;
        if (count === until) child.kill("SIGKILL");
      }
      expect((await exited)[1], label).toBe("SIGKILL");

      const store = await LmdbStore.open({ path });
      newest = await store.revision();
      expect(newest, label).toBeGreaterThanOrEqual(highest);
      starts = [];
      for (let writer = 0; writer < WRITERS; writer += 1) {
        const marker = (await store.range(`/step/${writer}`)).entries.find((entry) => entry.key === `/step/${writer}`);
        const done = marker === undefined ? -1 : Number(Buffer.from(marker.value).toString());
        // One more step than told may have been on its way.
        expect(done - (told[writer] ?? 0), `${label} writer ${writer}`).toBeGreaterThanOrEqual(0);
        expect(done - (told[writer] ?? 0), `${label} writer ${writer}`).toBeLessThanOrEqual(1);
        const { entries } = await store.range(`/w${writer}/`);
        expect(
          entries.map((entry) => [entry.key, Buffer.from(entry.value).toString()]),
          `${label} writer ${writer}`,
        ).toEqual(stateAfter(writer, done));
        starts.push(done + 1);
      }
      const revisions: number[] = [];
      const controller = new AbortController();
      const oldest = Math.max(1, newest - 50);
      for await (const batch of store.watch("", { since: oldest, signal: controller.signal })) {
        for (const event of batch.events) if (revisions.at(-1) !== event.revision) revisions.push(event.revision);
        if (batch.revision >= newest) break;
      }
      controller.abort();
      expect(revisions, label).toEqual(Array.from({ length: newest - oldest }, (_, index) => oldest + 1 + index));
      newest = await store.commit([{ type: "put", key: "/round", value: Buffer.from(label) }]);
      expect(newest).toBe((revisions.at(-1) ?? 0) + 1);
      await store.close();
    }
  }, 60_000);

  it.skipIf(!canLimit)("refuses commits while there is no space, keeps what it has, and goes on when there is", async () => {
    const path = join(folder, "full");
    // A write above 4 MiB fails (EFBIG) as one to a full disk does.
    const child = spawn("/bin/sh", ["-c", `trap '' XFSZ; ulimit -S -f 8192; exec "$0" "$@"`, process.execPath, programs.full, path], { stdio: ["pipe", "pipe", "ignore"] });
    const exited = once(child, "exit");
    let output = "";
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === "full") {
        execFileSync("prlimit", ["--pid", String(child.pid), "--fsize=unlimited"]);
        child.stdin.write("go on\n");
      } else output = line;
    }
    expect(await exited).toEqual([0, null]);
    const seen = JSON.parse(output) as { acknowledged: number; error: string; revision: number; kept: number; size: number; later: string; last: number };
    expect(seen.error).toBe("StoreUnavailableError");
    expect(seen.acknowledged).toBeGreaterThan(100);
    expect(seen.kept).toBe(seen.acknowledged);
    expect(seen.revision).toBe(1 + seen.acknowledged);
    expect(seen.size).toBeLessThan(5 * 1024 * 1024);
    expect(seen).toMatchObject({ later: "stored", last: seen.revision + 1 });
    const store = await LmdbStore.open({ path });
    expect(await store.revision()).toBe(seen.last);
    expect((await store.range("/later")).entries.length).toBe(1);
    await store.close();
  });
});

/** What a writer's steps up to `last` leave behind. */
function stateAfter(writer: number, last: number): [string, string][] {
  const state = new Map<string, string>();
  for (let step = 0; step <= last; step += 1) {
    if (step % 5 === 4) state.delete(`/w${writer}/${(step + 2) % KEYS}`);
    else state.set(`/w${writer}/${step % KEYS}`, Buffer.alloc(1 + ((step * 37) % 5000), `${step} `).toString());
  }
  return [...state].sort(([a], [b]) => (a < b ? -1 : 1));
}
