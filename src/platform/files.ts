/** The file system, as far as the kubelet and its neighbours need it. Paths are absolute. */
export interface Files {
  /** Rejects with FileError `ENOENT` when there is none. */
  read(path: string): Promise<Uint8Array>;
  /** Undefined when there is none. */
  readIfPresent(path: string): Promise<Uint8Array | undefined>;
  /** Replaces the file in one step: readers see the old or the new content, also after a crash. */
  write(path: string, content: Uint8Array | string, options?: { readonly mode?: number; readonly uid?: number; readonly gid?: number }): Promise<void>;
  append(path: string, content: Uint8Array | string): Promise<void>;
  /** With parents; no error when it is there. */
  mkdir(path: string, options?: { readonly mode?: number }): Promise<void>;
  /** A file or a whole tree; no error when it is absent. Never crosses into a mount: unmount first. */
  remove(path: string): Promise<void>;
  /** A folder with nothing in it, a control group among them; no error when it is absent. */
  removeEmptyFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  readlink(path: string): Promise<string>;
  chmod(path: string, mode: number): Promise<void>;
  chown(path: string, uid: number, gid: number): Promise<void>;
  /** Names in a folder, sorted; empty when it is absent. */
  list(path: string): Promise<readonly string[]>;
  /** Undefined when there is none; does not follow a link at the end. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Bytes used by a tree. */
  usage(path: string): Promise<number>;
  /** Space of the file system that holds `path`. */
  space(path: string): Promise<{ readonly totalBytes: number; readonly availableBytes: number; readonly totalInodes: number; readonly availableInodes: number }>;
  /** `length` bytes from `offset`, fewer at the end. */
  readAt(path: string, offset: number, length: number): Promise<Uint8Array>;
}

export interface FileStat {
  readonly type: "file" | "directory" | "link" | "socket" | "block" | "character" | "fifo";
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modifiedMs: number;
  /** Tells a file from its replacement of the same name. */
  readonly inode: number;
}

export class FileError extends Error {
  override readonly name = "FileError";
  /** `ENOENT`, `EACCES`, `ENOSPC`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
