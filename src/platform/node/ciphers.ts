import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { Ciphers } from "../ciphers.ts";
import { openBox, sealBox } from "./secretbox.ts";

const BLOCK = 16;
const GCM_NONCE = 12;
const TAG = 16;
const BOX_NONCE = 24;

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
