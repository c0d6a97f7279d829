import type { Signer } from "./signer.ts";

const encoder = new TextEncoder();
/** Bytes that go into one call as arguments. */
const PIECE = 4096;

/** A JSON Web Token in compact form. */
export function signJwt(signer: Pick<Signer, "algorithm" | "keyId" | "sign">, claims: object): string {
  const text = `${base64url({ alg: signer.algorithm, kid: signer.keyId })}.${base64url(claims)}`;
  return `${text}.${signer.sign(text)}`;
}

function base64url(value: object): string {
  const bytes = encoder.encode(JSON.stringify(value));
  let binary = "";
  // PERF: a piece at a time; an array with a string for each byte takes a fifth of a token's time.
  for (let at = 0; at < bytes.length; at += PIECE) binary += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
