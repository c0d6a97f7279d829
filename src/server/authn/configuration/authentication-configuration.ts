import { decode } from "../../../meta/decode.ts";
import type { Schema } from "../../../meta/schema.ts";

/** How the server learns who asks, as its file says. @upstream apiserver/pkg/apis/apiserver/v1/types.go */
export interface AuthenticationConfiguration {
  readonly jwt: readonly JwtAuthenticatorConfig[];
  readonly anonymous?: AnonymousConfig;
}

export interface JwtAuthenticatorConfig {
  readonly issuer: IssuerConfig;
  readonly claimValidationRules?: readonly ClaimValidationRule[];
  readonly claimMappings: ClaimMappings;
  readonly userValidationRules?: readonly UserValidationRule[];
}
export interface IssuerConfig {
  readonly url: string;
  /** Where its document is when not at the usual place under `url`. */
  readonly discoveryURL?: string;
  /** PEM; absent: the system's own roots. */
  readonly certificateAuthority?: string;
  readonly audiences: readonly string[];
  readonly audienceMatchPolicy?: string;
  readonly egressSelectorType?: string;
}
/** Either `claim` with `requiredValue`, or `expression` with `message`. */
export interface ClaimValidationRule {
  readonly claim?: string;
  readonly requiredValue?: string;
  readonly expression?: string;
  readonly message?: string;
}
export interface ClaimMappings {
  readonly username: PrefixedClaimOrExpression;
  readonly groups?: PrefixedClaimOrExpression;
  readonly uid?: { readonly claim?: string; readonly expression?: string };
  readonly extra?: readonly ExtraMapping[];
}
export interface PrefixedClaimOrExpression {
  readonly claim?: string;
  readonly prefix?: string;
  readonly expression?: string;
}
export interface ExtraMapping {
  readonly key: string;
  readonly valueExpression: string;
}
export interface UserValidationRule {
  readonly expression: string;
  readonly message?: string;
}
export interface AnonymousConfig {
  readonly enabled: boolean;
  readonly conditions?: readonly { readonly path: string }[];
}

const text: Schema = { type: "string" };
const object = (fields: { readonly [name: string]: Schema }): Schema => ({ type: "object", fields });
const list = (items: Schema): Schema => ({ type: "array", items });
const claimOrExpression = object({ claim: text, prefix: text, expression: text });

const schema = object({
  apiVersion: text,
  kind: text,
  jwt: list(
    object({
      issuer: object({ url: text, discoveryURL: text, certificateAuthority: text, audiences: list(text), audienceMatchPolicy: text, egressSelectorType: text }),
      claimValidationRules: list(object({ claim: text, requiredValue: text, expression: text, message: text })),
      claimMappings: object({
        username: claimOrExpression,
        groups: claimOrExpression,
        uid: object({ claim: text, expression: text }),
        extra: list(object({ key: text, valueExpression: text })),
      }),
      userValidationRules: list(object({ expression: text, message: text })),
    }),
  ),
  anonymous: object({ enabled: { type: "boolean" }, conditions: list(object({ path: text })) }),
});

/** Reads what was parsed from a file: unknown fields and wrong types fail with their place. What is left out has its empty value. */
export function readAuthenticationConfiguration(value: unknown): AuthenticationConfiguration {
  const { apiVersion, kind } = (value ?? {}) as { readonly apiVersion?: unknown; readonly kind?: unknown };
  if (kind !== "AuthenticationConfiguration" || (apiVersion !== "apiserver.config.k8s.io/v1" && apiVersion !== "apiserver.config.k8s.io/v1beta1"))
    throw new Error("it must be an AuthenticationConfiguration of apiserver.config.k8s.io/v1 or v1beta1");
  const { value: decoded, problems } = decode(schema, value);
  if (problems.length > 0) throw new Error(`strict decoding error: ${problems.join(", ")}`);
  const config = decoded as Partial<AuthenticationConfiguration>;
  return { ...config, jwt: (config.jwt ?? []).map(filled) };
}

type Loose<T> = { readonly [Key in keyof T]?: T[Key] };

function filled(entry: Loose<JwtAuthenticatorConfig>): JwtAuthenticatorConfig {
  const issuer: Loose<IssuerConfig> = entry.issuer ?? {};
  const mappings: Loose<ClaimMappings> = entry.claimMappings ?? {};
  return {
    ...entry,
    issuer: { ...issuer, url: issuer.url ?? "", audiences: issuer.audiences ?? [] },
    claimMappings: { ...mappings, username: mappings.username ?? {} },
  };
}
