import type { ApiResponse } from "../meta/wire.ts";
import { textResponse, valueResponse } from "./respond/response.ts";
import type { PathHandler } from "./server.ts";

/** One check of `/readyz?verbose`: undefined is ok, a text says what is wrong. */
export interface HealthCheck {
  readonly name: string;
  readonly on: readonly ("livez" | "readyz" | "healthz")[];
  check(): string | undefined;
}

/** Load balancers look elsewhere as soon as a server is about to go, while it still answers. */
export function shutdownCheck(server: () => { readonly stopping: boolean }): HealthCheck {
  return { name: "shutdown", on: ["readyz"], check: () => (server().stopping ? "process is shutting down" : undefined) };
}

/** `/healthz`, `/livez`, `/readyz`, each also with `/name` of one check. */
export function healthPaths(checks: readonly HealthCheck[]): PathHandler {
  return (_request, info, query) => {
    const [, endpoint = "", name, ...more] = info.path.split("/");
    if ((endpoint !== "healthz" && endpoint !== "livez" && endpoint !== "readyz") || more.length > 0) return undefined;
    const here = checks.filter(({ on }) => on.includes(endpoint));
    if (name !== undefined && name !== "") {
      const check = here.find((candidate) => candidate.name === name);
      if (check === undefined) return undefined;
      const problem = check.check();
      return problem === undefined ? textResponse(200, "ok") : textResponse(500, `internal server error: ${problem}\n`);
    }
    return verdict(endpoint, here, new Set(query.getAll("exclude")), query.has("verbose"));
  };
}

function verdict(endpoint: string, checks: readonly HealthCheck[], excluded: ReadonlySet<string>, verbose: boolean): ApiResponse {
  let failed = false;
  let text = "";
  for (const check of checks) {
    if (excluded.has(check.name)) {
      text += `[+]${check.name} excluded: ok\n`;
      continue;
    }
    const problem = check.check();
    text += problem === undefined ? `[+]${check.name} ok\n` : `[-]${check.name} failed: reason withheld\n`;
    failed ||= problem !== undefined;
  }
  if (failed) return textResponse(500, `${text}${endpoint} check failed\n`);
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
