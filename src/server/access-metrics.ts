import type { Clock } from "../base/clock.ts";
import type { Metrics, Sample } from "../base/metrics.ts";
import type { ApiRequest, UserInfo } from "../meta/wire.ts";
import type { Decision } from "./authz/authorizer.ts";

/** 1 ms, doubled to 16.4 s. */
const boundsSeconds = Array.from({ length: 15 }, (_, exponent) => 0.001 * 2 ** exponent);

/** PERF: every request is counted twice here: plain numbers, put into words when metrics are shown. */
class Durations {
  count = 0;
  sumMs = 0;
  /** How many fell between each bound and the one before it. */
  readonly #between = boundsSeconds.map(() => 0);

  observe(tookMs: number): void {
    this.count += 1;
    this.sumMs += tookMs;
    const seconds = tookMs / 1000;
    for (let index = 0; index < boundsSeconds.length; index += 1) {
      if (seconds > (boundsSeconds[index] ?? 0)) continue;
      this.#between[index] = (this.#between[index] ?? 0) + 1;
      return;
    }
  }

  *samples(labels: Sample["labels"]): Iterable<Sample> {
    let within = 0;
    for (const [index, bound] of boundsSeconds.entries()) {
      within += this.#between[index] ?? 0;
      yield { labels: { ...labels, le: String(bound) }, value: within, series: "bucket" };
    }
    yield { labels: { ...labels, le: "+Inf" }, value: this.count, series: "bucket" };
    yield { labels, value: this.sumMs / 1000, series: "sum" };
    yield { labels, value: this.count, series: "count" };
  }
}

const verdicts = { allow: "allowed", deny: "denied", "no-opinion": "no-opinion" } as const;
const wellKnown: ReadonlySet<string> = new Set(["admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default"]);

/**
 * Who came in and what was decided: `authentication_attempts`, `authenticated_user_requests`, `authorization_attempts_total`
 * and how long it took. Of whom a request within the process comes is known, and not counted. @upstream apiserver/pkg/endpoints/filters/metrics.go
 */
export class AccessMetrics {
  readonly #clock: Clock;
  readonly #authentications = new Map<"success" | "failure" | "error", Durations>();
  readonly #authorizations = new Map<"allowed" | "denied" | "no-opinion" | "error", Durations>();
  /** By kind of name: names of people are nobody's business here, and must not grow the metrics. */
  readonly #users = new Map<string, number>();

  constructor({ clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics }) {
    this.#clock = clock;
    const counted = (name: string, help: string, of: ReadonlyMap<string, Durations>): void =>
      metrics.live({
        name,
        help,
        type: "counter",
        *samples() {
          for (const [result, { count }] of of) yield { labels: { result }, value: count };
        },
      });
    const timed = (name: string, help: string, of: ReadonlyMap<string, Durations>): void =>
      metrics.live({
        name,
        help,
        type: "histogram",
        *samples() {
          for (const [result, durations] of of) yield* durations.samples({ result });
        },
      });
    counted("authentication_attempts", "Requests by what came of asking who makes them", this.#authentications);
    timed("authentication_duration_seconds", "How long it took to find out who makes a request, by what came of it, in seconds", this.#authentications);
    counted("authorization_attempts_total", "Requests by what was decided of them", this.#authorizations);
    timed("authorization_duration_seconds", "How long it took to decide whether a request is allowed, by what was decided, in seconds", this.#authorizations);
    const users = this.#users;
    metrics.live({
      name: "authenticated_user_requests",
      help: "Requests of those who are known, by kind of name",
      type: "counter",
      *samples() {
        for (const [username, value] of users) yield { labels: { username }, value };
      },
    });
  }

  /** Who asks is known; looked for since `startedMs`. */
  authenticated({ name }: UserInfo, startedMs: number): void {
    durationsOf(this.#authentications, "success").observe(this.#clock.now() - startedMs);
    const username = wellKnown.has(name) ? name : name.includes("@") ? "email_id" : "other";
    this.#users.set(username, (this.#users.get(username) ?? 0) + 1);
  }

  /** The outcome of finding out who asks, seen through. */
  async authentication(request: ApiRequest, outcome: Promise<UserInfo>): Promise<UserInfo> {
    const startedMs = this.#clock.now();
    try {
      const user = await outcome;
      this.authenticated(user, startedMs);
      return user;
    } catch (error) {
      // Who shows nothing has not been found wanting.
      const { caller, headers } = request;
      const hasProof = headers["authorization"] !== undefined || (caller.type === "network" && (caller.certificate ?? caller.frontProxy) !== undefined);
      durationsOf(this.#authentications, hasProof ? "error" : "failure").observe(this.#clock.now() - startedMs);
      throw error;
    }
  }

  /** A decision that was asked for at `startedMs`. */
  authorized({ verdict, error }: Decision, startedMs: number): void {
    const failed = verdict !== "allow" && error !== undefined;
    durationsOf(this.#authorizations, failed ? "error" : verdicts[verdict]).observe(this.#clock.now() - startedMs);
  }
}

function durationsOf<Result extends string>(all: Map<Result, Durations>, result: Result): Durations {
  const known = all.get(result);
  if (known !== undefined) return known;
  const fresh = new Durations();
  all.set(result, fresh);
  return fresh;
}
