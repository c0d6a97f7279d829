import { closeSync, fstatSync, openSync, readdirSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import type { Clock } from "../../base/clock.ts";

export interface RotationOptions {
  readonly path: string;
  /** A file of this size gives way to a new one; 0: never. */
  readonly maxBytes: number;
  /** Old files are deleted after this long; 0: never. */
  readonly maxAgeMs: number;
  /** So many old files are kept; 0: all. */
  readonly maxBackups: number;
}

const DAY_MS = 86_400_000;

/**
 * Lines appended to a file. `audit.log` that is full becomes `audit-2026-01-31T08-00-00.000.log`, as the log rotation
 * that upstream uses names it. What `write` has returned from is the system's, and outlives this process.
 */
export class RotatingLog {
  readonly #options: RotationOptions;
  readonly #clock: Clock;
  #file: number | undefined;
  #bytes = 0;
  #sweptMs = 0;

  /** Throws when the file cannot be opened: its folder must be there. */
  constructor(options: RotationOptions, deps: { readonly clock: Clock }) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#open();
    this.#sweep();
  }

  /** Throws when it cannot be written; the next call opens the file anew. */
  write(text: string): void {
    const { maxBytes } = this.#options;
    const bytes = Buffer.from(text);
    try {
      if (this.#file === undefined) this.#open();
      if (maxBytes > 0 && this.#bytes > 0 && this.#bytes + bytes.length > maxBytes) this.#rotate();
      else if (this.#clock.now() - this.#sweptMs > DAY_MS) this.#sweep();
      for (let at = 0; at < bytes.length && this.#file !== undefined; ) at += writeSync(this.#file, bytes, at);
      this.#bytes += bytes.length;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) closeSync(file);
  }

  #open(): void {
    this.#file = openSync(this.#options.path, "a", 0o600);
    this.#bytes = fstatSync(this.#file).size;
  }

  #rotate(): void {
    const { path } = this.#options;
    this.close();
    const extension = extname(path);
    const stamp = new Date(this.#clock.now()).toISOString().slice(0, 23).replaceAll(":", "-");
    renameSync(path, join(dirname(path), `${basename(path, extension)}-${stamp}${extension}`));
    this.#open();
    this.#sweep();
  }

  /** Deletes old files that are too many or too old. */
  #sweep(): void {
    const { path, maxAgeMs, maxBackups } = this.#options;
    this.#sweptMs = this.#clock.now();
    if (maxAgeMs === 0 && maxBackups === 0) return;
    const extension = extname(path);
    const head = `${basename(path, extension)}-`;
    const old = readdirSync(dirname(path))
      .filter((name) => name.startsWith(head) && name.endsWith(extension))
      .map((name) => ({ name, ms: stampMs(name.slice(head.length, name.length - extension.length)) }))
      .filter((file): file is { name: string; ms: number } => file.ms !== undefined)
      .sort((a, b) => b.ms - a.ms);
    for (const [index, { name, ms }] of old.entries())
      if ((maxBackups > 0 && index >= maxBackups) || (maxAgeMs > 0 && this.#sweptMs - ms > maxAgeMs)) rmSync(join(dirname(path), name), { force: true });
  }
}

/** Milliseconds since the epoch of `2026-01-31T08-00-00.000`; undefined for other texts. */
function stampMs(stamp: string): number | undefined {
  const [, day, hour, minute, rest] = /^(\d{4}-\d{2}-\d{2})T(\d{2})-(\d{2})-(\d{2}\.\d{3})$/.exec(stamp) ?? [];
  const ms = Date.parse(`${day}T${hour}:${minute}:${rest}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}
