import type { ApiResponse } from "../meta/wire.ts";
import { textResponse, valueResponse } from "./respond/response.ts";
import type { PathHandler } from "./server.ts";

/** One check of `/readyz?verbose`: undefined is ok, a text says what is wrong. */
export interface HealthCheck {
  readonly name: string;
  readonly on: readonly ("livez" | "readyz" | "healthz")[];
  check(): string | undefined | Promise<string | undefined>;
}

/** Load balancers look elsewhere as soon as a server is about to go, while it still answers. */
export function shutdownCheck(server: () => { readonly stopping: boolean }): HealthCheck {
  return { name: "shutdown", on: ["readyz"], check: () => (server().stopping ? "process is shutting down" : undefined) };
}

/** `/healthz`, `/livez`, `/readyz`, each also with `/name` of one check. @upstream apiserver/pkg/server/healthz/healthz.go */
export function healthPaths(checks: readonly HealthCheck[]): PathHandler {
  return (_request, info, query) => {
    const [, endpoint = "", ...rest] = info.path.split("/");
    if (endpoint !== "healthz" && endpoint !== "livez" && endpoint !== "readyz") return undefined;
    const here = checks.filter(({ on }) => on.includes(endpoint));
    const name = rest.join("/");
    if (name === "") return verdict(endpoint, here, new Set(query.getAll("exclude")), query.has("verbose"));
    const check = here.find((candidate) => candidate.name === name);
    return check === undefined ? undefined : single(check);
  };
}

async function single(check: HealthCheck): Promise<ApiResponse> {
  const problem = await check.check();
  return problem === undefined ? textResponse(200, "ok") : textResponse(500, `internal server error: ${problem}\n`);
}

async function verdict(endpoint: string, checks: readonly HealthCheck[], excluded: ReadonlySet<string>, verbose: boolean): Promise<ApiResponse> {
  const lines = await Promise.all(
    checks.map(async ({ name, check }) => {
      if (excluded.has(name)) return `[+]${name} excluded: ok\n`;
      return (await check()) === undefined ? `[+]${name} ok\n` : `[-]${name} failed: reason withheld\n`;
    }),
  );
  const unknown = [...excluded].filter((name) => !checks.some((check) => check.name === name)).sort();
  if (unknown.length > 0) lines.push(`warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(", ")}\n`);
  const text = lines.join("");
  if (lines.some((line) => line.startsWith("[-]"))) return textResponse(500, `${text}${endpoint} check failed\n`);
  return textResponse(200, verbose ? `${text}${endpoint} check passed\n` : "ok");
}

export interface VersionInfo {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
  readonly gitCommit: string;
  readonly gitTreeState: string;
  readonly buildDate: string;
  readonly goVersion: string;
  readonly compiler: string;
  readonly platform: string;
}

export function versionPath(version: VersionInfo): PathHandler {
  return (_request, info) => (info.path === "/version" || info.path === "/version/" ? valueResponse(200, version, { media: "json", as: "object", pretty: true }) : undefined);
}

/** `/metrics` in Prometheus' text format. */
export function metricsPath(render: () => Promise<string>): PathHandler {
  return (_request, info) => (info.path === "/metrics" ? render().then((text) => textResponse(200, text, "text/plain; version=0.0.4; charset=utf-8")) : undefined);
}
