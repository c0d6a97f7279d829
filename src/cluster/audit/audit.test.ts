import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../base/log.ts";
import { noMetrics } from "../../base/metrics.ts";
import { seededRandom } from "../../base/random.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { requestInfo } from "../../server/request-info.ts";
import { type AuditSettings, auditSettings, auditSettingsIn } from "../settings/audit-settings.ts";
import { LogSink } from "./log-sink.ts";
import { openAudit } from "./open-audit.ts";
import { RotatingLog } from "./rotating-log.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "keles-audit-"));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
const clockOf = (): VirtualClock => new VirtualClock({ startMs: Date.UTC(2026, 0, 31, 8), turn: () => new Promise((resolve) => setImmediate(resolve)) });

describe("the log's file", () => {
  it("gives way to a new one when it is full, and the oldest is deleted", async () => {
    const place = folder();
    const path = join(place, "audit.log");
    const clock = clockOf();
    const log = new RotatingLog({ path, maxBytes: 10, maxAgeMs: 0, maxBackups: 2 }, { clock });
    for (const line of ["first...\n", "second..\n", "third...\n", "fourth..\n"]) {
      log.write(line);
      await clock.advance(1500);
    }
    log.close();
    expect(readdirSync(place).sort()).toEqual(["audit-2026-01-31T08-00-03.000.log", "audit-2026-01-31T08-00-04.500.log", "audit.log"]);
    expect(readFileSync(join(place, "audit-2026-01-31T08-00-03.000.log"), "utf8")).toBe("second..\n");
    expect(readFileSync(path, "utf8")).toBe("fourth..\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("goes on where it ended, and forgets what is too old", async () => {
    const place = folder();
    const path = join(place, "audit.log");
    const clock = clockOf();
    const options = { path, maxBytes: 10, maxAgeMs: 86_400_000, maxBackups: 0 };
    const first = new RotatingLog(options, { clock });
    first.write("one\n");
    first.close();
    const second = new RotatingLog(options, { clock });
    second.write("two\n");
    second.write("three\n");
    expect(readFileSync(join(place, "audit-2026-01-31T08-00-00.000.log"), "utf8")).toBe("one\ntwo\n");
    writeFileSync(join(place, "audit-of-somebody.log"), "");
    await clock.advance(2 * 86_400_000);
    second.write("four\n");
    second.close();
    expect(readdirSync(place).sort()).toEqual(["audit-2026-02-02T08-00-00.000.log", "audit-of-somebody.log", "audit.log"]);
  });
});

const policyFile = (place: string): string => {
  const path = join(place, "policy.yaml");
  writeFileSync(path, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n");
  return path;
};
function opened(place: string, settings: Partial<AuditSettings>) {
  const audit = openAudit(
    { ...auditSettingsIn({ auditPolicy: policyFile(place), ...settings }), dataDir: place },
    { clock: clockOf(), random: seededRandom(1), log: silentLogger, metrics: noMetrics },
  );
  if (audit === undefined) throw new Error("nobody writes");
  return audit;
}
function ask(audit: ReturnType<typeof opened>): void {
  const info = requestInfo("GET", "/api/v1/pods", new URLSearchParams());
  if (info === undefined) throw new Error("bad path");
  const request = {
    method: "GET",
    path: "/api/v1/pods",
    query: "",
    headers: {},
    body: { type: "none" },
    caller: { type: "network", address: "192.0.2.1", upgradable: false },
  } as const;
  const record = audit.auditor.begin({ request, info, user: { name: "a", groups: [] }, receivedMs: 0 });
  record?.finish({ status: 200, headers: {}, body: { type: "empty" } }, false);
}

describe("where events go", () => {
  it.each<[AuditSettings["auditLogMode"], AuditSettings["auditLogFormat"], RegExp]>([
    ["blocking", "json", /^\{"kind":"Event"/],
    ["batch", "legacy", /^1970-01-01T00:00:00.* AUDIT: id="/],
  ])("to a file, %s, %s", async (auditLogMode, auditLogFormat, line) => {
    const place = folder();
    const audit = opened(place, { auditLogMode, auditLogFormat });
    ask(audit);
    const path = join(place, "audit.log");
    if (auditLogMode === "blocking") expect(readFileSync(path, "utf8").trim().split("\n")).toHaveLength(2);
    await audit.close();
    const lines = readFileSync(path, "utf8").trim().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(line);
  });

  it("to a webhook that a kubeconfig names", async () => {
    const bodies: { readonly text: string; readonly authorization: string | undefined }[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        bodies.push({ text: Buffer.concat(chunks).toString(), authorization: request.headers.authorization });
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => server.close());
    const place = folder();
    const config = join(place, "webhook.yaml");
    const { port } = server.address() as AddressInfo;
    writeFileSync(
      config,
      JSON.stringify({
        clusters: [{ name: "c", cluster: { server: `http://127.0.0.1:${port}/audit` } }],
        users: [{ name: "u", user: { token: "secret" } }],
        contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
        "current-context": "x",
      }),
    );
    const audit = opened(place, { auditWebhookConfigFile: config });
    ask(audit);
    await audit.close();
    expect(bodies).toHaveLength(1);
    expect(bodies[0]?.authorization).toBe("Bearer secret");
    expect(JSON.parse(bodies[0]?.text ?? "")).toMatchObject({ kind: "EventList", items: [{ stage: "RequestReceived" }, { stage: "ResponseComplete" }] });
  });

  it("nowhere without a policy; what cannot be is said in one line", () => {
    const place = folder();
    const deps = { clock: clockOf(), random: seededRandom(1), log: silentLogger, metrics: noMetrics };
    const open = (settings: Partial<AuditSettings>) => openAudit({ ...auditSettingsIn(settings), dataDir: place }, deps);
    expect(open({})).toBeUndefined();
    expect(() => open({ auditLog: "x" })).toThrow("--audit-log needs --audit-policy");
    expect(() => open({ auditPolicy: join(place, "none") })).toThrow(/^cannot read the audit policy .*none$/);
    const bad = join(place, "bad.yaml");
    writeFileSync(bad, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Everything\n");
    expect(() => open({ auditPolicy: bad })).toThrow(`the audit policy ${bad} is not valid: rules[0].level must be one of None, Metadata, Request, RequestResponse`);
    writeFileSync(bad, "rules: [");
    expect(() => open({ auditPolicy: bad })).toThrow(`the audit policy ${bad} is not valid`);
    const policy = policyFile(place);
    expect(() => open({ auditPolicy: policy, auditWebhookConfigFile: bad })).toThrow(`the audit webhook's kubeconfig ${bad} is not valid`);
    expect(() => open({ auditPolicy: policy, auditLog: "/proc/no/such/audit.log" })).toThrow("cannot write the audit log /proc/no/such/audit.log");
  });

  it("in ways that are known", () => {
    for (const wrong of [{ auditLogFormat: "xml" }, { auditLogMode: "later" }, { auditWebhookMode: "blocking-strict" }, { auditWebhookBatchMaxSize: 0 }])
      expect(() => auditSettings.check?.({ ...auditSettingsIn({}), ...wrong } as AuditSettings)).toThrow(/must be/);
    auditSettings.check?.(auditSettingsIn({}));
  });
});

it("refuses a request that must be written down and cannot be, and no other", () => {
  const out = {
    write() {
      throw new Error("disk full");
    },
  };
  const event = { stage: "RequestReceived" } as Parameters<LogSink["write"]>[0];
  const deps = { out, log: silentLogger, metrics: noMetrics };
  expect(() => new LogSink({ format: "json", isStrict: true }, deps).write(event)).toThrow("cannot be written into the audit log");
  expect(() => new LogSink({ format: "json", isStrict: true }, deps).write({ ...event, stage: "ResponseComplete" })).not.toThrow();
  expect(() => new LogSink({ format: "json", isStrict: false }, deps).write(event)).not.toThrow();
});
