import type { StorePlace } from "./open-store.ts";
import type { AuditSettings } from "./settings/audit-settings.ts";

interface Told {
  readonly advertiseAddress: string;
  readonly bindAddress: string;
  readonly apiPort: number;
  readonly serviceCidr: string;
  readonly store: StorePlace;
  readonly encryptionConfig?: string;
  readonly runtimeConfig?: string;
  readonly audit?: Partial<AuditSettings>;
}

/** What the API server was told, under the names of upstream's flags. Paths and addresses; no contents. */
export function apiServerFlags(options: Told, issuer: string): Readonly<Record<string, string>> {
  const { store, audit } = options;
  const all: Readonly<Record<string, string | undefined>> = {
    "advertise-address": options.advertiseAddress,
    "bind-address": options.bindAddress,
    "secure-port": String(options.apiPort),
    "service-cluster-ip-range": options.serviceCidr,
    "service-account-issuer": issuer,
    "etcd-servers": store.engine === "etcd" ? store.endpoints.join(",") : undefined,
    "runtime-config": options.runtimeConfig,
    "encryption-provider-config": options.encryptionConfig,
    "audit-policy-file": audit?.auditPolicy,
    "audit-log-path": audit?.auditLog,
    "audit-log-format": audit?.auditLogFormat,
    "audit-webhook-config-file": audit?.auditWebhookConfigFile,
  };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ""));
}
