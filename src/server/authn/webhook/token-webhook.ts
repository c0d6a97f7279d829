import type { Clock } from "../../../base/clock.ts";
import { LruMap } from "../../../client/lru-map.ts";
import type { UserInfo } from "../../../meta/wire.ts";
import { ReviewError, type ReviewWebhook, textList } from "../../review-webhook/review-webhook.ts";
import type { ReviewedToken, TokenAuthenticator } from "../bearer-tokens.ts";
import { longestToken } from "../jwt/compact-token.ts";
import { TokenRefused } from "../token-refused.ts";

export interface TokenWebhookOptions {
  /** What this API server is called. */
  readonly apiAudiences: readonly string[];
  /** How long an answer holds; 0: never kept. */
  readonly cacheTtlMs: number;
}

export interface TokenWebhookDeps {
  readonly webhook: Pick<ReviewWebhook, "ask">;
  readonly clock: Clock;
}

const CACHE_LIMIT = 8_192;

/** Asks a server elsewhere whose a token is. @upstream apiserver/plugin/pkg/authenticator/token/webhook/webhook.go */
export class TokenWebhook implements TokenAuthenticator {
  readonly #options: TokenWebhookOptions;
  readonly #deps: TokenWebhookDeps;
  readonly #known = new LruMap<{ readonly answer: ReviewedToken | undefined; readonly untilMs: number }>(CACHE_LIMIT);
  /** One question for all who wait for the same answer. */
  readonly #asking = new Map<string, Promise<ReviewedToken | undefined>>();

  constructor(options: TokenWebhookOptions, deps: TokenWebhookDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Undefined: the webhook does not know the token. Throws TokenRefused with what it says, or why it was not reached. */
  async review(token: string, audiences: readonly string[]): Promise<ReviewedToken | undefined> {
    if (token.length > longestToken) return undefined;
    const key = JSON.stringify([token, audiences]);
    const known = this.#known.get(key);
    if (known !== undefined && this.#deps.clock.now() < known.untilMs) return known.answer;
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#ask(token, audiences).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    const answer = await asking;
    const { cacheTtlMs } = this.#options;
    if (cacheTtlMs > 0) this.#known.set(key, { answer, untilMs: this.#deps.clock.now() + cacheTtlMs });
    return answer;
  }

  async #ask(token: string, audiences: readonly string[]): Promise<ReviewedToken | undefined> {
    let status: Awaited<ReturnType<ReviewWebhook["ask"]>>;
    try {
      status = await this.#deps.webhook.ask({ token, audiences });
    } catch (error) {
      if (error instanceof ReviewError) throw new TokenRefused(error.message, { cause: error });
      throw error;
    }
    if (status["authenticated"] !== true) {
      const { error } = status;
      if (typeof error === "string" && error !== "") throw new TokenRefused(error);
      return undefined;
    }
    const user = userOf(status["user"]);
    const meant = textList(status["audiences"]);
    if (user === undefined || meant === undefined) throw new TokenRefused("the webhook's TokenReview names no user, or has fields of a wrong type");
    // A webhook that knows nothing of audiences speaks for this server alone.
    const common = (meant.length === 0 ? this.#options.apiAudiences : meant).filter((audience) => audiences.includes(audience));
    return common.length === 0 ? undefined : { user, audiences: common };
  }
}

function userOf(value: unknown): UserInfo | undefined {
  const { username, uid, groups, extra } = (typeof value === "object" && value !== null ? value : {}) as { readonly [field: string]: unknown };
  const list = textList(groups);
  if (typeof username !== "string" || username === "" || list === undefined || (uid !== undefined && typeof uid !== "string")) return undefined;
  const entries = typeof extra === "object" && extra !== null ? Object.entries(extra).map(([key, values]) => [key, textList(values)] as const) : [];
  if (entries.some(([, values]) => values === undefined)) return undefined;
  return {
    name: username,
    ...(uid === undefined || uid === "" ? {} : { uid }),
    groups: list,
    ...(entries.length === 0 ? {} : { extra: Object.fromEntries(entries.map(([key, values]) => [key, values ?? []])) }),
  };
}
