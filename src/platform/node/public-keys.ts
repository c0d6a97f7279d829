import { constants, createPublicKey, type JsonWebKey, type KeyObject, verify } from "node:crypto";
import type { PublicKey, PublicKeys, SigningAlgorithm } from "../public-keys.ts";

const curves: Readonly<Record<string, string>> = { ES256: "prime256v1", ES384: "secp384r1", ES512: "secp521r1" };
/** Shorter ones can be broken. */
const MIN_RSA_BITS = 1024;

export const nodePublicKeys: PublicKeys = {
  ofJwk(jwk) {
    let key: KeyObject;
    try {
      key = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
    } catch {
      return undefined;
    }
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
    if (type === "ec" || (type === "rsa" && (details?.modulusLength ?? 0) >= MIN_RSA_BITS)) return publicKey(key);
    return undefined;
  },
};

function publicKey(key: KeyObject): PublicKey {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  return {
    verify(algorithm, text, signature) {
      const isEc = algorithm.startsWith("ES");
      if (isEc ? type !== "ec" || details?.namedCurve !== curves[algorithm] : type !== "rsa") return false;
      try {
        return verify(`sha${algorithm.slice(2)}`, Buffer.from(text), { key, ...paddingOf(algorithm) }, Buffer.from(signature, "base64url"));
      } catch {
        return false;
      }
    },
  };
}

function paddingOf(algorithm: SigningAlgorithm): { readonly dsaEncoding?: "ieee-p1363"; readonly padding?: number; readonly saltLength?: number } {
  if (algorithm.startsWith("ES")) return { dsaEncoding: "ieee-p1363" };
  if (algorithm.startsWith("PS")) return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return { padding: constants.RSA_PKCS1_PADDING };
}
