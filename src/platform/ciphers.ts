/** Seals and opens values with one key. What is sealed begins with its nonce. */
export interface Cipher {
  /** `context` is bound to the value where the algorithm can: it opens only with the same. */
  seal(plain: Uint8Array, context: string): Uint8Array;
  /** Throws when the bytes were not sealed with this key (and context). */
  open(sealed: Uint8Array, context: string): Uint8Array;
}

/** Makes ciphers of keys; throws RangeError when a key has not a length that the algorithm takes. */
export interface Ciphers {
  /** AES-CBC with PKCS #7 padding; 16, 24 or 32 bytes. Does not notice changed bytes. */
  aescbc(key: Uint8Array): Cipher;
  /** AES-GCM with a random nonce of 12 bytes; 16, 24 or 32 bytes. */
  aesgcm(key: Uint8Array): Cipher;
  /** AES-GCM with a key of its own for each value, derived by HKDF-SHA-256 from the seed and 32 random bytes that stand before the nonce; at least 32 bytes. */
  derivedAesgcm(seed: Uint8Array): Cipher;
  /** XSalsa20 and Poly1305 with a random nonce of 24 bytes; 32 bytes. */
  secretbox(key: Uint8Array): Cipher;
}
