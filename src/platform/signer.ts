/** Signs and checks JSON Web Tokens with one key pair. */
export interface Signer {
  /** `ES256`, `RS256`: the header's alg. */
  readonly algorithm: string;
  /** The header's kid: base64url SHA-256 of the public key. */
  readonly keyId: string;
  /** Public key as a JSON Web Key, for /openid/v1/jwks. */
  readonly jwk: Readonly<Record<string, string>>;
  /** base64url signature of the text. */
  sign(text: string): string;
  verify(text: string, signature: string): boolean;
}
