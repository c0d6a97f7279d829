import { badRequest } from "../../meta/status-error.ts";

/** The longest that an answer may take, and what it may take when the caller does not say. */
export const MAX_ANSWER_MS = 60_000;
const unitMs: { readonly [unit: string]: number | undefined } = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `?timeout=` as Go writes durations, at most a minute; 400 when it is none. @upstream apiserver/pkg/endpoints/filters/request_deadline.go */
export function answerWithinMs(query: URLSearchParams): number {
  const text = query.get("timeout") ?? "";
  if (text === "") return MAX_ANSWER_MS;
  const ms = goDurationMs(text);
  if (ms === undefined) throw badRequest(`invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(text)}`);
  return ms <= 0 ? MAX_ANSWER_MS : Math.min(ms, MAX_ANSWER_MS);
}

/** `1m30s`, `500ms`, `-2h`, `0`; undefined for anything else. */
export function goDurationMs(text: string): number | undefined {
  const whole = /^([+-]?)((?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.exec(text);
  if (whole === null) return /^[+-]?0$/.test(text) ? 0 : undefined;
  let ms = 0;
  for (const [, amount = "", unit = ""] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) ms += Number(amount) * (unitMs[unit] ?? 0);
  return whole[1] === "-" ? -ms : ms;
}
