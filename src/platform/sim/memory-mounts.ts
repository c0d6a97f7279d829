import type { Files } from "../files.ts";
import type { Mounts } from "../mounts.ts";

/** Mounts that are only noted. A bind shows nothing at its path; unmounting a tmpfs empties it. */
export class MemoryMounts implements Mounts {
  readonly #files: Files;
  readonly #points = new Map<string, string>();

  constructor(deps: { readonly files: Files }) {
    this.#files = deps.files;
  }

  async tmpfs(path: string): Promise<void> {
    this.#points.set(path, "tmpfs");
  }

  async bind(_source: string, path: string): Promise<void> {
    this.#points.set(path, "bind");
  }

  async fileSystem(path: string, { type }: { readonly type: string }): Promise<void> {
    this.#points.set(path, type);
  }

  async unmount(path: string): Promise<void> {
    if (this.#points.get(path) === "tmpfs") for (const name of await this.#files.list(path)) await this.#files.remove(`${path}/${name}`);
    this.#points.delete(path);
  }

  async below(path: string): Promise<readonly string[]> {
    return [...this.#points.keys()].filter((point) => point === path || point.startsWith(`${path}/`)).sort((a, b) => b.length - a.length);
  }
}
