import { createHash } from "node:crypto";
import { fixedTar, type TarEntry, writeFixedTar } from "./fixed-tar.ts";

/** Content with its name. */
export interface Blob {
  /** `sha256:…` */
  readonly digest: string;
  readonly sizeBytes: number;
  /** The bytes, or the path of a file that holds them. */
  readonly content: Uint8Array | { readonly path: string };
}

export function blobOf(content: Uint8Array | string): Blob {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return { digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`, sizeBytes: bytes.length, content: bytes };
}

/** A layer in memory: an uncompressed tar. */
export async function layerBlob(entries: readonly TarEntry[]): Promise<Blob> {
  return blobOf(await fixedTar(entries));
}

/** A layer in a file, hashed while it is written. */
export async function layerFile(path: string, entries: readonly TarEntry[]): Promise<Blob> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  await writeFixedTar(path, entries, (chunk) => {
    hash.update(chunk);
    sizeBytes += chunk.length;
  });
  return { digest: `sha256:${hash.digest("hex")}`, sizeBytes, content: { path } };
}
