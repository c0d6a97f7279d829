import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { HttpsReply, HttpsRequests } from "../../src/platform/https-requests.ts";
import type { SigningAlgorithm } from "../../src/platform/public-keys.ts";

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

let rsa: Pair | undefined;
const curves: Readonly<Record<string, string>> = { ES256: "P-256", ES384: "P-384", ES512: "P-521" };

/** A key for an algorithm; those of RSA are one and the same, because making one takes long. */
export function keyPairFor(algorithm: SigningAlgorithm): Pair {
  const namedCurve = curves[algorithm];
  if (namedCurve !== undefined) return generateKeyPairSync("ec", { namedCurve });
  rsa ??= generateKeyPairSync("rsa", { modulusLength: 2048 });
  return rsa;
}

export function jwkOf({ publicKey }: Pair, kid: string): Readonly<Record<string, unknown>> {
  return { ...publicKey.export({ format: "jwk" }), kid, use: "sig" };
}

/** A signed token, as an issuer makes it. */
export function signToken(claims: unknown, { algorithm = "ES256", kid, pair }: { readonly algorithm?: SigningAlgorithm; readonly kid?: string; readonly pair: Pair }): string {
  const text = `${part({ alg: algorithm, typ: "JWT", ...(kid === undefined ? {} : { kid }) })}.${part(claims)}`;
  const options = algorithm.startsWith("ES") ? { dsaEncoding: "ieee-p1363" as const } : algorithm.startsWith("PS") ? { padding: 6, saltLength: -1 } : {};
  return `${text}.${sign(`sha${algorithm.slice(2)}`, Buffer.from(text), { key: pair.privateKey, ...options }).toString("base64url")}`;
}

/** An issuer without a network: its documents by URL, and who asked for them. */
export class TrialIssuer implements HttpsRequests {
  readonly url: string;
  readonly asked: string[] = [];
  keys: readonly unknown[] = [];
  /** Further documents. */
  readonly documents = new Map<string, string>();
  failing = false;

  constructor(url = "https://issuer.example") {
    this.url = url;
  }

  send({ endpoint: { url } }: Parameters<HttpsRequests["send"]>[0]): Promise<HttpsReply> {
    this.asked.push(url);
    if (this.failing) return Promise.reject(new Error("dial tcp 192.0.2.1:443: connect: connection refused"));
    const body = this.documents.get(url) ?? this.#document(url);
    return Promise.resolve({ status: body === undefined ? 404 : 200, headers: {}, body: body ?? "not found" });
  }

  #document(url: string): string | undefined {
    if (url === `${this.url}/.well-known/openid-configuration`) return JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/keys` });
    return url === `${this.url}/keys` ? JSON.stringify({ keys: this.keys }) : undefined;
  }
}
