import { hasReason, unauthorized } from "../../meta/status-error.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { Authenticator } from "./authenticator.ts";
import { TokenRefused } from "./token-refused.ts";

/** Who a token stands for, and for which of the audiences asked about. */
export interface ReviewedToken {
  readonly user: UserInfo;
  readonly audiences: readonly string[];
}

/** Knows one kind of token. Undefined: not one of mine. Throws TokenRefused or StatusError 401 when it is one and does not hold. */
export interface TokenAuthenticator {
  review(token: string, audiences: readonly string[]): ReviewedToken | undefined | Promise<ReviewedToken | undefined>;
}

/** Browsers cannot set headers on WebSockets: they offer the token as a protocol. @upstream apiserver/pkg/authentication/request/websocket */
const PROTOCOL_PREFIX = "base64url.bearer.authorization.k8s.io.";

export interface BearerDeps {
  readonly tokens: readonly TokenAuthenticator[];
  /** Told why a token was refused, which the caller is not. */
  refused?(why: string): void;
}

/** `Authorization: Bearer …` and its place among WebSocket protocols. @upstream apiserver/pkg/authentication/request/bearertoken */
export function bearerTokens(options: { readonly audiences: readonly string[] }, deps: BearerDeps): Authenticator {
  return {
    authenticate({ headers }) {
      const token = tokenIn(headers["authorization"]) ?? protocolToken(headers["sec-websocket-protocol"]);
      if (token === undefined) return undefined;
      const refuse = (error: unknown): never => {
        if (!(error instanceof TokenRefused)) throw error;
        deps.refused?.(error.message);
        throw unauthorized();
      };
      try {
        const review = reviewToken(deps.tokens, token, options.audiences);
        return review instanceof Promise ? review.then(({ user }) => user, refuse) : review.user;
      } catch (error) {
        return refuse(error);
      }
    },
  };
}

const unknownToken = "invalid bearer token";

/**
 * Asks one after the other until one believes the token, and answers at once when they do; throws TokenRefused, or rejects
 * with it, with everybody's reasons. @upstream apiserver/pkg/authentication/token/union
 */
export function reviewToken(authenticators: readonly TokenAuthenticator[], token: string, audiences: readonly string[]): ReviewedToken | Promise<ReviewedToken> {
  return reviewFrom(authenticators, 0, { token, audiences, reasons: [] });
}

interface Review {
  readonly token: string;
  readonly audiences: readonly string[];
  /** Why those who were asked do not believe it. */
  readonly reasons: string[];
}

function reviewFrom(authenticators: readonly TokenAuthenticator[], from: number, review: Review): ReviewedToken | Promise<ReviewedToken> {
  const { token, audiences, reasons } = review;
  for (let index = from; index < authenticators.length; index += 1) {
    let answer: ReturnType<TokenAuthenticator["review"]>;
    try {
      answer = authenticators[index]?.review(token, audiences);
    } catch (error) {
      note(error, reasons);
      continue;
    }
    if (answer instanceof Promise) return answer.catch((error: unknown) => note(error, reasons)).then((found) => found ?? reviewFrom(authenticators, index + 1, review));
    if (answer !== undefined) return answer;
  }
  const [only = unknownToken] = reasons;
  throw new TokenRefused(reasons.length > 1 ? `[${reasons.join(", ")}]` : only);
}

/** Keeps the reason of a refusal; throws what is none. */
function note(error: unknown, reasons: string[]): undefined {
  if (error instanceof TokenRefused) reasons.push(error.message);
  else if (hasReason(error, "Unauthorized")) reasons.push(unknownToken);
  else throw error;
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
