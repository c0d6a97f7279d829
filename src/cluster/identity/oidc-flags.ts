import type { JwtAuthenticatorConfig } from "../../server/authn/configuration/authentication-configuration.ts";
import { signingAlgorithms } from "../../platform/public-keys.ts";
import { type IdentitySettings, identitySettings, listOf } from "../settings/identity-settings.ts";
import { flagOf } from "../settings/setting-group.ts";
import { UserError } from "../user-error.ts";
import { readNamed } from "./read-file.ts";

type OidcSettings = Pick<IdentitySettings, Extract<keyof IdentitySettings, `oidc${string}`>>;

/** The one issuer that flags describe, or nothing; throws UserError when they do not fit together. @upstream pkg/kubeapiserver/options/authentication.go */
export function oidcFromFlags(
  settings: OidcSettings,
  { hasConfig }: { readonly hasConfig: boolean },
): { readonly config: JwtAuthenticatorConfig; readonly algorithms: readonly string[] } | undefined {
  const given = (Object.keys(identitySettings.settings) as (keyof IdentitySettings)[])
    .filter((name): name is keyof OidcSettings => name.startsWith("oidc"))
    .find((name) => settings[name] !== identitySettings.settings[name].fallback());
  if (given === undefined) return undefined;
  if (hasConfig) throw new UserError(`--authentication-config and --${flagOf(given)} exclude each other`, "name the issuer in the file");
  const { oidcIssuerUrl: url, oidcClientId: clientId, oidcUsernameClaim: claim } = settings;
  if (url === "" || clientId === "")
    throw new UserError("--oidc-issuer-url and --oidc-client-id must be given together", "they say whose tokens are believed, and for whom they must be");
  const algorithms = listOf(settings.oidcSigningAlgs);
  const unknown = algorithms.find((name) => !signingAlgorithms.some((known) => known === name));
  if (unknown !== undefined || algorithms.length === 0) throw new UserError(`--oidc-signing-algs: ${JSON.stringify(unknown ?? "")} is not one of ${signingAlgorithms.join(", ")}`);
  const config: JwtAuthenticatorConfig = {
    issuer: { url, audiences: [clientId], ...(settings.oidcCaFile === "" ? {} : { certificateAuthority: readNamed(settings.oidcCaFile, "--oidc-ca-file") }) },
    claimMappings: {
      username: { claim, prefix: usernamePrefix(settings) },
      ...(settings.oidcGroupsClaim === "" ? {} : { groups: { claim: settings.oidcGroupsClaim, prefix: settings.oidcGroupsPrefix } }),
    },
    claimValidationRules: listOf(settings.oidcRequiredClaim).map(requiredClaim),
  };
  return { config, algorithms };
}

/** Names of several issuers must not meet; an email is one of the world's own. */
function usernamePrefix({ oidcUsernamePrefix: prefix, oidcUsernameClaim: claim, oidcIssuerUrl: url }: OidcSettings): string {
  if (prefix === "-" || (prefix === "" && claim === "email")) return "";
  return prefix === "" ? `${url}#` : prefix;
}

function requiredClaim(pair: string): { readonly claim: string; readonly requiredValue: string } {
  const equals = pair.indexOf("=");
  if (equals < 1) throw new UserError(`--oidc-required-claim must read CLAIM=VALUE, not ${JSON.stringify(pair)}`);
  return { claim: pair.slice(0, equals), requiredValue: pair.slice(equals + 1) };
}
