import { createHash } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Metrics } from "../../base/metrics.ts";
import type { Random } from "../../base/random.ts";
import type { UserInfo } from "../../meta/wire.ts";
import { parseYaml } from "../../meta/yaml-codec.ts";
import type { Files } from "../../platform/files.ts";
import type { HttpsRequests } from "../../platform/https-requests.ts";
import type { PublicKeys } from "../../platform/public-keys.ts";
import { readAuthenticationConfiguration } from "../../server/authn/configuration/authentication-configuration.ts";
import { ConfiguredAuthentication } from "../../server/authn/configuration/configured-authentication.ts";
import type { RequestHeaderOptions } from "../../server/authn/request-header.ts";
import { parseStaticTokens } from "../../server/authn/static-tokens.ts";
import { TokenWebhook } from "../../server/authn/webhook/token-webhook.ts";
import { ReviewWebhook } from "../../server/review-webhook/review-webhook.ts";
import { certificatesIn } from "../../server/http/certificate-authorities.ts";
import { type IdentitySettings, listOf } from "../settings/identity-settings.ts";
import { UserError } from "../user-error.ts";
import { durationSetting } from "./duration-setting.ts";
import { followFile } from "./follow-file.ts";
import { oidcFromFlags } from "./oidc-flags.ts";
import { checked, readNamed } from "./read-file.ts";
import { webhookEndpoint } from "./webhook-endpoint.ts";

export interface AuthenticationPlace {
  /** What this API server is called; its own issuer. */
  readonly issuer: string;
  /** PEM of who signs the cluster's own front proxies. */
  readonly frontProxyCa: string;
}

export interface AuthenticationDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly files: Pick<Files, "readIfPresent">;
  readonly requests: HttpsRequests;
  readonly publicKeys: PublicKeys;
}

/** The ways of proving identity that settings ask for, beside those that every cluster has. */
export interface Authentication {
  readonly requestHeaders: RequestHeaderOptions;
  /** PEM */
  readonly frontProxyCa: string;
  readonly staticTokens: ReadonlyMap<string, UserInfo>;
  readonly configured: ConfiguredAuthentication;
  readonly webhook?: TokenWebhook | undefined;
  /** Takes in what changes in files, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const WEBHOOK_TIMEOUT_MS = 10_000;
const latencySeconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 5, 10, 15, 30];

/** Throws UserError for settings that do not fit together, and files that cannot be read or are not valid. */
export function openAuthentication(settings: IdentitySettings, place: AuthenticationPlace, deps: AuthenticationDeps): Authentication {
  const { authenticationConfig: path, tokenAuthFile } = settings;
  const flags = oidcFromFlags(settings, { hasConfig: path !== "" });
  const configured = new ConfiguredAuthentication(
    { apiAudiences: [place.issuer], disallowedIssuers: [place.issuer], anonymousAuth: settings.anonymousAuth, algorithms: flags?.algorithms },
    { ...deps, pemProblem, measured: measure(deps.metrics), unready: (issuer, why) => deps.log.warn("an issuer of tokens is not reached", { issuer, why }) },
  );
  let run = (_signal: AbortSignal): Promise<void> => Promise.resolve();
  if (flags !== undefined) checked("what the flags --oidc-… say", () => configured.use({ jwt: [flags.config] }));
  if (path !== "") {
    const text = readNamed(path, "--authentication-config");
    const use = (content: string): void => useConfiguration(configured, content, settings);
    checked(`the authentication configuration ${path}`, () => use(text));
    const reloads = deps.metrics.counter("apiserver_authentication_config_controller_automatic_reloads_total", "Reloads of the authentication configuration by status", ["status"]);
    run = (signal) => followFile({ path, text, use }, { ...deps, reloads }, signal);
  }
  return {
    ...frontProxies(settings, place),
    staticTokens: tokenAuthFile === "" ? new Map() : checked(`the token file ${tokenAuthFile}`, () => parseStaticTokens(readNamed(tokenAuthFile, "--token-auth-file"))),
    configured,
    webhook: tokenWebhook(settings, place, deps),
    run,
  };
}

function useConfiguration(configured: ConfiguredAuthentication, text: string, { anonymousAuth }: IdentitySettings): void {
  const config = readAuthenticationConfiguration(parseYaml(text).value);
  if (config.anonymous !== undefined && !anonymousAuth)
    throw new UserError("--anonymous-auth cannot be given when the authentication configuration speaks of anonymous requests", "leave the flag out");
  configured.use(config);
}

function frontProxies(settings: IdentitySettings, place: AuthenticationPlace): Pick<Authentication, "requestHeaders" | "frontProxyCa"> {
  const path = settings.requestheaderClientCaFile;
  const lower = (words: string): readonly string[] => listOf(words.toLowerCase());
  const allowed = listOf(settings.requestheaderAllowedNames);
  const frontProxyCa = path === "" ? place.frontProxyCa : readNamed(path, "--requestheader-client-ca-file");
  const problem = pemProblem(frontProxyCa);
  if (problem !== undefined) throw new UserError(`${path}: ${problem}`, "check the file given with --requestheader-client-ca-file");
  return {
    frontProxyCa,
    requestHeaders: {
      allowedNames: path === "" && allowed.length === 0 ? ["front-proxy-client"] : allowed,
      usernameHeaders: lower(settings.requestheaderUsernameHeaders),
      uidHeaders: lower(settings.requestheaderUidHeaders),
      groupHeaders: lower(settings.requestheaderGroupHeaders),
      extraHeaderPrefixes: lower(settings.requestheaderExtraHeadersPrefix),
    },
  };
}

function tokenWebhook(settings: IdentitySettings, { issuer }: AuthenticationPlace, deps: AuthenticationDeps): TokenWebhook | undefined {
  const { authenticationTokenWebhookConfigFile: path, authenticationTokenWebhookVersion: version, authenticationTokenWebhookCacheTtl: ttl } = settings;
  if (version !== "v1" && version !== "v1beta1") throw new UserError(`--authentication-token-webhook-version must be v1 or v1beta1, not ${JSON.stringify(version)}`);
  const cacheTtlMs = durationSetting(ttl, "--authentication-token-webhook-cache-ttl");
  if (path === "") return undefined;
  const endpoint = webhookEndpoint(path, "--authentication-token-webhook-config-file");
  const webhook = new ReviewWebhook({ endpoint, apiVersion: `authentication.k8s.io/${version}`, kind: "TokenReview", timeoutMs: WEBHOOK_TIMEOUT_MS }, deps);
  return new TokenWebhook({ apiAudiences: [issuer], cacheTtlMs }, { webhook, clock: deps.clock });
}

function measure(metrics: Metrics): (result: string, seconds: number, issuer: string) => void {
  const latency = metrics.histogram("apiserver_authentication_jwt_authenticator_latency_seconds", "Seconds that a token of an issuer took", latencySeconds, [
    "result",
    "jwt_issuer_hash",
  ]);
  return (result, seconds, issuer) => latency.observe(seconds, [result, `sha256:${createHash("sha256").update(issuer).digest("hex")}`]);
}

/** Why a text is no bundle of certificates; undefined when it is one. */
export function pemProblem(pem: string): string | undefined {
  try {
    const found = certificatesIn(pem);
    return found.length === 0 ? "data does not contain any valid RSA or ECDSA certificates" : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
