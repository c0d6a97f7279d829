import { sleep, type Clock } from "../../base/clock.ts";
import type { Files } from "../../platform/files.ts";
import { parseLogLine, type LogLine } from "./log-line.ts";
import { tailOffset } from "./tail-offset.ts";

export interface LogOptions {
  readonly follow?: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  /** RFC 3339. */
  readonly sinceTime?: string;
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
  readonly stream?: "All" | "Stdout" | "Stderr";
}

export interface LogDeps {
  readonly files: Pick<Files, "stat" | "readAt" | "list">;
  readonly clock: Clock;
  /** While true, following waits for more. */
  isRunning(): boolean;
  readonly signal: AbortSignal;
}

const blockBytes = 65_536;
const pollMs = 100;
const slowestPollMs = 1000;
const newline = 0x0a;

/**
 * A container's output in chunks of whole lines. Following goes on through rotations and ends when the container has.
 * @upstream staging/src/k8s.io/cri-client/pkg/logs/logs.go ReadLogs
 */
export async function* readLogs(path: string, options: LogOptions, deps: LogDeps): AsyncIterable<Uint8Array> {
  const selection = new LineSelection(options, deps.clock.now());
  for await (const lines of entries(path, options, deps)) {
    const parts: Uint8Array[] = [];
    for (const line of lines) {
      const part = selection.take(line);
      if (part !== undefined) parts.push(part);
    }
    const chunk = concat(parts);
    if (chunk.length > 0) yield chunk;
    if (selection.full) return;
  }
}

/** Which lines are wanted and how they are shown. */
class LineSelection {
  readonly #sinceMs: number;
  readonly #timestamps: boolean;
  readonly #stream: string;
  readonly #open = new Set<string>();
  #left: number;

  constructor(options: LogOptions, nowMs: number) {
    const since = options.sinceTime === undefined ? 0 : Date.parse(options.sinceTime);
    this.#sinceMs = Math.max(since, options.sinceSeconds === undefined ? 0 : nowMs - options.sinceSeconds * 1000);
    this.#timestamps = options.timestamps === true;
    this.#stream = (options.stream ?? "All").toLowerCase();
    this.#left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  }

  get full(): boolean {
    return this.#left <= 0;
  }

  take(line: LogLine): Uint8Array | undefined {
    if (this.full || (this.#stream !== "all" && this.#stream !== line.stream)) return undefined;
    if (this.#sinceMs > 0 && Date.parse(line.timestamp) < this.#sinceMs) return undefined;
    const continues = this.#open.has(line.stream);
    if (line.partial) this.#open.add(line.stream);
    else this.#open.delete(line.stream);
    const text = this.#timestamps && !continues ? concat([new TextEncoder().encode(`${line.timestamp} `), line.content]) : line.content;
    const part = text.length > this.#left ? text.subarray(0, this.#left) : text;
    this.#left -= part.length;
    return part;
  }
}

async function* entries(path: string, options: LogOptions, deps: LogDeps): AsyncIterable<readonly LogLine[]> {
  const { files, clock, signal } = deps;
  let stat = await files.stat(path);
  // The file comes with the container's first line.
  while (stat === undefined && options.follow === true && deps.isRunning() && !signal.aborted) {
    await sleep(clock, pollMs, signal);
    stat = await files.stat(path);
  }
  if (stat === undefined) return;
  let inode = stat.inode;
  let at = path;
  let offset = options.tailLines === undefined ? 0 : await tailOffset(files, path, { size: stat.size, lines: options.tailLines });
  let rest: Uint8Array = new Uint8Array();
  let waitMs = pollMs;
  while (!signal.aborted) {
    // Asked before reading: what was written until then is certainly read.
    const running = deps.isRunning();
    const block = await files.readAt(at, offset, blockBytes);
    if (block.length > 0) {
      waitMs = pollMs;
      offset += block.length;
      const { lines, left } = split(concat([rest, block]));
      rest = left;
      if (lines.length > 0) yield lines;
      continue;
    }
    if (at !== path) {
      // The rotated file is read to its end: on with the new one.
      at = path;
      offset = 0;
      inode = (await files.stat(path))?.inode ?? 0;
      continue;
    }
    if (options.follow !== true || !running) return;
    await sleep(clock, waitMs, signal);
    waitMs = Math.min(waitMs * 2, slowestPollMs);
    const present = await files.stat(path);
    if (present !== undefined && present.inode !== inode) {
      at = (await rotatedFile(files, path, inode)) ?? path;
      if (at === path) {
        offset = 0;
        inode = present.inode;
      }
    } else if (present !== undefined && present.size < offset) offset = 0;
  }
}

/** The name that the file with this inode has got by rotation. */
async function rotatedFile(files: Pick<Files, "stat" | "list">, path: string, inode: number): Promise<string | undefined> {
  const folder = path.slice(0, path.lastIndexOf("/"));
  const base = path.slice(folder.length + 1);
  for (const name of await files.list(folder)) {
    if (name.startsWith(`${base}.`) && (await files.stat(`${folder}/${name}`))?.inode === inode) return `${folder}/${name}`;
  }
  return undefined;
}

function split(bytes: Uint8Array): { readonly lines: readonly LogLine[]; readonly left: Uint8Array } {
  const lines: LogLine[] = [];
  let start = 0;
  for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
    const line = parseLogLine(bytes.subarray(start, end));
    if (line !== undefined) lines.push(line);
    start = end + 1;
  }
  return { lines, left: bytes.subarray(start) };
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
