import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import type { Cipher, Ciphers } from "../ciphers.ts";
import { openBox, sealBox } from "./secretbox.ts";

const BLOCK = 16;
const GCM_NONCE = 12;
const TAG = 16;
const BOX_NONCE = 24;
const DERIVED_KEY = 32;

/** The first block of HKDF's expansion, which is all that a key of 32 bytes needs. @upstream RFC 5869, apiserver/pkg/storage/value/encrypt/aes/aes_extended_nonce.go */
function derivedKey(seed: Uint8Array, info: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", seed).update(info).update(Uint8Array.of(1)).digest());
}

function derivedAesgcm(seed: Uint8Array): Cipher {
  if (seed.length < DERIVED_KEY) throw new RangeError("a seed for keys has at least 32 bytes");
  return {
    seal(plain, context) {
      const info = randomBytes(DERIVED_KEY);
      return new Uint8Array(Buffer.concat([info, nodeCiphers.aesgcm(derivedKey(seed, info)).seal(plain, context)]));
    },
    open(sealed, context) {
      if (sealed.length < DERIVED_KEY) throw new Error("the stored data is too short");
      return nodeCiphers.aesgcm(derivedKey(seed, sealed.subarray(0, DERIVED_KEY))).open(sealed.subarray(DERIVED_KEY), context);
    },
  };
}

function bitsOf(key: Uint8Array): number {
  if (key.length !== 16 && key.length !== 24 && key.length !== 32) throw new RangeError("an AES key has 16, 24 or 32 bytes");
  return key.length * 8;
}

/** Ciphers of the machine's crypto library, in the formats that a Kubernetes API server keeps in etcd. @upstream apiserver/pkg/storage/value/encrypt */
export const nodeCiphers: Ciphers = {
  aescbc(key) {
    const name = `aes-${bitsOf(key)}-cbc`;
    return {
      seal(plain) {
        const iv = randomBytes(BLOCK);
        const cipher = createCipheriv(name, key, iv);
        return new Uint8Array(Buffer.concat([iv, cipher.update(plain), cipher.final()]));
      },
      open(sealed) {
        if (sealed.length < 2 * BLOCK || sealed.length % BLOCK !== 0) throw new Error("the stored data is not a whole number of blocks");
        const decipher = createDecipheriv(name, key, sealed.subarray(0, BLOCK));
        return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(BLOCK)), decipher.final()]));
      },
    };
  },
  aesgcm(key) {
    const name = `aes-${bitsOf(key)}-gcm` as "aes-256-gcm";
    return {
      seal(plain, context) {
        const nonce = randomBytes(GCM_NONCE);
        const cipher = createCipheriv(name, key, nonce, { authTagLength: TAG });
        cipher.setAAD(Buffer.from(context));
        return new Uint8Array(Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]));
      },
      open(sealed, context) {
        if (sealed.length < GCM_NONCE + TAG) throw new Error("the stored data is too short");
        const decipher = createDecipheriv(name, key, sealed.subarray(0, GCM_NONCE), { authTagLength: TAG });
        decipher.setAAD(Buffer.from(context));
        decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
        return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(GCM_NONCE, sealed.length - TAG)), decipher.final()]));
      },
    };
  },
  derivedAesgcm,
  secretbox(key) {
    if (key.length !== 32) throw new RangeError("a secretbox key has 32 bytes");
    return {
      seal(plain) {
        const nonce = randomBytes(BOX_NONCE);
        return new Uint8Array(Buffer.concat([nonce, sealBox(plain, nonce, key)]));
      },
      open(sealed) {
        const plain = openBox(sealed.subarray(BOX_NONCE), sealed.subarray(0, BOX_NONCE), key);
        if (plain === undefined) throw new Error("the stored data was not sealed with this key");
        return plain;
      },
    };
  },
};
