import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Metrics } from "../../base/metrics.ts";
import type { Random } from "../../base/random.ts";
import { readKubeconfig } from "../../client/kubeconfig.ts";
import { parseYaml } from "../../meta/yaml-codec.ts";
import type { HttpsEndpoint } from "../../platform/network.ts";
import { Auditor } from "../../server/audit/auditor.ts";
import { Batcher } from "../../server/audit/batcher.ts";
import { allSinks, type AuditEvent, type AuditSink } from "../../server/audit/event.ts";
import { type Policy, readPolicy } from "../../server/audit/policy.ts";
import { truncatedJson } from "../../server/audit/truncate.ts";
import { webhookDelivery } from "../../server/audit/webhook-delivery.ts";
import type { AuditSettings } from "../settings/audit-settings.ts";
import { UserError } from "../user-error.ts";
import { LogSink } from "./log-sink.ts";
import { RotatingLog } from "./rotating-log.ts";
import { webhookPost } from "./webhook-post.ts";

export type AuditOptions = AuditSettings & { readonly dataDir: string };

export interface AuditDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface OpenAudit {
  readonly auditor: Auditor;
  /** Resolves when what was given is written and delivered, or given up. */
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;
const MIB = 1 << 20;
// @upstream apiserver/pkg/server/options/audit.go
const logBatches = { name: "log", bufferSize: 10_000, maxSize: 1, maxWaitMs: 0, qps: 0, burst: 0 };
const webhookBatches = { name: "webhook", bufferSize: 10_000, maxSize: 400, maxWaitMs: 30_000, qps: 10, burst: 15 };

/** Who writes down requests, and where; nobody without a policy. Throws UserError for settings that cannot be. */
export function openAudit(options: AuditOptions, deps: AuditDeps): OpenAudit | undefined {
  const { auditPolicy, auditLog, auditWebhookConfigFile } = options;
  if (auditPolicy === "") {
    for (const [name, value] of [
      ["--audit-log", auditLog],
      ["--audit-webhook-config-file", auditWebhookConfigFile],
    ] as const)
      if (value !== "") throw new UserError(`${name} needs --audit-policy`, "a Policy with one rule of level Metadata writes down every request");
    return undefined;
  }
  const policy = readAuditPolicy(auditPolicy);
  const stop = new AbortController();
  const parts = [openLog(options, deps, stop.signal), ...(auditWebhookConfigFile === "" ? [] : [openWebhook(options, deps, stop.signal)])];
  return {
    auditor: new Auditor(policy, { ...deps, sink: allSinks(parts.map(({ sink }) => sink)) }),
    async close() {
      stop.abort();
      for (const part of parts) await part.close();
    },
  };
}

interface Part {
  readonly sink: AuditSink;
  close(): Promise<void>;
}

function openLog({ auditLog, dataDir, ...options }: AuditOptions, deps: AuditDeps, signal: AbortSignal): Part {
  const path = auditLog === "" ? join(dataDir, "audit.log") : resolve(auditLog);
  let out: { write(text: string): void; close?(): void };
  if (auditLog === "-") out = { write: (text) => void process.stdout.write(text) };
  else {
    const rotation = { path, maxBytes: options.auditLogMaxsize * MIB, maxAgeMs: options.auditLogMaxage * DAY_MS, maxBackups: options.auditLogMaxbackup };
    try {
      out = new RotatingLog(rotation, deps);
    } catch (error) {
      throw new UserError(`cannot write the audit log ${path}: ${error instanceof Error ? error.message : String(error)}`, "check the path given with --audit-log");
    }
  }
  const sink = new LogSink({ format: options.auditLogFormat, isStrict: options.auditLogMode === "blocking-strict" }, { ...deps, out });
  if (options.auditLogMode !== "batch") return { sink, close: async () => out.close?.() };
  const batcher = new Batcher(logBatches, { ...deps, encode: (event) => sink.lineOf(event), deliver: async (lines) => out.write(lines.join("")) });
  const running = batcher.run(signal);
  return { sink: batcher, close: () => running.then(() => out.close?.()) };
}

function openWebhook(options: AuditOptions, deps: AuditDeps, signal: AbortSignal): Part {
  const { post, close } = webhookPost(readWebhookConfig(options.auditWebhookConfigFile));
  const { auditWebhookTruncateEnabled: truncates, auditWebhookTruncateMaxEventSize: mostEventBytes, auditWebhookTruncateMaxBatchSize: mostBatchBytes } = options;
  const encode = (event: AuditEvent): string | undefined => (truncates ? truncatedJson(event, Math.min(mostEventBytes, mostBatchBytes)) : JSON.stringify(event));
  const backoff = { initialBackoffMs: options.auditWebhookInitialBackoff * 1000 };
  const deliver = webhookDelivery(truncates ? { ...backoff, mostBatchBytes } : backoff, { ...deps, post, signal });
  const batches = {
    ...webhookBatches,
    bufferSize: options.auditWebhookBatchBufferSize,
    maxSize: options.auditWebhookBatchMaxSize,
    maxWaitMs: options.auditWebhookBatchMaxWait * 1000,
  };
  // A webhook that every request waited for would stop the server with it: blocking means that events go at once, one by one.
  const batcher = new Batcher(options.auditWebhookMode === "batch" ? batches : { ...batches, maxSize: 1, maxWaitMs: 0, qps: 0 }, { ...deps, encode, deliver });
  const running = batcher.run(signal);
  return { sink: batcher, close: () => running.then(close) };
}

function readWebhookConfig(path: string): HttpsEndpoint {
  const text = read(path, "audit webhook's kubeconfig", "--audit-webhook-config-file");
  try {
    return readKubeconfig(parseYaml(text).value, { readFile: (name) => readFileSync(resolve(dirname(path), name), "utf8") }).endpoint;
  } catch (error) {
    throw new UserError(`the audit webhook's kubeconfig ${path} is not valid: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Reads a policy of audit.k8s.io/v1 from a file of YAML or JSON. */
function readAuditPolicy(path: string): Policy {
  const text = read(path, "audit policy", "--audit-policy");
  try {
    return readPolicy(parseYaml(text).value);
  } catch (error) {
    throw new UserError(`the audit policy ${path} is not valid: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function read(path: string, what: string, flag: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new UserError(`cannot read the ${what} ${path}`, `check the path given with ${flag}`);
  }
}
