import { constants, createDeflate, deflateSync, type ZlibOptions } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Inflater } from "./inflate.ts";
import { spdyDictionary } from "./spdy-dictionary.ts";

/** The parts as one zlib stream, flushed after each. */
async function deflated(parts: readonly Uint8Array[], options: ZlibOptions): Promise<Uint8Array[]> {
  const deflate = createDeflate(options);
  const out: Uint8Array[] = [];
  let gathered: Buffer[] = [];
  deflate.on("data", (chunk: Buffer) => gathered.push(chunk));
  for (const part of parts) {
    deflate.write(part);
    await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    out.push(Buffer.concat(gathered));
    gathered = [];
  }
  deflate.destroy();
  return out;
}

const inflater = (mostBytes = 1 << 20): Inflater => new Inflater({ dictionary: spdyDictionary, mostBytes });

const text = fc.array(fc.constantFrom("stdin", "stdout", "streamtype", "content-type", "\0", "x"), { maxLength: 60 }).map((words) => Buffer.from(words.join("")));
const anyParts = fc.array(fc.oneof(text, fc.uint8Array({ maxLength: 300 })), { minLength: 1, maxLength: 6 });

describe("inflate", () => {
  it("undoes what zlib does, part by part, at every level and strategy, with and without the dictionary", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyParts,
        fc.integer({ min: 0, max: 9 }),
        fc.constantFrom(constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY),
        fc.boolean(),
        async (parts, level, strategy, dictionary) => {
          const tested = inflater();
          for (const [index, part] of (await deflated(parts, { level, strategy, ...(dictionary ? { dictionary: spdyDictionary } : {}) })).entries())
            expect(Buffer.from(tested.inflate(part)).equals(parts[index] ?? new Uint8Array())).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("remembers more than one window's worth, and no more", async () => {
    const parts = Array.from({ length: 5 }, (_, index) => Buffer.from(`${index}`.repeat(3).padEnd(20_000, "a quick brown fox ")));
    const tested = inflater();
    for (const [index, part] of (await deflated(parts, { level: 9 })).entries()) expect(Buffer.from(tested.inflate(part)).equals(parts[index] ?? Buffer.of())).toBe(true);
  });

  it.each([
    ["not zlib", Buffer.from("GET / HTTP/1.1")],
    ["cut short", deflateSync(Buffer.from("hello, hello, hello")).subarray(0, 8)],
    ["beyond the beginning", Buffer.from([0x78, 0x01, 0x03, 0x02, 0x00])],
    ["too big", deflateSync(Buffer.alloc(100_000))],
  ])("throws: %s", (_name, bytes) => {
    expect(() => inflater(50_000).inflate(bytes)).toThrow();
  });

  it("never hangs or breaks in another way on garbage", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        try {
          inflater(10_000).inflate(Buffer.concat([Buffer.from([0x78, 0x01]), garbage]));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });
});
