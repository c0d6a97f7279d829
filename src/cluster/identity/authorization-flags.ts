import { resolve } from "node:path";
import type { AuthorizationConfiguration } from "../../server/authz/configuration/authorization-configuration.ts";
import { fileModes } from "../../server/authz/configuration/validate-authorization.ts";
import { listOf } from "../settings/identity-settings.ts";
import { type PermissionSettings, permissionSettings } from "../settings/permission-settings.ts";
import { flagOf } from "../settings/setting-group.ts";
import { UserError } from "../user-error.ts";

const notForFiles = ["authorizationMode", "authorizationPolicyFile", "authorizationWebhookConfigFile", "authorizationWebhookVersion"] as const;

/** Throws UserError when a flag is given beside the file that takes its place. */
export function mustLeaveToFile(settings: PermissionSettings): void {
  const given = notForFiles.find((name) => settings[name] !== permissionSettings.settings[name].fallback());
  if (given !== undefined) throw new UserError(`--authorization-config and --${flagOf(given)} exclude each other`, "name all authorizers in the file");
}

/** The configuration that flags describe; throws UserError when they do not fit together. @upstream pkg/kubeapiserver/options/authorization.go */
export function authorizationFromFlags(settings: PermissionSettings): AuthorizationConfiguration {
  const modes = listOf(settings.authorizationMode);
  if (modes.length === 0) throw new UserError("--authorization-mode must name at least one mode", "the default is Node,RBAC");
  for (const [index, mode] of modes.entries()) {
    if (!fileModes.some((known) => known === mode)) throw new UserError(`--authorization-mode: ${JSON.stringify(mode)} is not one of ${fileModes.join(", ")}`);
    if (modes.indexOf(mode) !== index) throw new UserError(`--authorization-mode names ${mode} twice`);
  }
  mustFit(modes.includes("ABAC"), settings.authorizationPolicyFile, "ABAC", "--authorization-policy-file");
  mustFit(modes.includes("Webhook"), settings.authorizationWebhookConfigFile, "Webhook", "--authorization-webhook-config-file");
  return { authorizers: modes.map((mode) => ({ type: mode, name: mode.toLowerCase(), ...(mode === "Webhook" ? { webhook: webhookOf(settings) } : {}) })) };
}

function mustFit(isMode: boolean, path: string, mode: string, flag: string): void {
  if (isMode && path === "") throw new UserError(`--authorization-mode ${mode} needs ${flag}`);
  if (!isMode && path !== "") throw new UserError(`${flag} needs --authorization-mode ${mode}`, `for example --authorization-mode Node,RBAC,${mode}`);
}

function webhookOf(settings: PermissionSettings): NonNullable<AuthorizationConfiguration["authorizers"][number]["webhook"]> {
  return {
    authorizedTTL: settings.authorizationWebhookCacheAuthorizedTtl,
    unauthorizedTTL: settings.authorizationWebhookCacheUnauthorizedTtl,
    timeout: "30s",
    subjectAccessReviewVersion: settings.authorizationWebhookVersion,
    failurePolicy: "NoOpinion",
    connectionInfo: { type: "KubeConfigFile", kubeConfigFile: resolve(settings.authorizationWebhookConfigFile) },
  };
}
