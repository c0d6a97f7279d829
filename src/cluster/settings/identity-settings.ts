import { flag, type SettingGroup, text } from "./setting-group.ts";

/** How callers prove who they are. */
export interface IdentitySettings {
  /** File of an AuthenticationConfiguration. */
  readonly authenticationConfig: string;
  readonly anonymousAuth: boolean;
  readonly oidcIssuerUrl: string;
  readonly oidcClientId: string;
  readonly oidcUsernameClaim: string;
  readonly oidcUsernamePrefix: string;
  readonly oidcGroupsClaim: string;
  readonly oidcGroupsPrefix: string;
  /** `claim=value`, several with commas. */
  readonly oidcRequiredClaim: string;
  readonly oidcCaFile: string;
  readonly oidcSigningAlgs: string;
  /** File of a kubeconfig. */
  readonly authenticationTokenWebhookConfigFile: string;
  readonly authenticationTokenWebhookVersion: string;
  /** A duration: `2m`. */
  readonly authenticationTokenWebhookCacheTtl: string;
  /** File of lines `token,user,uid,"group1,group2"`. */
  readonly tokenAuthFile: string;
  readonly requestheaderClientCaFile: string;
  /** Names with commas, as all lists here. */
  readonly requestheaderAllowedNames: string;
  readonly requestheaderUsernameHeaders: string;
  readonly requestheaderUidHeaders: string;
  readonly requestheaderGroupHeaders: string;
  readonly requestheaderExtraHeadersPrefix: string;
}

export const identitySettings: SettingGroup<IdentitySettings> = {
  settings: {
    authenticationConfig: text("FILE", "whose tokens are believed: an AuthenticationConfiguration, read again when it changes"),
    anonymousAuth: flag("requests without any proof come in as system:anonymous", true),
    oidcIssuerUrl: text("URL", "issuer whose tokens are believed, for one issuer without a file"),
    oidcClientId: text("ID", "audience that its tokens must be for"),
    oidcUsernameClaim: text("CLAIM", "claim that names the user", () => "sub"),
    oidcUsernamePrefix: text("PREFIX", "put before user names (default the issuer's URL and #, for email nothing; - is nothing)"),
    oidcGroupsClaim: text("CLAIM", "claim that names the groups"),
    oidcGroupsPrefix: text("PREFIX", "put before the names of groups"),
    oidcRequiredClaim: text("CLAIM=VALUE", "claims that tokens must have, with commas"),
    oidcCaFile: text("FILE", "PEM of who signed the issuer's certificate (default the machine's own)"),
    oidcSigningAlgs: text("NAMES", "how its tokens may be signed, with commas", () => "RS256"),
    authenticationTokenWebhookConfigFile: text("FILE", "kubeconfig of a server that is asked whose a token is"),
    authenticationTokenWebhookVersion: text("VERSION", "version of the TokenReview that it is sent: v1 or v1beta1", () => "v1beta1"),
    authenticationTokenWebhookCacheTtl: text("DURATION", "how long its answers hold", () => "2m"),
    tokenAuthFile: text("FILE", 'tokens that never end: lines of token,user,uid,"group1,group2"'),
    requestheaderClientCaFile: text("FILE", "PEM of who signs the certificates of front proxies (default the cluster's own)"),
    requestheaderAllowedNames: text("NAMES", "common names of front proxies, with commas (default any; of the cluster's own front-proxy-client)"),
    requestheaderUsernameHeaders: text("NAMES", "headers in which they name the user", () => "X-Remote-User"),
    requestheaderUidHeaders: text("NAMES", "headers in which they name the user's id", () => "X-Remote-Uid"),
    requestheaderGroupHeaders: text("NAMES", "headers in which they name the groups", () => "X-Remote-Group"),
    requestheaderExtraHeadersPrefix: text("PREFIXES", "how headers begin in which they say more of the user", () => "X-Remote-Extra-"),
  },
};

/** `a, b,,c` to its words. */
export function listOf(words: string): readonly string[] {
  return words
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}
