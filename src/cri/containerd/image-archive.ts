import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { canonicalImageName } from "../image-name.ts";

/** More of a list of contents is not read. */
const mostListBytes = 4 * 2 ** 20;

/** Full names of the images in a tar, gzipped or not: an OCI layout's index.json, or docker save's manifest.json. */
export async function imageNamesIn(path: string): Promise<readonly string[]> {
  const lists = new Map<string, unknown>();
  const tar = extract();
  const read = async (): Promise<void> => {
    for await (const entry of tar) {
      const { name, size } = entry.header;
      const isList = (name === "index.json" || name === "manifest.json") && size <= mostListBytes;
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry as AsyncIterable<Uint8Array>) if (isList) chunks.push(chunk);
      if (isList) lists.set(name, JSON.parse(Buffer.concat(chunks).toString("utf8")));
    }
  };
  const source = createReadStream(path, { highWaterMark: 1 << 20 });
  await Promise.all([(await isGzip(path)) ? pipeline(source, createGunzip(), tar) : pipeline(source, tar), read()]);
  return namesOf(lists.get("index.json"), lists.get("manifest.json"));
}

/** From the parsed lists; an OCI index counts before docker's list, as it does when containerd imports. */
export function namesOf(index: unknown, manifest: unknown): readonly string[] {
  const ociNames = asArray(field(index, "manifests")).flatMap((entry) => {
    const name = field(field(entry, "annotations"), "io.containerd.image.name");
    return typeof name === "string" ? [name] : [];
  });
  const names = ociNames.length > 0 ? ociNames : asArray(manifest).flatMap((entry) => asArray(field(entry, "RepoTags")).filter((tag) => typeof tag === "string"));
  return [...new Set(names.map(canonicalImageName))];
}

const asArray = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const field = (value: unknown, key: string): unknown => (typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined);

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const magic = new Uint8Array(2);
    await file.read(magic, 0, 2, 0);
    return magic[0] === 0x1f && magic[1] === 0x8b;
  } finally {
    await file.close();
  }
}
