import { expect, it } from "vitest";
import { promMetrics } from "../../src/platform/node/metrics.ts";
import { serveCluster } from "./served-cluster.ts";

it("who comes in and what is decided is counted under upstream's names", async () => {
  const metrics = promMetrics();
  const { ask, stop } = await serveCluster({ metrics });
  const shown = async (): Promise<ReadonlyMap<string, number>> =>
    new Map(
      (await metrics.render())
        .split("\n")
        .filter((line) => /^auth(entic|oriz)at/.test(line))
        .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
    );
  const before = await shown();
  expect((await ask("GET", "/api/v1/namespaces", { as: { name: "admin", groups: ["system:masters"] } })).status).toBe(200);
  expect((await ask("GET", "/api/v1/namespaces", { as: { name: "jane@example.com" } })).status).toBe(403);
  expect((await ask("GET", "/api/v1/namespaces", { as: { name: "john" } })).status).toBe(403);
  expect((await ask("GET", "/api/v1/namespaces", { headers: { authorization: "Bearer nobody's" } })).status).toBe(401);
  expect((await ask("GET", "/api/v1/namespaces")).status).toBe(403);
  const after = await shown();
  const more = Object.fromEntries([...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)]).filter(([, value]) => value !== 0));
  expect(more).toMatchObject({
    'authentication_attempts{result="success"}': 4,
    'authentication_attempts{result="error"}': 1,
    'authenticated_user_requests{username="admin"}': 1,
    'authenticated_user_requests{username="email_id"}': 1,
    'authenticated_user_requests{username="other"}': 2,
    'authentication_duration_seconds_count{result="success"}': 4,
    'authentication_duration_seconds_bucket{result="success",le="0.001"}': 4,
    'authentication_duration_seconds_bucket{result="success",le="+Inf"}': 4,
    'authorization_attempts_total{result="no-opinion"}': 3,
    'authorization_duration_seconds_count{result="no-opinion"}': 3,
  });
  expect(more['authorization_attempts_total{result="allowed"}']).toBeGreaterThanOrEqual(1);
  await stop();
});
