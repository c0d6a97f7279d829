import { UserError } from "../user-error.ts";
import { oneOf } from "./one-of.ts";
import { flag, flagOf, number, type SettingGroup, text } from "./setting-group.ts";

/** Which requests are written down, and where. */
export interface AuditSettings {
  /** File of a Policy of audit.k8s.io/v1. */
  readonly auditPolicy: string;
  /** File that audit events are appended to, or `-`. */
  readonly auditLog: string;
  readonly auditLogFormat: "json" | "legacy";
  readonly auditLogMode: "blocking" | "blocking-strict" | "batch";
  /** Mebibytes; 0: one file for ever. */
  readonly auditLogMaxsize: number;
  /** Days; 0: old files are kept. */
  readonly auditLogMaxage: number;
  /** Files; 0: all are kept. */
  readonly auditLogMaxbackup: number;
  /** A kubeconfig of who is sent the events. */
  readonly auditWebhookConfigFile: string;
  readonly auditWebhookMode: "batch" | "blocking";
  /** Seconds. */
  readonly auditWebhookInitialBackoff: number;
  readonly auditWebhookBatchBufferSize: number;
  readonly auditWebhookBatchMaxSize: number;
  /** Seconds. */
  readonly auditWebhookBatchMaxWait: number;
  readonly auditWebhookTruncateEnabled: boolean;
  /** Bytes. */
  readonly auditWebhookTruncateMaxEventSize: number;
  /** Bytes. */
  readonly auditWebhookTruncateMaxBatchSize: number;
}

const atLeastOne = ["auditWebhookBatchBufferSize", "auditWebhookBatchMaxSize", "auditWebhookTruncateMaxEventSize", "auditWebhookTruncateMaxBatchSize"] as const;

export const auditSettings: SettingGroup<AuditSettings> = {
  settings: {
    auditPolicy: text("FILE", "which requests are written down: a Policy of audit.k8s.io/v1"),
    auditLog: text("FILE", "where they are written down (default <data-dir>/audit.log; - is standard output)"),
    auditLogFormat: text("FORMAT", "json or legacy", () => "json"),
    auditLogMode: text("MODE", "blocking, blocking-strict (what cannot be written down is refused) or batch", () => "blocking"),
    auditLogMaxsize: number("MIB", "size at which a new file is begun; 0: never", 100),
    auditLogMaxage: number("DAYS", "how long old files are kept; 0: for ever", 0),
    auditLogMaxbackup: number("N", "how many old files are kept; 0: all", 0),
    auditWebhookConfigFile: text("FILE", "who else is sent them: a kubeconfig"),
    auditWebhookMode: text("MODE", "batch, or blocking: each event at once", () => "batch"),
    auditWebhookInitialBackoff: number("SECONDS", "how long the webhook's second try waits", 10),
    auditWebhookBatchBufferSize: number("N", "events that may wait for the webhook; further ones are lost", 10_000),
    auditWebhookBatchMaxSize: number("N", "events that the webhook is sent at once", 400),
    auditWebhookBatchMaxWait: number("SECONDS", "how long an event waits for others", 30),
    auditWebhookTruncateEnabled: flag("leave bodies out of events that are too large for the webhook"),
    auditWebhookTruncateMaxEventSize: number("BYTES", "how large an event may be", 102_400),
    auditWebhookTruncateMaxBatchSize: number("BYTES", "how large what is sent at once may be", 10_485_760),
  },
  check(settings) {
    oneOf(settings, "auditLogFormat", ["json", "legacy"]);
    oneOf(settings, "auditLogMode", ["blocking", "blocking-strict", "batch"]);
    oneOf(settings, "auditWebhookMode", ["batch", "blocking"]);
    for (const name of atLeastOne) if (settings[name] < 1) throw new UserError(`--${flagOf(name)} must be at least 1`);
  },
};

/** What of several settings is about audit; those that are absent as they are by themselves. */
export function auditSettingsIn(settings: Partial<AuditSettings>): AuditSettings {
  const entries = Object.entries(auditSettings.settings).map(([name, fact]) => [name, settings[name as keyof AuditSettings] ?? fact.fallback()] as const);
  return Object.fromEntries(entries) as unknown as AuditSettings;
}
