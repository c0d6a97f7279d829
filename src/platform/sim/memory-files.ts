import type { Clock } from "../../base/clock.ts";
import { FileError, type Files, type FileStat } from "../files.ts";

interface Meta {
  readonly inode: number;
  mode: number;
  uid: number;
  gid: number;
  modifiedMs: number;
}
interface Folder extends Meta {
  readonly type: "directory";
  readonly children: Map<string, Entry>;
}
interface File extends Meta {
  readonly type: "file";
  content: Uint8Array;
}
interface Link extends Meta {
  readonly type: "link";
  readonly target: string;
}
type Entry = Folder | File | Link;

export interface MemoryFilesOptions {
  /** What `space` tells. */
  readonly totalBytes?: number;
  readonly availableBytes?: number;
}

const mostLinks = 40;
const gibibyte = 1024 ** 3;

const bytesOf = (content: Uint8Array | string): Uint8Array => (typeof content === "string" ? new TextEncoder().encode(content) : Uint8Array.from(content));
const partsOf = (path: string): readonly string[] => path.split("/").filter((part) => part !== "" && part !== ".");

/** A file system that lives as long as the value. */
export class MemoryFiles implements Files {
  readonly #clock: Pick<Clock, "now">;
  readonly #options: MemoryFilesOptions;
  #inode = 1;
  readonly #root: Folder;

  constructor(options: MemoryFilesOptions, deps: { readonly clock: Pick<Clock, "now"> }) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#root = { type: "directory", children: new Map(), ...this.#meta(0o755) };
  }

  async read(path: string): Promise<Uint8Array> {
    return Uint8Array.from(this.#file(path).content);
  }

  async readIfPresent(path: string): Promise<Uint8Array | undefined> {
    const entry = this.#find(path, true);
    if (entry === undefined) return undefined;
    if (entry.type !== "file") throw new FileError("EISDIR", `EISDIR: illegal operation on a directory, read '${path}'`);
    return Uint8Array.from(entry.content);
  }

  async write(path: string, content: Uint8Array | string, options: { readonly mode?: number; readonly uid?: number; readonly gid?: number } = {}): Promise<void> {
    const { folder, name } = this.#parent(path);
    const known = folder.children.get(name);
    if (known?.type === "directory") throw new FileError("EISDIR", `EISDIR: illegal operation on a directory, open '${path}'`);
    folder.children.set(name, { type: "file", content: bytesOf(content), ...this.#meta(options.mode ?? 0o644), uid: options.uid ?? 0, gid: options.gid ?? 0 });
  }

  async append(path: string, content: Uint8Array | string): Promise<void> {
    const { folder, name } = this.#parent(path);
    const known = this.#find(path, true);
    if (known === undefined) {
      folder.children.set(name, { type: "file", content: bytesOf(content), ...this.#meta(0o644) });
      return;
    }
    const file = this.#file(path);
    const more = bytesOf(content);
    const joined = new Uint8Array(file.content.length + more.length);
    joined.set(file.content);
    joined.set(more, file.content.length);
    file.content = joined;
    file.modifiedMs = this.#clock.now();
  }

  async mkdir(path: string, options: { readonly mode?: number } = {}): Promise<void> {
    let at = this.#root;
    for (const part of this.#real(partsOf(path))) {
      const known = at.children.get(part);
      if (known === undefined) {
        const made: Folder = { type: "directory", children: new Map(), ...this.#meta(options.mode ?? 0o755) };
        at.children.set(part, made);
        at = made;
      } else if (known.type === "directory") at = known;
      else throw new FileError("EEXIST", `EEXIST: file already exists, mkdir '${path}'`);
    }
  }

  async remove(path: string): Promise<void> {
    const place = this.#parentIfPresent(path);
    place?.folder.children.delete(place.name);
  }

  async removeEmptyFolder(path: string): Promise<void> {
    const entry = this.#find(path, false);
    if (entry === undefined) return;
    if (entry.type !== "directory") throw new FileError("ENOTDIR", `ENOTDIR: not a directory, rmdir '${path}'`);
    if (entry.children.size > 0) throw new FileError("ENOTEMPTY", `ENOTEMPTY: directory not empty, rmdir '${path}'`);
    await this.remove(path);
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#parent(from);
    const entry = source.folder.children.get(source.name);
    if (entry === undefined) throw this.#absent("rename", from);
    const target = this.#parent(to);
    source.folder.children.delete(source.name);
    target.folder.children.set(target.name, entry);
  }

  async symlink(target: string, path: string): Promise<void> {
    const { folder, name } = this.#parent(path);
    if (folder.children.has(name)) throw new FileError("EEXIST", `EEXIST: file already exists, symlink '${path}'`);
    folder.children.set(name, { type: "link", target, ...this.#meta(0o777) });
  }

  async readlink(path: string): Promise<string> {
    const entry = this.#find(path, false);
    if (entry === undefined) throw this.#absent("readlink", path);
    if (entry.type !== "link") throw new FileError("EINVAL", `EINVAL: invalid argument, readlink '${path}'`);
    return entry.target;
  }

  async chmod(path: string, mode: number): Promise<void> {
    const entry = this.#find(path, true);
    if (entry === undefined) throw this.#absent("chmod", path);
    entry.mode = mode;
  }

  async chown(path: string, uid: number, gid: number): Promise<void> {
    const entry = this.#find(path, false);
    if (entry === undefined) throw this.#absent("chown", path);
    entry.uid = uid;
    entry.gid = gid;
  }

  async list(path: string): Promise<readonly string[]> {
    const entry = this.#find(path, true);
    if (entry === undefined) return [];
    if (entry.type !== "directory") return [];
    return [...entry.children.keys()].sort();
  }

  async stat(path: string): Promise<FileStat | undefined> {
    const entry = this.#find(path, false);
    if (entry === undefined) return undefined;
    const { type, mode, uid, gid, modifiedMs, inode } = entry;
    return { type, mode, uid, gid, modifiedMs, inode, size: entry.type === "file" ? entry.content.length : 0 };
  }

  async usage(path: string): Promise<number> {
    const entry = this.#find(path, false);
    if (entry === undefined) throw this.#absent("lstat", path);
    return sizeOf(entry);
  }

  async space(): Promise<{ readonly totalBytes: number; readonly availableBytes: number; readonly totalInodes: number; readonly availableInodes: number }> {
    const totalBytes = this.#options.totalBytes ?? 100 * gibibyte;
    return { totalBytes, availableBytes: this.#options.availableBytes ?? totalBytes * 0.8, totalInodes: 6_000_000, availableInodes: 5_000_000 };
  }

  async readAt(path: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#file(path).content.slice(offset, offset + length);
  }

  #meta(mode: number): Meta {
    this.#inode += 1;
    return { inode: this.#inode, mode, uid: 0, gid: 0, modifiedMs: this.#clock.now() };
  }

  #absent(call: string, path: string): FileError {
    return new FileError("ENOENT", `ENOENT: no such file or directory, ${call} '${path}'`);
  }

  #file(path: string): File {
    const entry = this.#find(path, true);
    if (entry === undefined) throw this.#absent("open", path);
    if (entry.type !== "file") throw new FileError("EISDIR", `EISDIR: illegal operation on a directory, read '${path}'`);
    return entry;
  }

  #parent(path: string): { readonly folder: Folder; readonly name: string } {
    const place = this.#parentIfPresent(path);
    if (place === undefined) throw this.#absent("open", path);
    return place;
  }

  #parentIfPresent(path: string): { readonly folder: Folder; readonly name: string } | undefined {
    const parts = partsOf(path);
    const name = parts[parts.length - 1];
    const folder = this.#walk(this.#real(parts.slice(0, -1)));
    return name === undefined || folder?.type !== "directory" ? undefined : { folder, name };
  }

  #find(path: string, followLast: boolean): Entry | undefined {
    const parts = partsOf(path);
    if (followLast) return this.#walk(this.#real(parts));
    const place = this.#parentIfPresent(path);
    return parts.length === 0 ? this.#root : place?.folder.children.get(place.name);
  }

  #walk(parts: readonly string[]): Entry | undefined {
    let at: Entry | undefined = this.#root;
    for (const part of parts) at = at?.type === "directory" ? at.children.get(part) : undefined;
    return at;
  }

  /** With all links followed; parts that are not there stay as they are. */
  #real(given: readonly string[]): readonly string[] {
    const todo = [...given].reverse();
    // What stands at each part of `done`, so that nothing is looked up from the root again.
    const trail: (Entry | undefined)[] = [this.#root];
    const done: string[] = [];
    for (let links = 0; todo.length > 0; ) {
      const part = todo.pop() ?? "";
      if (part === "..") {
        if (done.pop() !== undefined) trail.pop();
        continue;
      }
      const at = trail[trail.length - 1];
      const entry = at?.type === "directory" ? at.children.get(part) : undefined;
      if (entry?.type !== "link") {
        done.push(part);
        trail.push(entry);
        continue;
      }
      links += 1;
      if (links > mostLinks) throw new FileError("ELOOP", `ELOOP: too many symbolic links, '${given.join("/")}'`);
      if (entry.target.startsWith("/")) {
        done.length = 0;
        trail.length = 1;
      }
      todo.push(...[...partsOf(entry.target)].reverse());
    }
    return done;
  }
}

function sizeOf(entry: Entry): number {
  if (entry.type === "file") return entry.content.length;
  if (entry.type === "link") return 0;
  let sum = 0;
  for (const child of entry.children.values()) sum += sizeOf(child);
  return sum;
}
