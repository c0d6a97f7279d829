import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StoreUnavailableError } from "../contract.ts";
import { LmdbDatabase } from "./database.ts";
import { encodePlace } from "./layout.ts";

const key = (text: string): Uint8Array => Buffer.from(text);
const place = (revision: number): Uint8Array => encodePlace({ revision, op: 0, deleted: false });

describe("LmdbDatabase", () => {
  let path: string;
  let failing: Error | undefined;
  let database: LmdbDatabase;
  const open = (): Promise<LmdbDatabase> => LmdbDatabase.open(path, {}, { confirm: () => (failing === undefined ? Promise.resolve() : Promise.reject(failing)) });
  const held = (): [number, number[]] => [database.view.state.revision, database.view.places(Buffer.alloc(0), undefined, 100).map((each) => each.place.revision)];

  beforeEach(async () => {
    path = mkdtempSync(join(tmpdir(), "keles-database-"));
    failing = undefined;
    database = await open();
    await database.write(
      [
        { table: "index", key: key("/kept"), value: place(2) },
        { table: "index", key: key("/gone"), value: place(2) },
      ],
      { revision: 2, compacted: 0, scrubbed: 0 },
    );
  });
  afterEach(async () => {
    await database.close();
    rmSync(path, { recursive: true, force: true });
  });

  it("keeps a view as it was while transactions go by", async () => {
    const before = database.view.retain();
    await database.write([{ table: "index", key: key("/kept"), value: place(3) }], { revision: 3, compacted: 0, scrubbed: 0 });
    expect(before.place(key("/kept"))?.revision).toBe(2);
    expect(database.view.place(key("/kept"))?.revision).toBe(3);
    before.release();
  });

  it("shows nothing of a transaction whose flush failed, writes no more, and finds the old state when opened again", async () => {
    failing = Object.assign(new Error("Input/output error"), { code: 5 });
    const next = { revision: 3, compacted: 0, scrubbed: 0 };
    const writes = [
      { table: "index", key: key("/kept"), value: place(3) },
      { table: "index", key: key("/new"), value: place(3) },
      { table: "index", key: key("/gone") },
    ] as const;
    await expect(database.write(writes, next)).rejects.toThrow("the store cannot write: Input/output error");
    expect(held()).toEqual([2, [2, 2]]);
    failing = undefined;
    await expect(database.write([], next)).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(database.write([], next)).rejects.toThrow("earlier failure (Input/output error)");
    expect(held()).toEqual([2, [2, 2]]);
    await database.close();
    database = await open();
    expect(held()).toEqual([2, [2, 2]]);
    await database.write(writes, next);
    expect(held()).toEqual([3, [3, 3]]);
  });

  it("notices a log that is out of order", async () => {
    await database.write([{ table: "log", key: key("b"), value: key("2"), append: true }], database.view.state);
    await expect(database.write([{ table: "log", key: key("a"), value: key("1"), append: true }], { revision: 3, compacted: 0, scrubbed: 0 })).rejects.toThrow("out of order");
    expect(held()).toEqual([2, [2, 2]]);
  });
});
