import { unauthorized } from "../../meta/status-error.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { Authenticator } from "./authenticator.ts";

/** Who a token stands for, and for which of the audiences asked about. */
export interface ReviewedToken {
  readonly user: UserInfo;
  readonly audiences: readonly string[];
}

/** Knows one kind of token. Undefined: not one of mine. Throws StatusError 401 when it is one and does not hold. */
export interface TokenAuthenticator {
  review(token: string, audiences: readonly string[]): ReviewedToken | undefined | Promise<ReviewedToken | undefined>;
}

/** Browsers cannot set headers on WebSockets: they offer the token as a protocol. @upstream apiserver/pkg/authentication/request/websocket */
const PROTOCOL_PREFIX = "base64url.bearer.authorization.k8s.io.";

/** `Authorization: Bearer …` and its place among WebSocket protocols. @upstream apiserver/pkg/authentication/request/bearertoken */
export function bearerTokens(options: { readonly audiences: readonly string[] }, deps: { readonly tokens: readonly TokenAuthenticator[] }): Authenticator {
  return {
    async authenticate({ headers }) {
      const token = tokenIn(headers["authorization"]) ?? protocolToken(headers["sec-websocket-protocol"]);
      if (token === undefined) return undefined;
      for (const authenticator of deps.tokens) {
        const found = await authenticator.review(token, options.audiences);
        if (found !== undefined) return found.user;
      }
      throw unauthorized();
    },
  };
}

function tokenIn(header: string | undefined): string | undefined {
  const [, token] = /^\s*bearer +(\S+)/i.exec(header ?? "") ?? [];
  return token;
}

function protocolToken(protocols: string | undefined): string | undefined {
  const encoded = protocols
    ?.split(",")
    .map((protocol) => protocol.trim())
    .find((protocol) => protocol.startsWith(PROTOCOL_PREFIX))
    ?.slice(PROTOCOL_PREFIX.length);
  if (encoded === undefined || encoded === "") return undefined;
  try {
    return atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    throw unauthorized();
  }
}
