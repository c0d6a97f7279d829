import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { type Pack, pack } from "tar-stream";

/** One entry of a tar. Paths are relative, without a leading slash; folders come before what is in them. */
export type TarEntry =
  | { readonly type: "folder"; readonly path: string; readonly mode?: number }
  | { readonly type: "link"; readonly path: string; readonly target: string }
  | { readonly type: "file"; readonly path: string; readonly mode?: number; readonly content: Uint8Array | string }
  /** `sizeBytes` must be the size of the file `from`. */
  | { readonly type: "copy"; readonly path: string; readonly mode?: number; readonly from: string; readonly sizeBytes: number };

/** Writes a tar whose bytes depend on the entries alone: no owner, no time. `observe` sees the bytes as they are written. */
export async function writeFixedTar(path: string, entries: readonly TarEntry[], observe: (chunk: Uint8Array) => void = () => {}): Promise<void> {
  const tar = pack();
  const observed = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      observe(chunk);
      yield chunk;
    }
  };
  await Promise.all([pipeline(tar as unknown as AsyncIterable<Uint8Array>, observed, createWriteStream(path)), fill(tar, entries)]);
}

/** The same tar in memory. */
export async function fixedTar(entries: readonly TarEntry[]): Promise<Uint8Array> {
  const tar = pack();
  const chunks: Uint8Array[] = [];
  const read = async (): Promise<void> => {
    for await (const chunk of tar as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk);
  };
  await Promise.all([read(), fill(tar, entries)]);
  return Buffer.concat(chunks);
}

async function fill(tar: Pack, entries: readonly TarEntry[]): Promise<void> {
  try {
    for (const entry of entries) await add(tar, entry);
    tar.finalize();
  } catch (error) {
    tar.destroy(error as Error);
    throw error;
  }
}

function add(tar: Pack, entry: TarEntry): Promise<void> {
  if (entry.type === "folder") return addWhole(tar, { ...fixed, name: `${entry.path}/`, mode: entry.mode ?? 0o755, type: "directory" });
  if (entry.type === "link") return addWhole(tar, { ...fixed, name: entry.path, mode: 0o777, type: "symlink", linkname: entry.target });
  const header = { ...fixed, name: entry.path, mode: entry.mode ?? 0o644, type: "file" as const };
  if (entry.type === "file") return addWhole(tar, header, Buffer.from(entry.content));
  return pipeline(createReadStream(entry.from, { highWaterMark: 1 << 20 }), tar.entry({ ...header, size: entry.sizeBytes }));
}

const fixed = { uid: 0, gid: 0, uname: "", gname: "", mtime: new Date(0) };

function addWhole(tar: Pack, header: Parameters<Pack["entry"]>[0], content: Buffer = Buffer.alloc(0)): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry(header, content, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}
