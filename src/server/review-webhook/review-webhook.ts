import { type Clock, sleep } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { HttpsReply, HttpsRequests } from "../../platform/https-requests.ts";
import type { HttpsEndpoint } from "../../platform/network.ts";

export interface ReviewWebhookOptions {
  readonly endpoint: HttpsEndpoint;
  /** `authentication.k8s.io/v1` */
  readonly apiVersion: string;
  /** `TokenReview` */
  readonly kind: string;
  readonly timeoutMs: number;
}

export interface ReviewWebhookDeps {
  readonly requests: HttpsRequests;
  readonly clock: Clock;
  readonly random: Random;
}

/** Why a webhook has not answered. `timeout`: not in time. */
export class ReviewError extends Error {
  override readonly name = "ReviewError";
  readonly isTimeout: boolean;

  constructor(message: string, isTimeout: boolean) {
    super(message);
    this.isTimeout = isTimeout;
  }
}

const ATTEMPTS = 5;
const BACKOFF_MS = 500;
const BACKOFF_FACTOR = 1.5;
const JITTER = 0.2;
/** Questions under way to one webhook; further ones fail at once. */
const OUTSTANDING_MAX = 1_000;

/** Asks a server elsewhere by POST of a review, and reads the status that it fills in. @upstream apiserver/pkg/util/webhook/webhook.go */
export class ReviewWebhook {
  readonly #options: ReviewWebhookOptions;
  readonly #deps: ReviewWebhookDeps;
  #outstanding = 0;

  constructor(options: ReviewWebhookOptions, deps: ReviewWebhookDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** The status of the answer; throws ReviewError. What may pass (429, 500, 504, a broken connection) is asked again up to five times. */
  async ask(spec: unknown): Promise<{ readonly [field: string]: unknown }> {
    if (this.#outstanding >= OUTSTANDING_MAX) throw new ReviewError(`more than ${OUTSTANDING_MAX} requests wait for the webhook`, false);
    this.#outstanding += 1;
    try {
      const { apiVersion, kind } = this.#options;
      const body = JSON.stringify({ kind, apiVersion, metadata: {}, spec, status: {} });
      let waitMs = BACKOFF_MS;
      for (let attempt = 1; ; attempt += 1) {
        const outcome = await this.#once(body);
        if ("status" in outcome) return outcome.status;
        if (!outcome.mayPass || attempt === ATTEMPTS) throw outcome.error;
        await sleep(this.#deps.clock, outcome.afterMs ?? waitMs * (1 + JITTER * this.#deps.random.next()));
        waitMs *= BACKOFF_FACTOR;
      }
    } finally {
      this.#outstanding -= 1;
    }
  }

  async #once(body: string): Promise<Outcome> {
    const { endpoint, timeoutMs } = this.#options;
    let reply: HttpsReply;
    try {
      reply = await this.#deps.requests.send({ method: "POST", endpoint, body, timeoutMs });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return failed(`Post ${JSON.stringify(endpoint.url)}: ${message}`, message.includes("connection reset by peer"), undefined, message === "context deadline exceeded");
    }
    if (reply.status < 200 || reply.status > 299) {
      const retryAfter = reply.headers["retry-after"] ?? "";
      const afterMs = /^\d{1,2}$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined;
      return failed(`the webhook answered with status ${reply.status}`, afterMs !== undefined || [429, 500, 504].includes(reply.status), afterMs);
    }
    return this.#statusIn(reply.body);
  }

  #statusIn(text: string): Outcome {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return failed("the webhook's answer is not JSON", false);
    }
    const { apiVersion, kind } = this.#options;
    const answer = (typeof value === "object" && value !== null ? value : {}) as { readonly [field: string]: unknown };
    if (answer["kind"] !== kind || answer["apiVersion"] !== apiVersion) return failed(`the webhook's answer is not a ${kind} of ${apiVersion}`, false);
    const { status } = answer;
    return typeof status === "object" && status !== null ? { status: status as { readonly [field: string]: unknown } } : failed(`the webhook's ${kind} has no status`, false);
  }
}

type Outcome = { readonly status: { readonly [field: string]: unknown } } | { readonly error: ReviewError; readonly mayPass: boolean; readonly afterMs: number | undefined };

const failed = (message: string, mayPass: boolean, afterMs?: number, isTimeout = false): Outcome => ({ error: new ReviewError(message, isTimeout), mayPass, afterMs });

/** The texts of a list; undefined when it is not one of texts. Absent: none. */
export function textList(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}
