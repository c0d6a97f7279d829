import { expect, it } from "vitest";
import { type LiveMetric, noMetrics, type Sample } from "../base/metrics.ts";
import { VirtualClock } from "../base/virtual-clock.ts";
import { unauthorized } from "../meta/status-error.ts";
import type { ApiRequest } from "../meta/wire.ts";
import { AccessMetrics } from "./access-metrics.ts";

function begun() {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const all = new Map<string, LiveMetric>();
  const access = new AccessMetrics({ clock, metrics: { ...noMetrics, live: (metric) => void all.set(metric.name, metric) } });
  const numbers = (name: string): readonly Sample[] => [...(all.get(name)?.samples() ?? [])];
  return { clock, access, numbers };
}
const request = (more: Partial<ApiRequest> = {}): ApiRequest => ({
  method: "GET",
  path: "/",
  query: "",
  headers: {},
  body: { type: "none" },
  caller: { type: "network", address: "192.0.2.1", upgradable: false },
  ...more,
});

it("tells those who show nothing from those whose proof does not hold", async () => {
  const { access, numbers } = begun();
  await expect(access.authentication(request(), Promise.reject(unauthorized()))).rejects.toThrow();
  await expect(access.authentication(request({ headers: { authorization: "Bearer x" } }), Promise.reject(unauthorized()))).rejects.toThrow();
  expect(numbers("authentication_attempts")).toEqual([
    { labels: { result: "failure" }, value: 1 },
    { labels: { result: "error" }, value: 1 },
  ]);
  expect(numbers("authenticated_user_requests")).toEqual([]);
});

it("says how long decisions took", async () => {
  const { access, clock, numbers } = begun();
  const startedMs = clock.now();
  access.authorized({ verdict: "deny" }, startedMs);
  await clock.advance(3);
  access.authorized({ verdict: "deny" }, startedMs);
  await clock.advance(60_000);
  access.authorized({ verdict: "deny" }, startedMs);
  access.authorized({ verdict: "no-opinion", error: "nobody answers" }, startedMs);
  expect(numbers("authorization_attempts_total")).toEqual([
    { labels: { result: "denied" }, value: 3 },
    { labels: { result: "error" }, value: 1 },
  ]);
  const denied = numbers("authorization_duration_seconds").filter(({ labels }) => labels["result"] === "denied");
  expect(
    denied
      .filter(({ series }) => series === "bucket")
      .map(({ labels, value }) => [labels["le"], value])
      .slice(0, 4),
  ).toEqual([
    ["0.001", 1],
    ["0.002", 1],
    ["0.004", 2],
    ["0.008", 2],
  ]);
  expect(denied.slice(-3).map(({ value }) => value)).toEqual([3, 60.006, 3]);
});
