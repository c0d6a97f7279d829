import { fieldErrorBody } from "../../../meta/status-error.ts";
import type { AnonymousPolicy } from "../anonymous.ts";
import type { ReviewedToken, TokenAuthenticator } from "../bearer-tokens.ts";
import { JwtAuthenticator, type JwtDeps } from "../jwt/jwt-authenticator.ts";
import type { AuthenticationConfiguration } from "./authentication-configuration.ts";
import { authenticationErrors, type ValidateDeps } from "./validate-authentication.ts";

export interface ConfiguredAuthenticationOptions {
  readonly apiAudiences: readonly string[];
  /** Issuers of this cluster's own tokens. */
  readonly disallowedIssuers: readonly string[];
  /** How tokens may be signed; absent: in every way that is known. */
  readonly algorithms?: readonly string[] | undefined;
  /** Where the configuration says nothing of anonymous callers. */
  readonly anonymousAuth: boolean;
}

export interface ConfiguredAuthenticationDeps extends JwtDeps, ValidateDeps {
  /** Told of an issuer whose keys could not be fetched. */
  unready?(issuer: string, why: string): void;
}

/** Tokens of the issuers that a configuration names, and its word on anonymous callers; another configuration can take its place at any time. */
export class ConfiguredAuthentication implements TokenAuthenticator {
  readonly #options: ConfiguredAuthenticationOptions;
  readonly #deps: ConfiguredAuthenticationDeps;
  #issuers: readonly JwtAuthenticator[] = [];
  #anonymous: AnonymousPolicy;

  constructor(options: ConfiguredAuthenticationOptions, deps: ConfiguredAuthenticationDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#anonymous = { enabled: options.anonymousAuth };
  }

  get anonymous(): AnonymousPolicy {
    return this.#anonymous;
  }

  /** Throws Error with every fault of the configuration, and then goes on with the one before. What was known of tokens is forgotten. */
  use(config: AuthenticationConfiguration): void {
    const errors = [...authenticationErrors(config, this.#options, this.#deps)].map((error) => `${error.field}: ${fieldErrorBody(error)}`);
    const [first = ""] = errors;
    if (errors.length > 0) throw new Error(errors.length === 1 ? first : `[${errors.join(", ")}]`);
    const { apiAudiences, algorithms, anonymousAuth } = this.#options;
    this.#issuers = config.jwt.map((entry) => new JwtAuthenticator({ config: entry, algorithms, apiAudiences }, this.#deps));
    const { anonymous } = config;
    const conditions = anonymous?.conditions ?? [];
    this.#anonymous = { enabled: anonymous?.enabled ?? anonymousAuth, ...(conditions.length === 0 ? {} : { paths: conditions.map(({ path }) => path) }) };
    for (const [index, issuer] of this.#issuers.entries()) {
      void issuer.prepare().then((why) => {
        if (why !== undefined) this.#deps.unready?.(config.jwt[index]?.issuer.url ?? "", why);
      });
    }
  }

  async review(token: string, audiences: readonly string[]): Promise<ReviewedToken | undefined> {
    for (const issuer of this.#issuers) {
      const found = await issuer.review(token, audiences);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
