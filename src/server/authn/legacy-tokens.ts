import type { Secret, ServiceAccount } from "../../api/generated/types/core-v1.ts";
import type { Clock } from "../../base/clock.ts";
import type { Signer } from "../../platform/signer.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { ReviewedToken, TokenAuthenticator } from "./bearer-tokens.ts";
import { issuerOf, parseToken } from "./jwt/compact-token.ts";
import { TokenRefused } from "./token-refused.ts";

/** Who is said to issue tokens that live in secrets and never end by themselves. */
const ISSUER = "kubernetes/serviceaccount";
const PREFIX = "kubernetes.io/serviceaccount/";
const LAST_USED = "kubernetes.io/legacy-token-last-used";
const INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since";
const KNOWN_LIMIT = 10_000;

export interface LegacyTokenDeps {
  readonly signer: Signer;
  readonly cache: StateCache;
  readonly clock: Clock;
  /** Notes on the token's secret that it was used on a day: `{ "kubernetes.io/legacy-token-last-used": "2026-01-31" }`. Must not reject. */
  label(secret: { readonly namespace: string; readonly name: string }, labels: Readonly<Record<string, string>>): Promise<void>;
}

type Claims = Readonly<Record<string, unknown>>;

/** Tokens of secrets of the type kubernetes.io/service-account-token. They hold while account and secret stand, and the secret holds them. @upstream pkg/serviceaccount/legacy.go */
export function legacyTokens({ audiences: ours }: { readonly audiences: readonly string[] }, deps: LegacyTokenDeps): TokenAuthenticator {
  const { signer, cache, clock } = deps;
  const secrets = cache.resource("/registry/secrets/");
  const accounts = cache.resource("/registry/serviceaccounts/");
  /** PERF: claims of tokens whose signature was checked. */
  const checked = new Map<string, Claims>();
  /** Secrets whose label is being written. */
  const noting = new Set<string>();

  const claimsOf = (token: string): Claims | undefined => {
    const known = checked.get(token);
    if (known !== undefined) return known;
    const parsed = parseToken(token);
    if (parsed === undefined || issuerOf(parsed) !== ISSUER) return undefined;
    const { claims, algorithm, signed, signature } = parsed;
    if (algorithm !== signer.algorithm || !signer.verify(signed, signature)) throw new TokenRefused("the signature of the token does not hold");
    if (checked.size >= KNOWN_LIMIT) checked.clear();
    checked.set(token, claims);
    return claims;
  };

  const noteUse = ({ metadata: { namespace = "", name = "", labels } }: Secret): void => {
    const today = new Date(clock.now()).toISOString().slice(0, 10);
    const key = `${namespace}/${name}`;
    if (labels?.[LAST_USED] === today || noting.has(key)) return;
    noting.add(key);
    void deps.label({ namespace, name }, { [LAST_USED]: today }).finally(() => noting.delete(key));
  };

  return {
    review(token, audiences): ReviewedToken | undefined {
      const claims = claimsOf(token);
      if (claims === undefined) return undefined;
      const text = (name: string): string => (typeof claims[name] === "string" ? claims[name] : "");
      const [namespace, account, uid, secretName] = [
        text(`${PREFIX}namespace`),
        text(`${PREFIX}service-account.name`),
        text(`${PREFIX}service-account.uid`),
        text(`${PREFIX}secret.name`),
      ];
      const sub = `system:serviceaccount:${namespace}:${account}`;
      if (text("sub") !== sub) throw new TokenRefused("sub claim is invalid");
      const common = ours.filter((audience) => audiences.includes(audience));
      if (common.length === 0) throw new TokenRefused("the token is for other audiences");
      const secret = secrets.get(`/registry/secrets/${namespace}/${secretName}`)?.object as Secret | undefined;
      if (secret === undefined || secret.metadata.deletionTimestamp !== undefined) throw new TokenRefused("service account token has been invalidated");
      if (secret.data?.["token"] !== btoa(token)) throw new TokenRefused("service account token doesn't match that of its secret");
      const found = accounts.get(`/registry/serviceaccounts/${namespace}/${account}`)?.object as ServiceAccount | undefined;
      if (found === undefined || found.metadata.deletionTimestamp !== undefined) throw new TokenRefused("the service account of the token is gone");
      if (found.metadata.uid !== uid) throw new TokenRefused(`service account UID (${found.metadata.uid ?? ""}) does not match claim (${uid})`);
      const since = secret.metadata.labels?.[INVALID_SINCE] ?? "";
      if (since !== "")
        throw new TokenRefused(
          `the token in secret ${namespace}/${secretName} for service account ${namespace}/${account} has been marked invalid since ${since}: request tokens, or take the label ${INVALID_SINCE} off the secret to use it for now`,
        );
      noteUse(secret);
      return { user: { name: sub, uid, groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"] }, audiences: common };
    },
  };
}
