import { LruMap } from "../../../client/lru-map.ts";
import type { UserInfo } from "../../../meta/wire.ts";
import { signingAlgorithms } from "../../../platform/public-keys.ts";
import type { ReviewedToken, TokenAuthenticator } from "../bearer-tokens.ts";
import type { JwtAuthenticatorConfig } from "../configuration/authentication-configuration.ts";
import { type ClaimMapping, claimMapping } from "./claim-mapping.ts";
import { issuerOf, parseToken } from "./compact-token.ts";
import { DistributedClaims } from "./distributed-claims.ts";
import { type IssuerDeps, IssuerKeys } from "./issuer-keys.ts";
import { mustStand } from "./must-stand.ts";

export interface JwtOptions {
  readonly config: JwtAuthenticatorConfig;
  /** Absent: all that are known. */
  readonly algorithms?: readonly string[] | undefined;
  /** What this API server is called: such a token opens it alone. */
  readonly apiAudiences: readonly string[];
}

export interface JwtDeps extends IssuerDeps {
  /** Told how long a token took that was not in the cache. */
  measured?(result: "success" | "failure", seconds: number, issuer: string): void;
}

/** PERF: a signature, claims and rules cost 0.2 to 0.4 ms (RS256, ES256 with CEL), a look at the cache some microseconds. */
const CACHE_MS = 10_000;
const CACHE_LIMIT = 4_096;

/** Tokens of one issuer. @upstream apiserver/plugin/pkg/authenticator/token/oidc/oidc.go */
export class JwtAuthenticator implements TokenAuthenticator {
  readonly #options: JwtOptions;
  readonly #deps: JwtDeps;
  readonly #keys: IssuerKeys;
  readonly #map: ClaimMapping;
  readonly #distributed: DistributedClaims | undefined;
  readonly #known = new LruMap<{ readonly user: UserInfo; readonly untilMs: number }>(CACHE_LIMIT);

  /** The configuration must be free of errors. */
  constructor(options: JwtOptions, deps: JwtDeps) {
    const { issuer, claimMappings } = options.config;
    this.#options = options;
    this.#deps = deps;
    this.#keys = new IssuerKeys(issuer, deps);
    this.#map = claimMapping(options.config);
    const claim = claimMappings.groups?.claim ?? "";
    const algorithms = options.algorithms ?? signingAlgorithms;
    this.#distributed =
      claim === "" ? undefined : new DistributedClaims({ claim, audiences: issuer.audiences, algorithms, certificateAuthority: issuer.certificateAuthority }, deps);
  }

  /** Fetches the issuer's keys before they are needed; answers why that failed, or undefined. */
  prepare(): Promise<string | undefined> {
    return this.#keys.prepare();
  }

  /** Undefined: not a token of this issuer. Throws TokenRefused when it is one and does not hold. */
  async review(text: string, audiences: readonly string[]): Promise<ReviewedToken | undefined> {
    const common = this.#options.apiAudiences.filter((audience) => audiences.includes(audience));
    if (common.length === 0) return undefined;
    const nowMs = this.#deps.clock.now();
    const known = this.#known.get(text);
    if (known !== undefined && nowMs < known.untilMs) return { user: known.user, audiences: common };
    const token = parseToken(text);
    const { issuer } = this.#options.config;
    if (token === undefined || issuerOf(token) !== issuer.url) return undefined;
    let result: "success" | "failure" = "failure";
    try {
      await mustStand(token, { issuer: issuer.url, audiences: issuer.audiences, algorithms: this.#options.algorithms ?? signingAlgorithms, keys: this.#keys, nowMs });
      const claims = (await this.#distributed?.expanded(token.claims)) ?? token.claims;
      const user = this.#map(claims);
      this.#known.set(text, { user, untilMs: Math.min(nowMs + CACHE_MS, Number(token.claims["exp"]) * 1000) });
      result = "success";
      return { user, audiences: common };
    } finally {
      this.#deps.measured?.(result, (this.#deps.clock.now() - nowMs) / 1000, issuer.url);
    }
  }
}
