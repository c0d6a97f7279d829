import type { IdentitySettings } from "../settings/identity-settings.ts";
import type { PermissionSettings } from "../settings/permission-settings.ts";
import { authorizationFromFlags, mustLeaveToFile } from "./authorization-flags.ts";
import { oidcFromFlags } from "./oidc-flags.ts";

/** Throws UserError for settings that do not fit together, before anything is started. */
export function checkIdentity(settings: IdentitySettings & PermissionSettings): void {
  oidcFromFlags(settings, { hasConfig: settings.authenticationConfig !== "" });
  if (settings.authorizationConfig === "") authorizationFromFlags(settings);
  else mustLeaveToFile(settings);
}
