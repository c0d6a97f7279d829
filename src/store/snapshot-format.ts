import type { StoreEntry } from "./contract.ts";

/**
 * A snapshot is the same for all engines, so that what one wrote another can restore:
 *   "keles-snapshot 1\n"  revision:u64
 *   per entry, in key order:  0x01  keyBytes:u32  valueBytes:u32  revision:u64  key  value
 *   0x00  entries:u64  crc32:u32          (of everything before the sum)
 * Numbers are big-endian.
 */
const MAGIC = "keles-snapshot 1\n";
const CHUNK_BYTES = 64 * 1024;
const MAX_FIELD_BYTES = 1 << 30;

export interface SnapshotContent {
  readonly revision: number;
  readonly entries: readonly StoreEntry[];
}

/** What is given to `restore` is no snapshot, or not a whole one. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

/** Chunks of at most about 64 KiB, larger only for a single large value. */
export async function* encodeSnapshot(revision: number, pages: AsyncIterable<readonly StoreEntry[]> | Iterable<readonly StoreEntry[]>): AsyncGenerator<Uint8Array> {
  const text = new TextEncoder();
  let sum = 0;
  let parts: Uint8Array[] = [];
  let size = 0;
  let count = 0;
  const add = (bytes: Uint8Array): void => {
    parts.push(bytes);
    size += bytes.length;
  };
  const flush = (): Uint8Array => {
    const chunk = concat(parts, size);
    sum = crc32(chunk, sum);
    parts = [];
    size = 0;
    return chunk;
  };
  add(text.encode(MAGIC));
  add(u64(revision));
  for await (const page of pages) {
    for (const entry of page) {
      const key = text.encode(entry.key);
      const head = new Uint8Array(17);
      const view = new DataView(head.buffer);
      view.setUint8(0, 1);
      view.setUint32(1, key.length);
      view.setUint32(5, entry.value.length);
      view.setBigUint64(9, BigInt(entry.revision));
      add(head);
      add(key);
      add(entry.value);
      count += 1;
      if (size >= CHUNK_BYTES) yield flush();
    }
  }
  add(Uint8Array.of(0));
  add(u64(count));
  const last = flush();
  const tail = new Uint8Array(4);
  new DataView(tail.buffer).setUint32(0, sum);
  yield last;
  yield tail;
}

/** Yields the revision first, then pages of entries; throws SnapshotError at the end at the latest when bytes are missing or damaged. */
export async function* decodeSnapshot(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SnapshotContent> {
  const reader = new ChunkReader(chunks);
  const magic = new TextDecoder().decode(await reader.take(MAGIC.length));
  if (magic !== MAGIC) throw new SnapshotError("this is not a snapshot that keles made");
  const revision = Number(viewOf(await reader.take(8)).getBigUint64(0));
  const text = new TextDecoder();
  let page: StoreEntry[] = [];
  let size = 0;
  let count = 0;
  for (;;) {
    const [mark] = await reader.take(1);
    if (mark === 0) break;
    if (mark !== 1) throw new SnapshotError("the snapshot is damaged");
    const head = viewOf(await reader.take(16));
    const keyBytes = head.getUint32(0);
    const valueBytes = head.getUint32(4);
    if (keyBytes > MAX_FIELD_BYTES || valueBytes > MAX_FIELD_BYTES) throw new SnapshotError("the snapshot is damaged");
    const key = text.decode(await reader.take(keyBytes));
    page.push({ key, value: await reader.take(valueBytes), revision: Number(head.getBigUint64(8)) });
    count += 1;
    size += keyBytes + valueBytes;
    if (size >= 1 << 20 || page.length >= 1_000) {
      yield { revision, entries: page };
      page = [];
      size = 0;
    }
  }
  if (Number(viewOf(await reader.take(8)).getBigUint64(0)) !== count) throw new SnapshotError("the snapshot is damaged");
  const sum = reader.sum;
  if (viewOf(await reader.take(4)).getUint32(0) !== sum) throw new SnapshotError("the snapshot is damaged: its checksum differs");
  yield { revision, entries: page };
}

class ChunkReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  /** Of all bytes taken. */
  sum = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) throw new SnapshotError("the snapshot ends too early");
        this.#rest = next.value;
        continue;
      }
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    const taken = concat(parts, length);
    this.sum = crc32(taken, this.sum);
    return taken;
  }
}

function concat(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 as in zip and gzip; `previous` is the sum of the bytes before. */
function crc32(bytes: Uint8Array, previous: number): number {
  let sum = ~previous;
  for (let index = 0; index < bytes.length; index += 1) sum = (sum >>> 8) ^ (table[(sum ^ (bytes[index] ?? 0)) & 0xff] ?? 0);
  return ~sum >>> 0;
}
