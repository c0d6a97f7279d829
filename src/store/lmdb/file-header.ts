import { closeSync, ftruncateSync, openSync, readSync, fstatSync } from "node:fs";
import { StoreCorruptedError } from "./errors.ts";

const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const META_PAGE = 0x08;
const PAGE_HEADER_BYTES = 24;
const FIRST_READ_BYTES = 256;
/** LMDB does not write pages at the end that were freed before their first commit: a few may be missing. */
const MISSING_PAGES = 256;

/**
 * Looks at the file before LMDB maps it into memory, where garbage would crash the process and missing pages would end
 * it with SIGBUS. A file that lacks a few last pages is made longer; LMDB then finds empty ones and says so.
 */
export function checkDataFile(path: string): void {
  let file: number;
  try {
    file = openSync(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    if (size === 0) return;
    const first = readAt(file, 0, FIRST_READ_BYTES);
    const page = first === undefined ? undefined : pageBytes(first);
    if (page === undefined) throw new StoreCorruptedError(path, "is not a database of keles", { remedy: "choose another data directory, or restore a backup into an empty one" });
    const metas = [first, readAt(file, page, FIRST_READ_BYTES), readAt(file, page / 2, FIRST_READ_BYTES)];
    const lastPages = metas.flatMap((meta) => {
      const transaction = meta?.readBigUInt64LE(PAGE_HEADER_BYTES + 128) ?? 0n;
      return meta === undefined || transaction === 0n ? [] : [Number(meta.readBigUInt64LE(PAGE_HEADER_BYTES + 120))];
    });
    const needed = lastPages.length === 0 ? 0 : (Math.min(...lastPages) + 1) * page;
    if (size >= needed) return;
    if (needed - size > MISSING_PAGES * page) throw new StoreCorruptedError(path, `is cut short: it has ${size} of ${needed} bytes`);
    ftruncateSync(file, needed);
  } finally {
    closeSync(file);
  }
}

/** The page size when this is the first page of an LMDB file. */
function pageBytes(first: Buffer): number | undefined {
  if (first.readUInt16LE(18) !== META_PAGE) return undefined;
  if (first.readUInt32LE(PAGE_HEADER_BYTES) !== MAGIC || (first.readUInt32LE(PAGE_HEADER_BYTES + 4) & 0xffff) !== DATA_VERSION) return undefined;
  const page = first.readUInt32LE(PAGE_HEADER_BYTES + 24);
  return page >= 512 && page <= 65_536 && (page & (page - 1)) === 0 ? page : undefined;
}

function readAt(file: number, offset: number, length: number): Buffer | undefined {
  const bytes = Buffer.alloc(length);
  return readSync(file, bytes, 0, length, offset) === length ? bytes : undefined;
}
