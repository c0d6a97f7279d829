import type { Random } from "../../base/random.ts";

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** 64 hexadecimal digits, as containerd names sandboxes and containers. */
export function hexId(random: Random): string {
  let text = "";
  for (const byte of random.bytes(32)) text += hex[byte] ?? "";
  return text;
}

/** A made-up but repeatable digest of a text: the same on every simulated node. Not a SHA-256. */
export function paperDigest(text: string): string {
  let digest = "";
  for (let part = 0; part < 8; part += 1) {
    // FNV-1a, each part from another start.
    let hash = (0x811c9dc5 ^ (part * 0x9e3779b1)) >>> 0;
    for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
    digest += hash.toString(16).padStart(8, "0");
  }
  return `sha256:${digest}`;
}
