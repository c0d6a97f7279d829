import { type SettingGroup, text } from "./setting-group.ts";

/** Who decides what callers may do. */
export interface PermissionSettings {
  /** Modes with commas, asked in this order. */
  readonly authorizationMode: string;
  /** File of an AuthorizationConfiguration. */
  readonly authorizationConfig: string;
  /** File of policies for ABAC. */
  readonly authorizationPolicyFile: string;
  /** File of a kubeconfig. */
  readonly authorizationWebhookConfigFile: string;
  readonly authorizationWebhookVersion: string;
  /** Durations: `5m`. */
  readonly authorizationWebhookCacheAuthorizedTtl: string;
  readonly authorizationWebhookCacheUnauthorizedTtl: string;
}

export const permissionSettings: SettingGroup<PermissionSettings> = {
  settings: {
    authorizationMode: text("MODES", "who decides, in this order: Node, RBAC, Webhook, ABAC, AlwaysAllow, AlwaysDeny", () => "Node,RBAC"),
    authorizationConfig: text("FILE", "who decides: an AuthorizationConfiguration, read again when it changes; instead of the other flags"),
    authorizationPolicyFile: text("FILE", "policies of mode ABAC, one in a line"),
    authorizationWebhookConfigFile: text("FILE", "kubeconfig of the server that mode Webhook asks"),
    authorizationWebhookVersion: text("VERSION", "version of the SubjectAccessReview that it is sent: v1 or v1beta1", () => "v1beta1"),
    authorizationWebhookCacheAuthorizedTtl: text("DURATION", "how long its yes holds", () => "5m"),
    authorizationWebhookCacheUnauthorizedTtl: text("DURATION", "how long its no holds", () => "30s"),
  },
};
