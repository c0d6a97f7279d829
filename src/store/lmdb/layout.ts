/**
 * How the state lies in LMDB, numbers big-endian so that bytes sort as numbers do:
 *   index  key                     -> place:   revision:u48 op:u16 kind:u8
 *   log    revision:u48 op:u16     -> record:  kind:u8 previousRevision:u48 previousOp:u16 keyBytes:u16 key value
 *   root   "keles"                 -> {"format":1}
 *          "state"                 -> serial, revision, compacted, scrubbed as f64
 * `op` counts the events of one commit. `previous` is what the key held before, 0 for nothing; following it leads back
 * to the version that stood at an older revision. A deleted key keeps its place until the delete is compacted away.
 */

/** Where a version of a key stands in the log. */
export interface Place {
  readonly revision: number;
  readonly op: number;
  readonly deleted: boolean;
}

export interface LogRecord {
  readonly deleted: boolean;
  /** Its `deleted` is not known here and false. */
  readonly previous: Place | undefined;
  readonly key: string;
  readonly value: Uint8Array;
}

export interface StoreState {
  /** Counts the write transactions; tells whether a failed one became visible. */
  readonly serial: number;
  readonly revision: number;
  /** The oldest revision that can be read. */
  readonly compacted: number;
  /** Up to here nothing is left of what only older revisions could see. */
  readonly scrubbed: number;
}

export const FORMAT = 1;
export const MAX_KEY_BYTES = 1_900;
export const MAX_OPS = 0xffff;
const PUT = 1;
const DELETE = 2;
const RECORD_HEADER_BYTES = 11;

export function encodePlace(place: Place): Uint8Array {
  const bytes = Buffer.allocUnsafe(9);
  bytes.writeUIntBE(place.revision, 0, 6);
  bytes.writeUInt16BE(place.op, 6);
  bytes[8] = place.deleted ? DELETE : PUT;
  return bytes;
}

/** The bytes may be longer than the place; nothing is kept of them. */
export function decodePlace(bytes: Uint8Array): Place {
  return { revision: readU48(bytes, 0), op: readU16(bytes, 6), deleted: bytes[8] === DELETE };
}

export function logKey(revision: number, op: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeUIntBE(revision, 0, 6);
  bytes.writeUInt16BE(op, 6);
  return bytes;
}

export const logKeyRevision = (bytes: Uint8Array): number => readU48(bytes, 0);
export const logKeyOp = (bytes: Uint8Array): number => readU16(bytes, 6);

/** `value` undefined is a delete; `take` gives the bytes to write it to. */
export function encodeRecord(key: Uint8Array, value: Uint8Array | undefined, previous: Place | undefined, take: (length: number) => Buffer = Buffer.allocUnsafe): Uint8Array {
  const bytes = take(RECORD_HEADER_BYTES + key.length + (value?.length ?? 0));
  bytes[0] = value === undefined ? DELETE : PUT;
  bytes.writeUIntBE(previous?.revision ?? 0, 1, 6);
  bytes.writeUInt16BE(previous?.op ?? 0, 7);
  bytes.writeUInt16BE(key.length, 9);
  bytes.set(key, RECORD_HEADER_BYTES);
  if (value !== undefined) bytes.set(value, RECORD_HEADER_BYTES + key.length);
  return bytes;
}

/** The value is a view of `bytes`. */
export function decodeRecord(bytes: Uint8Array): LogRecord {
  const keyEnd = RECORD_HEADER_BYTES + readU16(bytes, 9);
  return { deleted: isDelete(bytes), previous: decodePrevious(bytes), key: decodeRecordKey(bytes), value: bytes.subarray(keyEnd) };
}

export const isDelete = (bytes: Uint8Array): boolean => bytes[0] === DELETE;

export function decodeRecordKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + RECORD_HEADER_BYTES, readU16(bytes, 9)).toString("utf8");
}

export function decodePrevious(bytes: Uint8Array): Place | undefined {
  const revision = readU48(bytes, 1);
  return revision === 0 ? undefined : { revision, op: readU16(bytes, 7), deleted: false };
}

export function encodeState(state: StoreState): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, state.serial);
  view.setFloat64(8, state.revision);
  view.setFloat64(16, state.compacted);
  view.setFloat64(24, state.scrubbed);
  return bytes;
}

export function decodeState(bytes: Uint8Array): StoreState | undefined {
  if (bytes.length !== 32) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { serial: view.getFloat64(0), revision: view.getFloat64(8), compacted: view.getFloat64(16), scrubbed: view.getFloat64(24) };
}

const readU16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

function readU48(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = (((bytes[at + 2] ?? 0) << 24) | ((bytes[at + 3] ?? 0) << 16) | ((bytes[at + 4] ?? 0) << 8) | (bytes[at + 5] ?? 0)) >>> 0;
  return high * 0x1_0000_0000 + low;
}
