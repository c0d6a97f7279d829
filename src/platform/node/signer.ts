import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import type { Signer } from "../signer.ts";

/** A Signer from a PEM private key: P-256 signs ES256, RSA signs RS256. */
export function nodeSigner(privateKeyPem: string): Signer {
  const privateKey = createPrivateKey(privateKeyPem);
  const publicKey = createPublicKey(privateKey);
  const isEc = privateKey.asymmetricKeyType === "ec";
  const der = publicKey.export({ format: "der", type: "spki" });
  const keyId = createHash("sha256").update(der).digest("base64url");
  const algorithm = isEc ? "ES256" : "RS256";
  const keyOptions = isEc ? { dsaEncoding: "ieee-p1363" as const } : {};
  return {
    algorithm,
    keyId,
    jwk: { ...(publicKey.export({ format: "jwk" }) as Record<string, string>), use: "sig", kid: keyId, alg: algorithm },
    sign: (text) => sign("sha256", Buffer.from(text), { key: privateKey, ...keyOptions }).toString("base64url"),
    verify: (text, signature) => verify("sha256", Buffer.from(text), { key: publicKey, ...keyOptions }, Buffer.from(signature, "base64url")),
  };
}
