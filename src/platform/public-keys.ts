/** How tokens may be signed. RFC 7518 */
export const signingAlgorithms = ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** Keys of others, with which tokens are checked. */
export interface PublicKeys {
  /** A key as a JSON Web Key; undefined when it is of a type that no algorithm here uses, or not a key at all. */
  ofJwk(jwk: Readonly<Record<string, unknown>>): PublicKey | undefined;
}

export interface PublicKey {
  /** False also when the key is not one for that algorithm. `signature` is base64url. */
  verify(algorithm: SigningAlgorithm, text: string, signature: string): boolean;
}
