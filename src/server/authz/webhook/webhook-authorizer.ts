import type { Clock } from "../../../base/clock.ts";
import { noMetrics, type Counter, type Histogram, type Metrics } from "../../../base/metrics.ts";
import { LruMap } from "../../../client/lru-map.ts";
import type { UserInfo } from "../../../meta/wire.ts";
import { ReviewError, type ReviewWebhook } from "../../review-webhook/review-webhook.ts";
import type { AuthorizationAttributes, Authorizer, Decision, UserRules } from "../authorizer.ts";
import { type MatchCondition, matches } from "./match-conditions.ts";
import { reviewSpecOf, reviewSpecV1beta1 } from "./review-spec.ts";

export interface WebhookAuthorizerOptions {
  readonly name: string;
  readonly version: "v1" | "v1beta1";
  /** How long an answer holds. */
  readonly authorizedTtlMs: number;
  readonly unauthorizedTtlMs: number;
  /** What a question without an answer means. */
  readonly failurePolicy: "NoOpinion" | "Deny";
  /** Only questions for which all hold are put to the webhook. */
  readonly conditions: readonly MatchCondition[];
}

export interface WebhookAuthorizerDeps {
  readonly webhook: Pick<ReviewWebhook, "ask">;
  readonly clock: Clock;
  readonly metrics?: WebhookMetrics;
}

const CACHE_LIMIT = 8_192;
/** What the caller may choose the length of: longer is not worth a place in the cache. */
const CACHED_CHARACTERS = 10_000;

/** Asks a server elsewhere whether somebody may. @upstream apiserver/plugin/pkg/authorizer/webhook/webhook.go */
export class WebhookAuthorizer implements Authorizer {
  readonly #options: WebhookAuthorizerOptions;
  readonly #deps: WebhookAuthorizerDeps;
  readonly #metrics: WebhookMetrics;
  readonly #known = new LruMap<{ readonly decision: Decision; readonly untilMs: number }>(CACHE_LIMIT);
  /** One question for all who wait for the same answer. */
  readonly #asking = new Map<string, Promise<Decision>>();

  constructor(options: WebhookAuthorizerOptions, deps: WebhookAuthorizerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#metrics = deps.metrics ?? webhookMetrics(noMetrics);
  }

  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision> {
    const spec = reviewSpecOf(attributes);
    const { conditions, name, version } = this.#options;
    if (conditions.length > 0) {
      const matched = matches(conditions, spec);
      if (matched === false) {
        this.#metrics.exclusions.inc(["Webhook", name]);
        return { verdict: "no-opinion" };
      }
      if (matched instanceof Error) {
        this.#metrics.conditionErrors.inc(["Webhook", name]);
        return this.#failed(matched.message);
      }
    }
    const question = version === "v1" ? spec : reviewSpecV1beta1(spec);
    const key = JSON.stringify(question);
    const known = this.#known.get(key);
    if (known !== undefined && this.#deps.clock.now() < known.untilMs) return known.decision;
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#ask(question, key, chosenLength(attributes) < CACHED_CHARACTERS).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return asking;
  }

  userRules(_user: UserInfo, _namespace: string): UserRules {
    return { rules: [], incomplete: "webhook authorizer does not support user rule resolution" };
  }

  async #ask(question: unknown, key: string, isCached: boolean): Promise<Decision> {
    const { name, authorizedTtlMs, unauthorizedTtlMs } = this.#options;
    const { clock } = this.#deps;
    const startedMs = clock.now();
    const count = (result: string): void => {
      this.#metrics.evaluations.inc([name, result]);
      this.#metrics.duration.observe((clock.now() - startedMs) / 1000, [name, result]);
      if (result !== "success" && this.#options.failurePolicy === "NoOpinion") this.#metrics.failedOpen.inc([name, result]);
    };
    let status: Awaited<ReturnType<ReviewWebhook["ask"]>>;
    try {
      status = await this.#deps.webhook.ask(question);
    } catch (error) {
      if (!(error instanceof ReviewError)) throw error;
      count(error.isTimeout ? "timeout" : "error");
      return this.#failed(error.message);
    }
    count("success");
    const decision = decisionOf(status);
    const ttlMs = status["allowed"] === true ? authorizedTtlMs : unauthorizedTtlMs;
    if (isCached && ttlMs > 0) this.#known.set(key, { decision, untilMs: clock.now() + ttlMs });
    return decision;
  }

  #failed(error: string): Decision {
    return { verdict: this.#options.failurePolicy === "Deny" ? "deny" : "no-opinion", error };
  }
}

function decisionOf({ allowed, denied, reason }: { readonly [field: string]: unknown }): Decision {
  const why = typeof reason === "string" && reason !== "" ? { reason } : {};
  if (allowed === true && denied === true) return { verdict: "deny", ...why, error: "webhook subject access review returned both allow and deny response" };
  if (denied === true) return { verdict: "deny", ...why };
  return { verdict: allowed === true ? "allow" : "no-opinion", ...why };
}

function chosenLength({ namespace, verb, group, version, resource, subresource, name, path, fieldSelector = "", labelSelector = "" }: AuthorizationAttributes): number {
  return [namespace, verb, group, version, resource, subresource, name, path, fieldSelector, labelSelector].reduce((sum, text) => sum + text.length, 0);
}

/** What is counted of webhooks that decide. @upstream apiserver/plugin/pkg/authorizer/webhook/metrics */
export interface WebhookMetrics {
  readonly evaluations: Counter;
  readonly duration: Histogram;
  readonly failedOpen: Counter;
  readonly conditionErrors: Counter;
  readonly exclusions: Counter;
}

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function webhookMetrics(metrics: Metrics): WebhookMetrics {
  const prefix = "apiserver_authorization";
  return {
    evaluations: metrics.counter(`${prefix}_webhook_evaluations_total`, "Questions put to authorization webhooks", ["name", "result"]),
    duration: metrics.histogram(`${prefix}_webhook_duration_seconds`, "Seconds that authorization webhooks took", seconds, ["name", "result"]),
    failedOpen: metrics.counter(`${prefix}_webhook_evaluations_fail_open_total`, "Questions without an answer that were left to others", ["name", "result"]),
    conditionErrors: metrics.counter(`${prefix}_match_condition_evaluation_errors_total`, "Match conditions that could not be told", ["type", "name"]),
    exclusions: metrics.counter(`${prefix}_match_condition_exclusions_total`, "Questions that match conditions kept from a webhook", ["type", "name"]),
  };
}
