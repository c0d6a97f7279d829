/** How the key of a value was sealed: the key itself, or a seed that each value's key is derived from. */
export const keySources = { key: 0, seed: 1 } as const;
export type KeySource = (typeof keySources)[keyof typeof keySources];

/**
 * What stands in the store for a value that a key management service seals: protobuf, after the prefix
 * `k8s:enc:kms:v2:NAME:`. @upstream apiserver/pkg/storage/value/encrypt/envelope/kmsv2/v2/api.proto EncryptedObject
 */
export interface EncryptedObject {
  readonly data: Uint8Array;
  readonly keyId: string;
  readonly sealedKey: Uint8Array;
  readonly annotations: Readonly<Record<string, Uint8Array>>;
  readonly source: KeySource;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const BYTES = 2;
const VARINT = 0;

export function encodeObject({ data, keyId, sealedKey, annotations, source }: EncryptedObject): Uint8Array {
  const parts: Uint8Array[] = [field(1, data), field(2, encoder.encode(keyId)), field(3, sealedKey)];
  for (const key of Object.keys(annotations).sort()) {
    const value = annotations[key] ?? new Uint8Array();
    parts.push(field(4, joined([field(1, encoder.encode(key)), field(2, value)])));
  }
  if (source !== 0) parts.push(Uint8Array.of((5 << 3) | VARINT, source));
  return joined(parts);
}

/** Throws when the bytes are no such object. */
export function decodeObject(bytes: Uint8Array): EncryptedObject {
  let data = new Uint8Array();
  let keyId = "";
  let sealedKey = new Uint8Array();
  let source: number = keySources.key;
  const annotations: Record<string, Uint8Array> = {};
  for (const { number, value } of fieldsOf(bytes)) {
    if (number === 5 && typeof value === "number") source = value;
    if (typeof value === "number") continue;
    if (number === 1) data = value;
    else if (number === 2) keyId = decoder.decode(value);
    else if (number === 3) sealedKey = value;
    else if (number === 4) {
      const inner = fieldsOf(value);
      const at = (wanted: number): Uint8Array =>
        (inner.find((part) => part.number === wanted && typeof part.value !== "number")?.value as Uint8Array | undefined) ?? new Uint8Array();
      annotations[decoder.decode(at(1))] = at(2);
    }
  }
  if (source !== keySources.key && source !== keySources.seed) throw new Error(`unknown encryptedDEKSourceType: ${source}`);
  if (data.length === 0) throw new Error("encrypted data is empty");
  return { data, keyId, sealedKey, annotations, source };
}

interface Field {
  readonly number: number;
  readonly value: number | Uint8Array<ArrayBuffer>;
}

function fieldsOf(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 42) throw new Error("the stored data is no encrypted object");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const type = tag % 8;
    if (type === VARINT) fields.push({ number, value: varint() });
    else if (type === BYTES) {
      const length = varint();
      if (at + length > bytes.length) throw new Error("the stored data is no encrypted object");
      fields.push({ number, value: bytes.slice(at, at + length) });
      at += length;
    } else throw new Error("the stored data is no encrypted object");
  }
  return fields;
}

/** Nothing for what is empty, as proto3 writes it. */
function field(number: number, value: Uint8Array): Uint8Array {
  if (value.length === 0) return value;
  const head: number[] = [(number << 3) | BYTES];
  for (let left = value.length; ; left = Math.floor(left / 128)) {
    if (left < 128) {
      head.push(left);
      break;
    }
    head.push((left % 128) | 128);
  }
  return joined([Uint8Array.from(head), value]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
