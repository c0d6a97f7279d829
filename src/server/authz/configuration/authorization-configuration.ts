import { decode } from "../../../meta/decode.ts";
import type { Schema } from "../../../meta/schema.ts";

/** Who decides, one after the other. @upstream apiserver/pkg/apis/apiserver/v1/types.go */
export interface AuthorizationConfiguration {
  readonly authorizers: readonly AuthorizerConfig[];
}

export interface AuthorizerConfig {
  readonly type: string;
  readonly name: string;
  readonly webhook?: WebhookConfig;
}

export interface WebhookConfig {
  /** Durations: `5m`. */
  readonly authorizedTTL?: string;
  readonly unauthorizedTTL?: string;
  readonly timeout?: string;
  readonly cacheAuthorizedRequests?: boolean;
  readonly cacheUnauthorizedRequests?: boolean;
  readonly subjectAccessReviewVersion?: string;
  readonly matchConditionSubjectAccessReviewVersion?: string;
  readonly failurePolicy?: string;
  readonly connectionInfo?: { readonly type?: string; readonly kubeConfigFile?: string };
  readonly matchConditions?: readonly { readonly expression?: string }[];
}

const text: Schema = { type: "string" };
const flag: Schema = { type: "boolean" };
const object = (fields: { readonly [name: string]: Schema }): Schema => ({ type: "object", fields });
const list = (items: Schema): Schema => ({ type: "array", items });

const schema = object({
  apiVersion: text,
  kind: text,
  authorizers: list(
    object({
      type: text,
      name: text,
      webhook: object({
        authorizedTTL: text,
        unauthorizedTTL: text,
        timeout: text,
        cacheAuthorizedRequests: flag,
        cacheUnauthorizedRequests: flag,
        subjectAccessReviewVersion: text,
        matchConditionSubjectAccessReviewVersion: text,
        failurePolicy: text,
        connectionInfo: object({ type: text, kubeConfigFile: text }),
        matchConditions: list(object({ expression: text })),
      }),
    }),
  ),
});

/** Reads what was parsed from a file, with what is left out as upstream fills it in: unknown fields and wrong types fail with their place. */
export function readAuthorizationConfiguration(value: unknown): AuthorizationConfiguration {
  const { apiVersion, kind } = (value ?? {}) as { readonly apiVersion?: unknown; readonly kind?: unknown };
  if (kind !== "AuthorizationConfiguration" || (apiVersion !== "apiserver.config.k8s.io/v1" && apiVersion !== "apiserver.config.k8s.io/v1beta1"))
    throw new Error("it must be an AuthorizationConfiguration of apiserver.config.k8s.io/v1 or v1beta1");
  const { value: decoded, problems } = decode(schema, value);
  if (problems.length > 0) throw new Error(`strict decoding error: ${problems.join(", ")}`);
  const { authorizers = [] } = decoded as { readonly authorizers?: readonly Partial<AuthorizerConfig>[] };
  return { authorizers: authorizers.map(({ type = "", name = "", webhook }) => ({ type, name, ...(webhook === undefined ? {} : { webhook: withDefaults(webhook) }) })) };
}

/** @upstream apiserver/pkg/apis/apiserver/v1/defaults.go */
function withDefaults(webhook: WebhookConfig): WebhookConfig {
  return { authorizedTTL: "5m", unauthorizedTTL: "30s", cacheAuthorizedRequests: true, cacheUnauthorizedRequests: true, ...webhook };
}
