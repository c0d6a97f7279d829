import { randomBytes } from "node:crypto";
import type { BigIntStats, Stats } from "node:fs";
import * as fs from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FileError, type Files, type FileStat } from "../files.ts";
import { mountPointsBelow } from "./mount-table.ts";

/** The machine's file system. */
export const nodeFiles: Files = {
  read: (path) => translated(readBytes(path)),
  readIfPresent: (path) => unlessAbsent(translated(readBytes(path)), undefined),
  write: (path, content, options = {}) => translated(replaceFile(path, content, options)),
  append: (path, content) => translated(fs.appendFile(path, content)),
  async mkdir(path, options = {}) {
    await translated(fs.mkdir(path, { recursive: true, mode: options.mode }));
  },
  remove: (path) => translated(removeTree(path)),
  removeEmptyFolder: (path) => unlessAbsent(translated(fs.rmdir(path)), undefined),
  rename: (from, to) => translated(fs.rename(from, to)),
  symlink: (target, path) => translated(fs.symlink(target, path)),
  readlink: (path) => translated(fs.readlink(path)),
  chmod: (path, mode) => translated(fs.chmod(path, mode)),
  chown: (path, uid, gid) => translated(fs.lchown(path, uid, gid)),
  list: (path) => unlessAbsent(translated(listSorted(path)), []),
  stat: (path) => unlessAbsent(translated(statOf(path)), undefined),
  usage: (path) => translated(treeUsage(path)),
  async space(path) {
    const stats = await translated(fs.statfs(path));
    return {
      totalBytes: stats.blocks * stats.bsize,
      availableBytes: stats.bavail * stats.bsize,
      totalInodes: stats.files,
      availableInodes: stats.ffree,
    };
  },
  readAt: (path, offset, length) => translated(readRange(path, offset, length)),
};

async function readBytes(path: string): Promise<Uint8Array> {
  return fs.readFile(path);
}

async function listSorted(path: string): Promise<readonly string[]> {
  return (await fs.readdir(path)).sort();
}

async function replaceFile(path: string, content: Uint8Array | string, options: { readonly mode?: number; readonly uid?: number; readonly gid?: number }): Promise<void> {
  const draft = join(dirname(path), `.${basename(path).slice(0, 200)}.${randomBytes(6).toString("hex")}`);
  try {
    const file = await fs.open(draft, "wx", options.mode ?? 0o644);
    try {
      await file.writeFile(content);
      // The process's umask may have taken bits away.
      if (options.mode !== undefined) await file.chmod(options.mode);
      if (options.uid !== undefined || options.gid !== undefined) await file.chown(options.uid ?? -1, options.gid ?? -1);
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(draft, path);
  } catch (error) {
    await fs.rm(draft, { force: true });
    throw error;
  }
}

async function removeTree(path: string): Promise<void> {
  const stats = await fs.lstat(path).catch(absentIsUndefined);
  if (stats === undefined) return;
  if (stats.isDirectory()) {
    // The mount table knows no links, so the parent's links are followed before asking.
    const real = join(await fs.realpath(dirname(path)), basename(path));
    const [point] = await mountPointsBelow(real);
    if (point !== undefined) throw new FileError("EBUSY", `EBUSY: ${point} is a mount point, remove '${path}'`);
  }
  await fs.rm(path, { recursive: true, force: true });
}

async function statOf(path: string): Promise<FileStat> {
  const stats = await fs.lstat(path);
  return {
    type: typeOf(stats),
    size: stats.size,
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    modifiedMs: stats.mtimeMs,
    inode: stats.ino,
  };
}

function typeOf(stats: Stats): FileStat["type"] {
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "link";
  if (stats.isSocket()) return "socket";
  if (stats.isBlockDevice()) return "block";
  if (stats.isCharacterDevice()) return "character";
  if (stats.isFIFO()) return "fifo";
  return "file";
}

/** Blocks held by a tree: a file with several names counts once, other file systems mounted inside do not count. */
async function treeUsage(root: string): Promise<number> {
  const seen = new Set<bigint>();
  const device = (await fs.lstat(root, { bigint: true })).dev;
  let bytes = 0n;
  const folders = [root];
  const count = (stats: BigIntStats): boolean => {
    if (stats.dev !== device) return false;
    if (stats.nlink > 1n && !stats.isDirectory()) {
      if (seen.has(stats.ino)) return false;
      seen.add(stats.ino);
    }
    bytes += stats.blocks * 512n;
    return stats.isDirectory();
  };
  if (!count(await fs.lstat(root, { bigint: true }))) return Number(bytes);
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of await fs.readdir(folder).catch(absentIsEmpty)) {
      const path = join(folder, name);
      // What goes away while it is being counted does not count.
      const stats = await fs.lstat(path, { bigint: true }).catch(absentIsUndefined);
      if (stats !== undefined && count(stats)) folders.push(path);
    }
  }
  return Number(bytes);
}

async function readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
  const file = await fs.open(path, "r");
  try {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}

const codeOf = (error: unknown): string | undefined => (error as { readonly code?: string } | undefined)?.code;

const isAbsent = (error: unknown): boolean => codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";

function absentIsUndefined(error: unknown): undefined {
  if (!isAbsent(error)) throw error;
  return undefined;
}

function absentIsEmpty(error: unknown): string[] {
  if (!isAbsent(error)) throw error;
  return [];
}

async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const code = codeOf(error);
    if (error instanceof FileError || code === undefined) throw error;
    throw new FileError(code, (error as Error).message);
  }
}

async function unlessAbsent<T, U>(work: Promise<T>, absent: U): Promise<T | U> {
  try {
    return await work;
  } catch (error) {
    if (isAbsent(error)) return absent;
    throw error;
  }
}
