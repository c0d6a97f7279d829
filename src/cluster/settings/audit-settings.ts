import { type SettingGroup, text } from "./setting-group.ts";

/** Which requests are written down, and where. */
export interface AuditSettings {
  /** File of a Policy of audit.k8s.io/v1. */
  readonly auditPolicy: string;
  /** File that audit events are appended to, or `-`. */
  readonly auditLog: string;
}

export const auditSettings: SettingGroup<AuditSettings> = {
  settings: {
    auditPolicy: text("FILE", "which requests are written down: a Policy of audit.k8s.io/v1"),
    auditLog: text("FILE", "where they are written down (default <data-dir>/audit.log; - is standard output)"),
  },
};
