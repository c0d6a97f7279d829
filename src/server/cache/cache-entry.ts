import { deepFreeze } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import { frozenJson } from "./frozen-json.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The object that a writer had in hand, at the bytes it gave to the store: saves parsing them again. PERF: a WeakMap of all
 * that is stored cost 1.5 µs a write and more in garbage collection.
 */
const written = Symbol("written");
type StoredBytes = Uint8Array & { [written]?: KubeObject };

/**
 * Encodes for the store: `apiVersion`, `kind` and `metadata` first and metadata without resourceVersion, so that the
 * revision can later be spliced in at a place that needs no parsing. The object is frozen all the way down and remembered.
 */
export function encodeForStore(object: KubeObject): Uint8Array {
  const bytes: StoredBytes = frozenJson(object);
  bytes[written] = object;
  return bytes;
}

/**
 * One object as it stands in the cache: frozen, with its resourceVersion, and with its bytes in each encoding that was
 * asked for. GET answers those bytes, LIST joins them, a watch event wraps them.
 */
export class CacheEntry {
  readonly key: string;
  readonly revision: number;
  readonly stored: StoredBytes;
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
      const { stored, revision } = this;
      const known = stored[written];
      const source = known ?? deepFreeze(JSON.parse(decoder.decode(stored)) as KubeObject);
      // Revision 0 was never stored: a dry run. PERF: what is below is frozen already, and need not be walked again.
      this.#object = revision === 0 ? source : Object.freeze({ ...source, metadata: Object.freeze({ ...source.metadata, resourceVersion: String(revision) }) });
      // One of the two is enough: they differ in the version alone, which is not in the bytes.
      if (known !== undefined) stored[written] = this.#object;
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
        const insert = `"resourceVersion":"${this.revision}"${isEmpty ? "" : ","}`;
        const json = new Uint8Array(this.stored.length + insert.length);
        json.set(this.stored);
        json.copyWithin(at + insert.length, at, this.stored.length);
        for (let index = 0; index < insert.length; index += 1) json[at + index] = insert.charCodeAt(index);
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
