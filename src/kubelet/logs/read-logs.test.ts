import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { MemoryFiles } from "../../platform/sim/memory-files.ts";
import { parseLogLine } from "./log-line.ts";
import { readLogs, type LogOptions } from "./read-logs.ts";
import { tailOffset } from "./tail-offset.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const entry = (second: number, text: string, stream = "stdout", tag = "F"): string => `2026-01-01T00:00:0${second}.000000000Z ${stream} ${tag} ${text}\n`;
const sample = entry(1, "one") + entry(2, "two", "stderr") + entry(3, "thr", "stdout", "P") + entry(3, "ee") + entry(4, "four");

async function setUp(
  content: string,
): Promise<{ readonly clock: VirtualClock; readonly files: MemoryFiles; readonly read: (options?: LogOptions, isRunning?: () => boolean) => Promise<string> }> {
  const clock = new VirtualClock({ startMs: Date.UTC(2026, 0, 1, 0, 0, 5), turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const files = new MemoryFiles({}, { clock });
  await files.mkdir("/log");
  await files.write("/log/0.log", content);
  const { signal } = new AbortController();
  return {
    clock,
    files,
    async read(options = {}, isRunning = () => false) {
      let text = "";
      for await (const chunk of readLogs("/log/0.log", options, { files, clock, isRunning, signal })) text += decoder.decode(chunk);
      return text;
    },
  };
}

describe("parseLogLine", () => {
  it.each([
    ["2026-01-01T00:00:00Z stdout F hello world", "stdout", false, "hello world\n"],
    ["2026-01-01T00:00:00Z stderr P part", "stderr", true, "part"],
    ["2026-01-01T00:00:00Z stdout F:x tagged", "stdout", false, "tagged\n"],
    ["2026-01-01T00:00:00Z stdout F ", "stdout", false, "\n"],
  ])("%s", (text, stream, partial, content) => {
    const line = parseLogLine(encoder.encode(text));
    expect(line).toMatchObject({ stream, partial });
    expect(decoder.decode(line?.content)).toBe(content);
  });
  it.each(["", "x", "2026 x F y"])("%o is none", (text) => expect(parseLogLine(encoder.encode(text))).toBeUndefined());
});

it.each([
  ["a\nb\nc\n", 1, 4],
  ["a\nb\nc\n", 2, 2],
  ["a\nb\nc\n", 9, 0],
  ["a\nb\nc", 1, 4],
  ["a\n", 0, 2],
  ["", 3, 0],
])("the end of %o by %i lines begins at %i", async (text, lines, offset) => {
  const bytes = encoder.encode(text);
  expect(await tailOffset({ readAt: async (_path, from, length) => bytes.slice(from, from + length) }, "", { size: bytes.length, lines })).toBe(offset);
});

describe("readLogs", () => {
  it.each<readonly [LogOptions, string]>([
    [{}, "one\ntwo\nthree\nfour\n"],
    [{ stream: "Stderr" }, "two\n"],
    [{ tailLines: 1 }, "four\n"],
    [{ tailLines: 0 }, ""],
    [{ sinceSeconds: 2 }, "three\nfour\n"],
    [{ sinceTime: "2026-01-01T00:00:04Z" }, "four\n"],
    [{ limitBytes: 6 }, "one\ntw"],
    [{ timestamps: true, sinceSeconds: 2 }, "2026-01-01T00:00:03.000000000Z three\n2026-01-01T00:00:04.000000000Z four\n"],
  ])("%o", async (options, expected) => {
    const { read } = await setUp(sample);
    expect(await read(options)).toBe(expected);
  });

  it("is empty without a file", async () => {
    const { files, read } = await setUp("");
    await files.remove("/log/0.log");
    expect(await read()).toBe("");
  });

  it("follows until the container has ended, also through a rotation", async () => {
    const { clock, files, read } = await setUp(entry(1, "one"));
    let running = true;
    const text = read({ follow: true }, () => running);
    await clock.advance(200);
    await files.append("/log/0.log", entry(2, "two"));
    await files.rename("/log/0.log", "/log/0.log.20260101-000000");
    await files.write("/log/0.log", entry(3, "three"));
    await clock.advance(3000);
    await files.append("/log/0.log", entry(4, "four"));
    running = false;
    await clock.advance(3000);
    expect(await text).toBe("one\ntwo\nthree\nfour\n");
  });

  it("waits for the first line when it follows", async () => {
    const { clock, files, read } = await setUp("");
    await files.remove("/log/0.log");
    let running = true;
    const text = read({ follow: true }, () => running);
    await clock.advance(500);
    await files.write("/log/0.log", entry(1, "late"));
    running = false;
    await clock.advance(2000);
    expect(await text).toBe("late\n");
  });
});
