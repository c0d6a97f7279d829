/** Mounts of the host. */
export interface Mounts {
  /** A file system in memory at `path`. */
  tmpfs(path: string, options?: { readonly sizeBytes?: number; readonly mode?: number }): Promise<void>;
  bind(source: string, path: string, options?: { readonly readOnly?: boolean }): Promise<void>;
  /** Also a busy one, lazily; no error when nothing is mounted there. */
  unmount(path: string): Promise<void>;
  /** Mount points at and below `path`, deepest first. */
  below(path: string): Promise<readonly string[]>;
}
