/**
 * Seals and opens with keys that may have to be asked for: a key management service knows the older ones. A `Cipher` is
 * one that never asks.
 */
export interface LateCipher {
  /** Throws when no key can be used now. */
  seal(plain: Uint8Array, context: string): Uint8Array;
  open(sealed: Uint8Array, context: string): Uint8Array | Promise<Uint8Array>;
  /** Whether it would seal with another key by now. */
  isStale?(sealed: Uint8Array): boolean;
}

/** A value could not be opened: its key is not configured, or the bytes are not what was stored. */
export class DecryptionError extends Error {
  override readonly name = "DecryptionError";
}

/** One key of one provider. What it seals begins with `prefix`: `k8s:enc:aescbc:v1:key1:`; identity has none. */
export interface NamedCipher {
  readonly prefix: string;
  /** Absent for identity: bytes stay as they are. */
  readonly cipher?: LateCipher | undefined;
}

const ANY = new TextEncoder().encode("k8s:enc:");
const encoder = new TextEncoder();

/** Seals with the first of several ciphers and opens with whichever sealed a value. @upstream apiserver/pkg/storage/value/transformer.go */
export class Transformer {
  readonly #ciphers: readonly { readonly marker: Uint8Array; readonly cipher: LateCipher | undefined }[];

  constructor(ciphers: readonly NamedCipher[]) {
    this.#ciphers = ciphers.map(({ prefix, cipher }) => ({ marker: encoder.encode(prefix), cipher }));
  }

  seal(key: string, plain: Uint8Array): Uint8Array {
    const [first] = this.#ciphers;
    if (first?.cipher === undefined) return plain;
    const sealed = first.cipher.seal(plain, key);
    const out = new Uint8Array(first.marker.length + sealed.length);
    out.set(first.marker);
    out.set(sealed, first.marker.length);
    return out;
  }

  /** PERF: a promise only where a key has to be asked for. */
  open(key: string, stored: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const found = this.#find(stored);
    if (found === undefined) throw new DecryptionError(`unable to transform key ${JSON.stringify(key)}: no configured key opens it`);
    if (found.cipher === undefined) return stored;
    try {
      const opened = found.cipher.open(stored.subarray(found.marker.length), key);
      return opened instanceof Uint8Array ? opened : opened.catch((error: unknown) => Promise.reject(unopened(key, error)));
    } catch (error) {
      throw unopened(key, error);
    }
  }

  /** Whether a value would be sealed differently now: with another key, or not at all. */
  isStale(stored: Uint8Array): boolean {
    const found = this.#find(stored);
    return found !== this.#ciphers[0] || found?.cipher?.isStale?.(stored.subarray(found.marker.length)) === true;
  }

  #find(stored: Uint8Array): { readonly marker: Uint8Array; readonly cipher: LateCipher | undefined } | undefined {
    const isSealed = beginsWith(stored, ANY);
    return this.#ciphers.find(({ marker, cipher }) => (cipher === undefined ? !isSealed : beginsWith(stored, marker)));
  }
}

function unopened(key: string, error: unknown): DecryptionError {
  return new DecryptionError(`unable to transform key ${JSON.stringify(key)}: ${error instanceof Error ? error.message : String(error)}`);
}

function beginsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return bytes.length >= start.length && start.every((byte, index) => bytes[index] === byte);
}
