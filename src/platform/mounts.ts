/** Mounts of the host. */
export interface Mounts {
  /** A file system in memory at `path`. */
  tmpfs(path: string, options?: { readonly sizeBytes?: number; readonly mode?: number }): Promise<void>;
  bind(source: string, path: string, options?: { readonly readOnly?: boolean }): Promise<void>;
  /** A file system of a kind that the kernel or a helper of `mount` knows: `{type: "nfs", source: "10.0.0.1:/data", options: ["ro"]}`. */
  fileSystem(path: string, request: { readonly type: string; readonly source: string; readonly options?: readonly string[] }): Promise<void>;
  /** Also a busy one, lazily; no error when nothing is mounted there. */
  unmount(path: string): Promise<void>;
  /** Mount points at and below `path`, deepest first. */
  below(path: string): Promise<readonly string[]>;
}
