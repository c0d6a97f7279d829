import { describe, expect, it } from "vitest";
import type { Probe } from "../../api/generated/types/core-v1.ts";
import { RuntimeError } from "../../cri/runtime.ts";
import type { ProbeRequest } from "../../platform/network.ts";
import { countAnswer, noProgress } from "./probe-progress.ts";
import { runProbe, type ProbeDeps } from "./run-probe.ts";

const container = { name: "a", ports: [{ name: "web", containerPort: 8080 }] };

function ask(
  probe: Probe,
  answers: Partial<{
    http: (request: ProbeRequest) => { status: number; body?: string; location?: string };
    tcp: () => void;
    exec: () => { exitCode: number; stdout?: string };
    grpc: () => "SERVING" | "NOT_SERVING";
  }>,
) {
  const deps: ProbeDeps = {
    network: {
      async probeTcp() {
        answers.tcp?.();
      },
      async probeHttp(request) {
        const { body = "", ...answer } = answers.http?.(request) ?? { status: 500 };
        return { body, ...answer };
      },
    },
    grpcHealth: { check: async () => answers.grpc?.() ?? "UNKNOWN" },
    runtime: {
      async execSync() {
        const { exitCode, stdout = "" } = answers.exec?.() ?? { exitCode: 0 };
        return { exitCode, stdout: new TextEncoder().encode(stdout), stderr: new Uint8Array() };
      },
    },
  };
  return runProbe({ probe, container, containerId: "id", podIP: "10.0.0.9" }, deps);
}
const refuse = (): never => {
  throw new Error("dial tcp 10.0.0.9:8080: connect: connection refused");
};

describe("runProbe", () => {
  it.each<readonly [string, Probe, Parameters<typeof ask>[1], string, string]>([
    ["a page", { httpGet: { port: "web" } }, { http: () => ({ status: 204 }) }, "success", ""],
    ["an error page", { httpGet: { port: "web" } }, { http: () => ({ status: 503, body: "no" }) }, "failure", "HTTP probe failed with statuscode: 503"],
    ["nobody there", { httpGet: { port: "web", path: "/x" } }, { http: refuse }, "failure", 'Get "http://10.0.0.9:8080/x": dial tcp 10.0.0.9:8080: connect: connection refused'],
    ["a port that implies its scheme", { httpGet: { port: 80 } }, { http: refuse }, "failure", 'Get "http://10.0.0.9:80/": dial tcp 10.0.0.9:8080: connect: connection refused'],
    [
      "a redirect to itself",
      { httpGet: { port: 80, path: "/a" } },
      { http: ({ path }) => (path === "/a" ? { status: 302, location: "/b" } : { status: 200, body: "b" }) },
      "success",
      "b",
    ],
    [
      "a redirect elsewhere",
      { httpGet: { port: 80 } },
      { http: () => ({ status: 301, body: "moved", location: "http://other/" }) },
      "warning",
      "Probe terminated redirects, Response body: moved",
    ],
    ["a circle of redirects", { httpGet: { port: 80 } }, { http: () => ({ status: 302, location: "/" }) }, "failure", 'Get "http://10.0.0.9:80/": stopped after 10 redirects'],
    ["an open port", { tcpSocket: { port: 8080 } }, {}, "success", ""],
    ["a closed port", { tcpSocket: { port: 8080 } }, { tcp: refuse }, "failure", "dial tcp 10.0.0.9:8080: connect: connection refused"],
    ["a name without a port", { tcpSocket: { port: "none" } }, {}, "unknown", 'couldn\'t find port: "none" in container'],
    ["a command", { exec: { command: ["x"] } }, { exec: () => ({ exitCode: 0, stdout: "fine" }) }, "success", "fine"],
    ["a failing command", { exec: { command: ["x"] } }, { exec: () => ({ exitCode: 1, stdout: "bad" }) }, "failure", "bad"],
    [
      "a slow command",
      { exec: { command: ["x", "y"] }, timeoutSeconds: 2 },
      {
        exec: () => {
          throw new RuntimeError("DEADLINE_EXCEEDED", "late");
        },
      },
      "failure",
      'command timed out: "x y" timed out after 2s',
    ],
    [
      "a command that cannot be run",
      { exec: { command: ["x"] } },
      {
        exec: () => {
          throw new RuntimeError("UNKNOWN", "no such file");
        },
      },
      "unknown",
      "rpc error: code = Unknown desc = no such file",
    ],
    ["health", { grpc: { port: 1 } }, { grpc: () => "SERVING" }, "success", "service healthy"],
    ["no health", { grpc: { port: 1 } }, { grpc: () => "NOT_SERVING" }, "failure", 'service unhealthy (responded with "NOT_SERVING")'],
  ])("%s", async (_what, probe, answers, outcome, output) => expect(await ask(probe, answers)).toEqual({ outcome, output }));

  it("sends its own headers unless others are given", async () => {
    const seen: ProbeRequest[] = [];
    const http = (request: ProbeRequest): { status: number } => {
      seen.push(request);
      return { status: 200 };
    };
    await ask({ httpGet: { port: 80, scheme: "HTTPS", host: "h", httpHeaders: [{ name: "user-agent", value: "mine" }] }, timeoutSeconds: 3 }, { http });
    expect(seen[0]).toEqual({
      scheme: "https",
      host: "h",
      port: 80,
      path: "/",
      timeoutMs: 3000,
      headers: [
        { name: "user-agent", value: "mine" },
        { name: "Accept", value: "*/*" },
      ],
    });
  });
});

it("counts answers up to the thresholds", () => {
  const thresholds = { failureThreshold: 3, successThreshold: 2 };
  let progress = noProgress;
  const verdicts = "ffsffffssu".split("").map((letter) => {
    const outcome = ({ f: "failure", s: "success", u: "unknown" } as const)[letter as "f"];
    const next = countAnswer(progress, { outcome, output: "" }, thresholds);
    progress = next.progress;
    return next.verdict?.[0] ?? "-";
  });
  expect(verdicts.join("")).toBe("-----ff-s-");
});
