import type { Signer } from "./signer.ts";

const encoder = new TextEncoder();

/** A JSON Web Token in compact form. */
export function signJwt(signer: Pick<Signer, "algorithm" | "keyId" | "sign">, claims: object): string {
  const text = `${base64url({ alg: signer.algorithm, kid: signer.keyId })}.${base64url(claims)}`;
  return `${text}.${signer.sign(text)}`;
}

function base64url(value: object): string {
  const binary = Array.from(encoder.encode(JSON.stringify(value)), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
