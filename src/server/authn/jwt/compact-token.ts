/** A JSON Web Token taken apart, and believed in nothing: its signature has not been looked at. RFC 7519 */
export interface CompactToken {
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly claims: { readonly [claim: string]: unknown };
  /** What is signed. */
  readonly signed: string;
  /** base64url */
  readonly signature: string;
}

/** Longer ones are nobody's. */
export const longestToken = 32_768;
const textDecoder = new TextDecoder("utf-8", { fatal: true });

/** Undefined when the text is no token with a signature. */
export function parseToken(text: string): CompactToken | undefined {
  const [header = "", payload = "", signature = "", ...more] = text.split(".");
  if (header === "" || payload === "" || signature === "" || more.length > 0 || text.length > longestToken || !/^[\w-]+$/.test(signature)) return undefined;
  const fields = objectIn(header);
  const claims = objectIn(payload);
  // What a critical header asks for is not understood here; `b64` changes what is signed.
  if (fields === undefined || claims === undefined || typeof fields["alg"] !== "string" || fields["crit"] !== undefined) return undefined;
  const kid = fields["kid"];
  return { algorithm: fields["alg"], keyId: typeof kid === "string" && kid !== "" ? kid : undefined, claims, signed: `${header}.${payload}`, signature };
}

function objectIn(part: string): { readonly [name: string]: unknown } | undefined {
  if (!/^[\w-]+$/.test(part)) return undefined;
  try {
    const binary = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
    const value: unknown = JSON.parse(textDecoder.decode(Uint8Array.from(binary, (character) => character.charCodeAt(0))));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as { readonly [name: string]: unknown }) : undefined;
  } catch {
    return undefined;
  }
}

/** Who a token says issued it. Google's own tokens leave the scheme out. @upstream apiserver/plugin/pkg/authenticator/token/oidc/oidc.go untrustedIssuer */
export function issuerOf({ claims }: CompactToken): string {
  const iss = claims["iss"];
  if (typeof iss !== "string") return "";
  return iss === "accounts.google.com" ? "https://accounts.google.com" : iss;
}
