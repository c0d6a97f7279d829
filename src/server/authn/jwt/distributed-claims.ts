import type { Clock } from "../../../base/clock.ts";
import { TokenRefused } from "../token-refused.ts";
import type { Claims } from "./claim-mapping.ts";
import { issuerOf, parseToken } from "./compact-token.ts";
import { IssuerKeys, type IssuerDeps, type IssuerPlace } from "./issuer-keys.ts";
import { mustStand } from "./must-stand.ts";

export interface DistributedOptions extends Pick<IssuerPlace, "certificateAuthority"> {
  /** The claim that may lie elsewhere. */
  readonly claim: string;
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
}

const SOURCES_MAX = 16;
const TIMEOUT_MS = 30_000;

/**
 * Fetches a claim that a verified token does not carry itself but says where to get: a token of its own, verified like the
 * first. OpenID Connect Core 5.6.2. @upstream apiserver/plugin/pkg/authenticator/token/oidc/oidc.go claimResolver
 */
export class DistributedClaims {
  readonly #options: DistributedOptions;
  readonly #deps: IssuerDeps & { readonly clock: Clock };
  readonly #issuers = new Map<string, IssuerKeys>();

  constructor(options: DistributedOptions, deps: IssuerDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** The claims with the one that was fetched, or as they are when it is not said to lie elsewhere. */
  async expanded(claims: Claims): Promise<Claims> {
    const { claim } = this.#options;
    const names = claims["_claim_names"];
    if (Object.hasOwn(claims, claim) || names === undefined) return claims;
    const source = fieldOf(names, claim);
    if (typeof source !== "string") return claims;
    if (claims["_claim_sources"] === undefined) throw refused("oidc: no claim sources");
    const endpoint = fieldOf(claims["_claim_sources"], source);
    if (endpoint === undefined) throw refused(`id token _claim_names contained a source ${source} missing in _claims_sources`);
    const url = fieldOf(endpoint, "endpoint");
    // Claims that lie in the token itself, signed by another, are not supported upstream either.
    if (typeof url !== "string" || url === "") return claims;
    const value = await this.#fetch(url, fieldOf(endpoint, "access_token"));
    return { ...claims, [claim]: value };
  }

  async #fetch(url: string, accessToken: unknown): Promise<unknown> {
    const { claim, audiences, algorithms, certificateAuthority = "" } = this.#options;
    const headers = typeof accessToken === "string" && accessToken !== "" ? { authorization: `Bearer ${accessToken}` } : {};
    let body: string;
    try {
      const endpoint = { url, ...(certificateAuthority === "" ? {} : { ca: certificateAuthority }) };
      const reply = await this.#deps.requests.send({ method: "GET", endpoint, headers, timeoutMs: TIMEOUT_MS });
      if (reply.status < 200 || reply.status > 226) throw new Error(`error while getting distributed claim JWT: status ${reply.status}`);
      body = reply.body.trim();
    } catch (error) {
      throw refused(`while getting distributed claim ${JSON.stringify(claim)}: ${error instanceof Error ? error.message : String(error)}`);
    }
    const token = parseToken(body);
    if (token === undefined) throw refused(`${url} did not answer a token`);
    const issuer = issuerOf(token);
    await mustStand(token, { issuer, audiences, algorithms, keys: this.#keysOf(issuer), nowMs: this.#deps.clock.now() });
    if (!Object.hasOwn(token.claims, claim)) throw refused(`jwt returned by distributed claim endpoint ${JSON.stringify(url)} did not contain claim: ${claim}`);
    return token.claims[claim];
  }

  #keysOf(issuer: string): IssuerKeys {
    const known = this.#issuers.get(issuer);
    if (known !== undefined) return known;
    if (this.#issuers.size >= SOURCES_MAX) throw refused(`verifying untrusted issuer ${issuer} failed: claims come from more than ${SOURCES_MAX} issuers`);
    const keys = new IssuerKeys({ url: issuer, certificateAuthority: this.#options.certificateAuthority }, this.#deps);
    this.#issuers.set(issuer, keys);
    return keys;
  }
}

const refused = (why: string): TokenRefused => new TokenRefused(`oidc: could not expand distributed claims: ${why}`);

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, field) ? (value as Claims)[field] : undefined;
}
