import { timingSafeEqual } from "node:crypto";

/** NaCl's secretbox: XSalsa20 with Poly1305, the tag before the text. The machine's library has neither on its own. */
const TAG = 16;
const sigma = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);
const wordsOf = (bytes: Uint8Array): Uint32Array => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4, true));
};

/** Columns, then rows: which four words each quarter round mixes. */
const quarters = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
] as const;
const rotated = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

function twentyRounds(state: Uint32Array): Uint32Array {
  const x = Uint32Array.from(state);
  const at = (index: number): number => x[index] ?? 0;
  for (let round = 0; round < 10; round += 1) {
    for (const [a, b, c, d] of quarters) {
      x[b] = at(b) ^ rotated((at(a) + at(d)) | 0, 7);
      x[c] = at(c) ^ rotated((at(b) + at(a)) | 0, 9);
      x[d] = at(d) ^ rotated((at(c) + at(b)) | 0, 13);
      x[a] = at(a) ^ rotated((at(d) + at(c)) | 0, 18);
    }
  }
  return x;
}

function stateOf(key: Uint32Array, input: Uint32Array): Uint32Array {
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = sigma;
  return Uint32Array.of(s0, ...key.subarray(0, 4), s1, ...input, s2, ...key.subarray(4, 8), s3);
}

/** `length` bytes of XSalsa20's key stream. */
function keyStream(key: Uint8Array, nonce: Uint8Array, length: number): Uint8Array {
  const words = wordsOf(nonce);
  const mixed = twentyRounds(stateOf(wordsOf(key), words.subarray(0, 4)));
  const subkey = Uint32Array.from([0, 5, 10, 15, 6, 7, 8, 9], (index) => mixed[index] ?? 0);
  const out = new Uint8Array(Math.ceil(length / 64) * 64);
  const view = new DataView(out.buffer);
  for (let block = 0; block * 64 < length; block += 1) {
    const state = stateOf(subkey, Uint32Array.of(words[4] ?? 0, words[5] ?? 0, block, 0));
    const after = twentyRounds(state);
    for (let index = 0; index < 16; index += 1) view.setUint32(block * 64 + index * 4, ((after[index] ?? 0) + (state[index] ?? 0)) >>> 0, true);
  }
  return out.subarray(0, length);
}

const fromLittleEndian = (bytes: Uint8Array): bigint => BigInt(`0x0${Buffer.from(bytes).reverse().toString("hex")}`);
const prime = (1n << 130n) - 5n;

function poly1305(message: Uint8Array, key: Uint8Array): Uint8Array {
  const r = fromLittleEndian(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let from = 0; from < message.length; from += 16) {
    const block = message.subarray(from, from + 16);
    sum = ((sum + fromLittleEndian(block) + (1n << BigInt(8 * block.length))) * r) % prime;
  }
  const tag = (sum + fromLittleEndian(key.subarray(16, 32))) & ((1n << 128n) - 1n);
  return Buffer.from(tag.toString(16).padStart(32, "0"), "hex").reverse();
}

export function sealBox(plain: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array {
  const stream = keyStream(key, nonce, 32 + plain.length);
  const text = plain.map((byte, index) => byte ^ (stream[32 + index] ?? 0));
  return new Uint8Array(Buffer.concat([poly1305(text, stream.subarray(0, 32)), text]));
}

/** Undefined when the box was not sealed with this key and nonce. */
export function openBox(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  if (box.length < TAG || nonce.length !== 24) return undefined;
  const text = box.subarray(TAG);
  const stream = keyStream(key, nonce, 32 + text.length);
  if (!timingSafeEqual(poly1305(text, stream.subarray(0, 32)), box.subarray(0, TAG))) return undefined;
  return Uint8Array.from(text, (byte, index) => byte ^ (stream[32 + index] ?? 0));
}
