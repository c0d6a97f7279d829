import type { Secret } from "../../api/generated/types/core-v1.ts";
import type { Clock } from "../../base/clock.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { TokenAuthenticator } from "./bearer-tokens.ts";
import { sameText } from "./same-text.ts";

const SECRETS = "/registry/secrets/";
const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/** Tokens with which nodes join: `abcdef.0123456789abcdef`, kept in secrets of kube-system. @upstream plugin/pkg/auth/authenticator/token/bootstrap */
export function bootstrapTokens(options: { readonly audiences: readonly string[] }, deps: { readonly cache: StateCache; readonly clock: Clock }): TokenAuthenticator {
  const secrets = deps.cache.resource(SECRETS);
  return {
    review(token, audiences) {
      const [, id, wanted] = TOKEN.exec(token) ?? [];
      if (id === undefined || wanted === undefined) return undefined;
      const secret = secrets.get(`${SECRETS}kube-system/bootstrap-token-${id}`)?.object as Secret | undefined;
      if (secret === undefined || secret.metadata.deletionTimestamp !== undefined || secret.type !== "bootstrap.kubernetes.io/token") return undefined;
      const data = (key: string): string => atob(secret.data?.[key] ?? "");
      if (!sameText(data("token-secret"), wanted) || data("token-id") !== id || data("usage-bootstrap-authentication") !== "true") return undefined;
      const expiration = data("expiration");
      // An expiration that nobody can read is one that has passed.
      if (expiration !== "" && !(Date.parse(expiration) > deps.clock.now())) return undefined;
      const extra = data("auth-extra-groups")
        .split(",")
        .filter((group) => group !== "");
      const common = options.audiences.filter((audience) => audiences.includes(audience));
      if (common.length === 0 || extra.some((group) => !EXTRA_GROUP.test(group))) return undefined;
      return { user: { name: `system:bootstrap:${id}`, groups: ["system:bootstrappers", ...extra] }, audiences: common };
    },
  };
}
