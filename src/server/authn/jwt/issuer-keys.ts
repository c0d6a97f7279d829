import type { Clock } from "../../../base/clock.ts";
import type { HttpsRequests } from "../../../platform/https-requests.ts";
import type { PublicKey, PublicKeys, SigningAlgorithm } from "../../../platform/public-keys.ts";
import { TokenRefused } from "../token-refused.ts";
import type { CompactToken } from "./compact-token.ts";

export interface IssuerPlace {
  readonly url: string;
  readonly discoveryURL?: string | undefined;
  /** PEM; absent: the system's own roots. */
  readonly certificateAuthority?: string | undefined;
}

export interface IssuerDeps {
  readonly requests: HttpsRequests;
  readonly publicKeys: PublicKeys;
  readonly clock: Clock;
}

interface NamedKey {
  readonly keyId: string | undefined;
  readonly key: PublicKey;
}

const TIMEOUT_MS = 30_000;
/** No more often than this is an issuer asked, whatever tokens come. */
const SPACING_MS = 10_000;
/** Keys older than this are asked for again; they go on to count while that fails. */
const FRESH_MS = 3_600_000;
const KEYS_MAX = 100;

/** The keys that an issuer signs with, as its documents say: fetched when first needed, and again when a token names one that is not known. */
export class IssuerKeys {
  readonly #place: IssuerPlace;
  readonly #deps: IssuerDeps;
  #keys: readonly NamedKey[] | undefined;
  #fetchedMs = 0;
  #triedMs = Number.NEGATIVE_INFINITY;
  #problem = "";
  #fetching: Promise<void> | undefined;

  constructor(place: IssuerPlace, deps: IssuerDeps) {
    this.#place = place;
    this.#deps = deps;
  }

  /** Fetches the keys when there are none. Never rejects; answers why there are none, or undefined. */
  async prepare(): Promise<string | undefined> {
    if (this.#keys === undefined) await this.#refresh();
    return this.#keys === undefined ? this.#problem : undefined;
  }

  /** Throws TokenRefused when the signature is none of this issuer's. */
  async mustVerify(token: CompactToken, algorithm: SigningAlgorithm): Promise<void> {
    if (this.#keys === undefined || this.#deps.clock.now() - this.#fetchedMs > FRESH_MS) await this.#refresh();
    if (this.#keys === undefined) throw new TokenRefused(`oidc: authenticator not initialized: ${this.#problem}`);
    if (this.#isSigned(token, algorithm)) return;
    const before = this.#keys;
    await this.#refresh();
    if (this.#keys !== before && this.#isSigned(token, algorithm)) return;
    throw new TokenRefused("oidc: verify token: failed to verify signature: failed to verify id token signature");
  }

  #isSigned({ keyId, signed, signature }: CompactToken, algorithm: SigningAlgorithm): boolean {
    return (this.#keys ?? []).some((known) => (keyId === undefined || known.keyId === undefined || known.keyId === keyId) && known.key.verify(algorithm, signed, signature));
  }

  /** One attempt for all who ask, and none within ten seconds of the last. */
  #refresh(): Promise<void> {
    if (this.#fetching !== undefined) return this.#fetching;
    const now = this.#deps.clock.now();
    if (now - this.#triedMs < SPACING_MS) return Promise.resolve();
    this.#triedMs = now;
    this.#fetching = this.#fetch()
      .then((keys) => {
        this.#keys = keys;
        this.#fetchedMs = this.#deps.clock.now();
        this.#problem = "";
      })
      .catch((error: unknown) => {
        this.#problem = error instanceof Error ? error.message : String(error);
      })
      .finally(() => {
        this.#fetching = undefined;
      });
    return this.#fetching;
  }

  async #fetch(): Promise<readonly NamedKey[]> {
    const { url, discoveryURL = "" } = this.#place;
    const document = await this.#get(discoveryURL === "" ? `${url.replace(/\/$/, "")}/.well-known/openid-configuration` : discoveryURL);
    const { issuer, jwks_uri: place } = document;
    if (issuer !== url) throw new Error(`oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(url)} got ${JSON.stringify(issuer)}`);
    if (typeof place !== "string" || !place.startsWith("https://")) throw new Error(`oidc: the jwks_uri of ${url} is not a URL of https: ${JSON.stringify(place)}`);
    const { keys } = await this.#get(place);
    if (!Array.isArray(keys)) throw new Error(`oidc: ${place} holds no keys`);
    return keys.slice(0, KEYS_MAX).flatMap((jwk) => namedKey(jwk, this.#deps.publicKeys));
  }

  async #get(url: string): Promise<{ readonly [field: string]: unknown }> {
    const { certificateAuthority = "" } = this.#place;
    const endpoint = { url, ...(certificateAuthority === "" ? {} : { ca: certificateAuthority }) };
    let reply: Awaited<ReturnType<HttpsRequests["send"]>>;
    try {
      reply = await this.#deps.requests.send({ method: "GET", endpoint, timeoutMs: TIMEOUT_MS });
    } catch (error) {
      throw new Error(`Get ${JSON.stringify(url)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    if (reply.status !== 200) throw new Error(`Get ${JSON.stringify(url)}: status ${reply.status}`);
    const value = parsed(reply.body);
    if (typeof value !== "object" || value === null) throw new Error(`Get ${JSON.stringify(url)}: the answer is not a JSON object`);
    return value as { readonly [field: string]: unknown };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function namedKey(jwk: unknown, publicKeys: PublicKeys): readonly NamedKey[] {
  if (typeof jwk !== "object" || jwk === null) return [];
  const fields = jwk as Readonly<Record<string, unknown>>;
  if (fields["use"] === "enc") return [];
  const key = publicKeys.ofJwk(fields);
  const keyId = fields["kid"];
  return key === undefined ? [] : [{ key, keyId: typeof keyId === "string" && keyId !== "" ? keyId : undefined }];
}
