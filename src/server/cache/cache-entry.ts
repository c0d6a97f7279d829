import { deepFreeze } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";

const leading = ["apiVersion", "kind", "metadata"];
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Objects that a writer has already in hand, by the bytes it gave to the store: saves parsing them again. */
const known = new WeakMap<Uint8Array, KubeObject>();

/**
 * Encodes for the store: `apiVersion`, `kind` and `metadata` first and metadata without resourceVersion, so that the
 * revision can later be spliced in at a place that needs no parsing. The object is frozen and remembered.
 */
export function encodeForStore(object: KubeObject): Uint8Array {
  const bytes = encoder.encode(JSON.stringify(isInOrder(object) ? object : inOrder(object)));
  // Also of an object that is frozen itself, and what is below not yet.
  for (const name in object) deepFreeze((object as KubeObject & Record<string, unknown>)[name]);
  known.set(bytes, Object.freeze(object));
  return bytes;
}

/** PERF: most objects come as they are stored, and need no copy in another order. */
function isInOrder(object: KubeObject): boolean {
  if (object.metadata.resourceVersion !== undefined) return false;
  let index = 0;
  for (const name in object) {
    if (name !== leading[index]) return false;
    index += 1;
    if (index === leading.length) return true;
  }
  return false;
}

function inOrder(object: KubeObject): object {
  const { apiVersion, kind, metadata, ...others } = object as KubeObject & Record<string, unknown>;
  const { resourceVersion: _, ...stored } = metadata;
  return { apiVersion, kind, metadata: stored, ...others };
}

/**
 * One object as it stands in the cache: frozen, with its resourceVersion, and with its bytes in each encoding that was
 * asked for. GET answers those bytes, LIST joins them, a watch event wraps them.
 */
export class CacheEntry {
  readonly key: string;
  readonly revision: number;
  readonly stored: Uint8Array;
  #object: KubeObject | undefined;
  #json: Uint8Array | undefined;
  /** Other encodings (another version, protobuf) by a name their makers agree on. */
  #others: Map<string, Uint8Array> | undefined;

  constructor(key: string, stored: Uint8Array, revision: number) {
    this.key = key;
    this.stored = stored;
    this.revision = revision;
  }

  get object(): KubeObject {
    if (this.#object === undefined) {
      const source = known.get(this.stored) ?? deepFreeze(JSON.parse(decoder.decode(this.stored)) as KubeObject);
      // Revision 0 was never stored: a dry run.
      const { metadata } = source;
      // PERF: what is below is frozen already, and need not be walked again.
      this.#object = Object.freeze(this.revision === 0 ? { ...source } : { ...source, metadata: Object.freeze({ ...metadata, resourceVersion: String(this.revision) }) });
    }
    return this.#object;
  }

  /** The version it is stored in. PERF: read from the bytes' beginning, as encodeForStore writes it. */
  get apiVersion(): string {
    if (this.#object !== undefined) return this.#object.apiVersion;
    const from = versionMarker.length;
    if (versionMarker.some((byte, index) => this.stored[index] !== byte)) return this.object.apiVersion;
    const end = this.stored.indexOf(0x22, from);
    return end < 0 ? this.object.apiVersion : decoder.decode(this.stored.subarray(from, end));
  }

  /** The object as JSON in the version it is stored in. */
  get json(): Uint8Array {
    if (this.#json === undefined) {
      const at = metadataStart(this.stored);
      if (this.revision === 0) this.#json = this.stored;
      else if (at < 0) this.#json = encoder.encode(JSON.stringify(this.object));
      else {
        const isEmpty = this.stored[at] === 0x7d;
        const insert = encoder.encode(`"resourceVersion":"${this.revision}"${isEmpty ? "" : ","}`);
        const json = new Uint8Array(this.stored.length + insert.length);
        json.set(this.stored.subarray(0, at));
        json.set(insert, at);
        json.set(this.stored.subarray(at), at + insert.length);
        this.#json = json;
      }
    }
    return this.#json;
  }

  encoded(name: string, encode: (entry: CacheEntry) => Uint8Array): Uint8Array {
    this.#others ??= new Map();
    let bytes = this.#others.get(name);
    if (bytes === undefined) {
      bytes = encode(this);
      this.#others.set(name, bytes);
    }
    return bytes;
  }
}

const versionMarker = encoder.encode('{"apiVersion":"');
const marker = encoder.encode('"metadata":{');

/** Where the members of `metadata` begin, or -1 when the bytes do not begin as encodeForStore writes them. */
function metadataStart(bytes: Uint8Array): number {
  // {"apiVersion":"…","kind":"…","metadata":{ : four quoted texts before the fifth quote pair.
  const end = Math.min(bytes.length, 600);
  let quotes = 0;
  for (let index = 0; index < end; index += 1) {
    if (bytes[index] !== 0x22) continue;
    if (quotes === 8) {
      for (let offset = 0; offset < marker.length; offset += 1) if (bytes[index + offset] !== marker[offset]) return -1;
      return index + marker.length;
    }
    quotes += 1;
  }
  return -1;
}
