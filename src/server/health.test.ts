import { describe, expect, it } from "vitest";
import { VirtualClock } from "../base/virtual-clock.ts";
import type { ApiRequest, ApiResponse } from "../meta/wire.ts";
import { type HealthCheck, healthPaths } from "./health.ts";
import { requestInfo } from "./request-info.ts";
import type { PathHandler } from "./server.ts";
import { zpages } from "./zpages.ts";

async function asked(handler: PathHandler, url: string, accept?: string): Promise<{ readonly status: number; readonly text: string } | undefined> {
  const [path = "", query = ""] = url.split("?");
  const parameters = new URLSearchParams(query);
  const info = requestInfo("GET", path, parameters);
  if (info === undefined) throw new Error("bad path");
  const request: ApiRequest = {
    method: "GET",
    path,
    query,
    headers: accept === undefined ? {} : { accept },
    body: { type: "none" },
    caller: { type: "network", address: "192.0.2.1", upgradable: false },
  };
  const response: ApiResponse | undefined = await handler(request, info, parameters, { name: "a", groups: [] });
  if (response === undefined) return undefined;
  if (response.body.type !== "bytes") throw new Error("no text");
  return { status: response.status, text: Buffer.concat(response.body.chunks).toString() };
}

describe("health", () => {
  const checks: readonly HealthCheck[] = [
    { name: "ping", on: ["healthz", "livez", "readyz"], check: () => undefined },
    { name: "etcd", on: ["livez", "readyz"], check: () => Promise.resolve(undefined) },
    { name: "poststarthook/x", on: ["readyz"], check: () => Promise.resolve("it waits") },
  ];
  const handler = healthPaths(checks);
  it.each<[string, number, string]>([
    ["/livez", 200, "ok"],
    ["/livez?verbose", 200, "[+]ping ok\n[+]etcd ok\nlivez check passed\n"],
    ["/livez?verbose=1&exclude=etcd", 200, "[+]ping ok\n[+]etcd excluded: ok\nlivez check passed\n"],
    ["/livez?verbose&exclude=nothing", 200, '[+]ping ok\n[+]etcd ok\nwarn: some health checks cannot be excluded: no matches for "nothing"\nlivez check passed\n'],
    ["/readyz", 500, "[+]ping ok\n[+]etcd ok\n[-]poststarthook/x failed: reason withheld\nreadyz check failed\n"],
    ["/readyz?exclude=poststarthook/x", 200, "ok"],
    ["/readyz/etcd", 200, "ok"],
    ["/readyz/poststarthook/x", 500, "internal server error: it waits\n"],
    ["/healthz/", 200, "ok"],
  ])("%s", async (url, status, text) => {
    expect(await asked(handler, url)).toEqual({ status, text });
  });

  it("knows no other checks and paths", async () => {
    expect(await asked(handler, "/healthz/etcd")).toBeUndefined();
    expect(await asked(handler, "/health")).toBeUndefined();
  });
});

describe("zpages", () => {
  const clock = new VirtualClock({ startMs: Date.UTC(2026, 0, 31, 8), turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const handler = zpages(
    { component: "kube-apiserver", goVersion: "node24", binaryVersion: "v1.36.0", flags: { "secure-port": "6443", "bind-address": "::" }, paths: ["/livez", "/version"] },
    { clock },
  );
  it("say when it started, and what it was told", async () => {
    await clock.advance(3_725_000);
    const status = await asked(handler, "/statusz", "text/html, */*");
    expect(status?.text).toMatch(/^\nkube-apiserver statusz\nWarning: This endpoint is not meant to be machine parseable/);
    expect(status?.text).toContain("Up: 1 hr 02 min 05 sec\nGo version: node24\nBinary version: v1.36.0\nPaths: /livez /version\n");
    expect((await asked(handler, "/flagz"))?.text).toMatch(/\n\nbind-address=::\nsecure-port=6443\n$/);
  });

  it("are objects for those who ask by version, and nothing for others", async () => {
    const object = await asked(handler, "/flagz", "application/json;v=v1beta1;g=config.k8s.io;as=Flagz");
    expect(JSON.parse(object?.text ?? "")).toEqual({
      kind: "Flagz",
      apiVersion: "config.k8s.io/v1beta1",
      metadata: { name: "kube-apiserver" },
      flags: { "bind-address": "::", "secure-port": "6443" },
    });
    await expect(asked(handler, "/statusz", "application/json")).rejects.toThrow("only the following media types are accepted: text/plain");
    await expect(asked(handler, "/statusz", "application/json;v=v1beta1;g=config.k8s.io;as=Flagz")).rejects.toThrow("only the following media types");
  });
});
