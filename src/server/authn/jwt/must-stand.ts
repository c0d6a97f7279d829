import { signingAlgorithms } from "../../../platform/public-keys.ts";
import { TokenRefused } from "../token-refused.ts";
import { type CompactToken, issuerOf } from "./compact-token.ts";
import type { IssuerKeys } from "./issuer-keys.ts";

export interface Expected {
  readonly issuer: string;
  /** One of them must be the token's. */
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly keys: IssuerKeys;
  readonly nowMs: number;
}

/** How much later than ours an issuer's clock may be. */
const LEEWAY_S = 60;

/** Throws TokenRefused unless the token is for us, of this time, and signed by its issuer. Cheap questions come first. */
export async function mustStand(token: CompactToken, { issuer, audiences, algorithms, keys, nowMs }: Expected): Promise<void> {
  const { claims, algorithm } = token;
  const refuse = (why: string): never => {
    throw new TokenRefused(`oidc: verify token: ${why}`);
  };
  if (issuerOf(token) !== issuer) refuse(`oidc: id token issued by a different provider, expected ${JSON.stringify(issuer)} got ${JSON.stringify(claims["iss"])}`);
  const mine = audiencesOf(claims["aud"]);
  if (!mine.some((audience) => audiences.includes(audience))) refuse(`oidc: expected audience in [${quoted(audiences)}] got [${quoted(mine)}]`);
  const { exp, nbf } = claims;
  const nowS = nowMs / 1000;
  if (typeof exp !== "number" || exp < nowS) refuse(`oidc: token is expired (Token Expiry: ${typeof exp === "number" ? timeText(exp) : "none"})`);
  if (nbf !== undefined && (typeof nbf !== "number" || nbf > nowS + LEEWAY_S)) refuse(`oidc: current time ${timeText(nowS)} before the nbf (not before) time`);
  const known = signingAlgorithms.find((candidate) => candidate === algorithm);
  if (known === undefined || !algorithms.includes(algorithm))
    return refuse(`oidc: id token signed with unsupported algorithm, expected [${quoted(algorithms)}] got ${JSON.stringify(algorithm)}`);
  await keys.mustVerify(token, known);
}

function audiencesOf(aud: unknown): readonly string[] {
  if (typeof aud === "string") return [aud];
  return Array.isArray(aud) ? aud.filter((audience) => typeof audience === "string") : [];
}

const quoted = (texts: readonly string[]): string => texts.map((text) => JSON.stringify(text)).join(" ");
const timeText = (seconds: number): string => (Math.abs(seconds) < 8.6e12 ? new Date(seconds * 1000).toISOString() : String(seconds));
