import { fromJson } from "../../../meta/cel/json.ts";
import type { Program } from "../../../meta/cel/program.ts";
import type { CelValue } from "../../../meta/cel/value.ts";
import type { UserInfo } from "../../../meta/wire.ts";
import type { ClaimMappings, ClaimValidationRule, JwtAuthenticatorConfig, UserValidationRule } from "../configuration/authentication-configuration.ts";
import { TokenRefused } from "../token-refused.ts";
import { claimsEnv, claimsType, compileExpression, evaluate, textsOf, userEnv, userType } from "./claim-expressions.ts";

export type Claims = { readonly [claim: string]: unknown };

/** Tells the user of verified claims; throws TokenRefused when a claim is missing, of a wrong type, or a rule does not hold. */
export type ClaimMapping = (claims: Claims) => UserInfo;

interface Expression {
  readonly text: string;
  readonly program: Program;
}
const expression = (text: string | undefined, env: typeof claimsEnv, result: "any" | "bool"): Expression | undefined =>
  text === undefined || text === "" ? undefined : { text, program: compileExpression(text, env, result) };

/** Compiles the mapping and the rules of one issuer; throws Error for an expression that does not compile. @upstream apiserver/plugin/pkg/authenticator/token/oidc/oidc.go AuthenticateToken */
export function claimMapping({ claimMappings, claimValidationRules = [], userValidationRules = [] }: JwtAuthenticatorConfig): ClaimMapping {
  const username = usernameOf(claimMappings);
  const groups = groupsOf(claimMappings);
  const uid = uidOf(claimMappings);
  const extra = extraOf(claimMappings);
  const checkClaims = claimRules(claimValidationRules);
  const checkUser = userRules(userValidationRules);
  return (claims) => {
    const bindings = { claims: fromJson(claims, claimsType) };
    const name = username(claims, bindings);
    const list = groups(claims, bindings);
    const id = uid(claims, bindings);
    const more = { ...credential(claims), ...extra(bindings) };
    const user: UserInfo = { name, ...(id === "" ? {} : { uid: id }), groups: list, ...(Object.keys(more).length === 0 ? {} : { extra: more }) };
    checkClaims(claims, bindings);
    checkUser(user);
    return user;
  };
}

type Values = { readonly [name: string]: CelValue };

function usernameOf({ username }: ClaimMappings): (claims: Claims, bindings: Values) => string {
  const program = expression(username.expression, claimsEnv, "any");
  return (claims, bindings) => {
    let name: unknown;
    if (program !== undefined) {
      name = valueOf(program, bindings, "username claim");
      if (typeof name !== "string") throw new TokenRefused("oidc: error evaluating username claim expression: username claim expression must return a string");
    } else name = (username.prefix ?? "") + emailOrName(claims, username.claim ?? "");
    if (name === "") throw new TokenRefused("oidc: the username is empty");
    return name as string;
  };
}

function emailOrName(claims: Claims, claim: string): string {
  const name = textClaim(claims, claim, "username");
  if (name === "") throw new TokenRefused(`oidc: username claim ${JSON.stringify(claim)} is empty`);
  if (claim !== "email" || !Object.hasOwn(claims, "email_verified")) return name;
  const verified = claims["email_verified"];
  if (typeof verified !== "boolean") throw new TokenRefused("oidc: parse 'email_verified' claim: it is not true or false");
  if (!verified) throw new TokenRefused("oidc: email not verified");
  return name;
}

function groupsOf({ groups = {} }: ClaimMappings): (claims: Claims, bindings: Values) => readonly string[] {
  const { claim = "", prefix = "" } = groups;
  const program = expression(groups.expression, claimsEnv, "any");
  return (claims, bindings) => {
    if (claim !== "" && Object.hasOwn(claims, claim)) {
      const value = claims[claim];
      const list = value === null ? [] : Array.isArray(value) ? (value as readonly unknown[]) : [value];
      if (!list.every((group) => typeof group === "string")) throw new TokenRefused(`oidc: parse groups claim ${JSON.stringify(claim)}: it is not a text or a list of texts`);
      return list.map((group) => `${prefix}${group as string}`);
    }
    if (program === undefined) return [];
    const texts = textsOf(valueOf(program, bindings, "group claim"));
    if (texts === undefined) throw new TokenRefused("oidc: error evaluating group claim expression: expression must return a string or a list of strings");
    return texts;
  };
}

function uidOf({ uid = {} }: ClaimMappings): (claims: Claims, bindings: Values) => string {
  const { claim = "" } = uid;
  const program = expression(uid.expression, claimsEnv, "any");
  return (claims, bindings) => {
    if (claim !== "") return textClaim(claims, claim, "uid");
    if (program === undefined) return "";
    const value = valueOf(program, bindings, "uid claim");
    if (typeof value !== "string") throw new TokenRefused("oidc: error evaluating uid claim expression: uid claim expression must return a string");
    return value;
  };
}

function extraOf({ extra = [] }: ClaimMappings): (bindings: Values) => { readonly [key: string]: readonly string[] } {
  const programs = extra.map(({ key, valueExpression }) => ({ key, text: valueExpression, program: compileExpression(valueExpression, claimsEnv, "any") }));
  return (bindings) => {
    const values: Record<string, readonly string[]> = {};
    for (const made of programs) {
      const texts = textsOf(valueOf(made, bindings, "extra claim"));
      if (texts === undefined) throw new TokenRefused(`oidc: error evaluating extra claim expression: ${made.text}: expression must return a string or a list of strings`);
      if (texts.length > 0) values[made.key] = texts;
    }
    return values;
  };
}

/** The token's own name, as audit logs and reviews show it. */
function credential({ jti }: Claims): { readonly [key: string]: readonly string[] } {
  return typeof jti === "string" && jti !== "" ? { "authentication.kubernetes.io/credential-id": [`JTI=${jti}`] } : {};
}

function claimRules(rules: readonly ClaimValidationRule[]): (claims: Claims, bindings: Values) => void {
  const compiled = rules.map((rule) => ({ rule, made: expression(rule.expression, claimsEnv, "bool") }));
  return (claims, bindings) => {
    for (const { rule, made } of compiled) {
      if (made !== undefined) mustHold(made, bindings, rule.message, "claim validation expression");
      else mustEqual(claims, rule.claim ?? "", rule.requiredValue ?? "");
    }
  };
}

function mustEqual(claims: Claims, claim: string, wanted: string): void {
  if (!Object.hasOwn(claims, claim)) throw new TokenRefused(`oidc: required claim ${claim} not present in ID token`);
  const value = textClaim(claims, claim, "required");
  if (value !== wanted) throw new TokenRefused(`oidc: required claim ${claim} value does not match. Got = ${value}, want = ${wanted}`);
}

function userRules(rules: readonly UserValidationRule[]): (user: UserInfo) => void {
  const compiled = rules.map((rule) => ({ message: rule.message, text: rule.expression, program: compileExpression(rule.expression, userEnv, "bool") }));
  if (compiled.length === 0) return () => {};
  return ({ name, uid, groups, extra }) => {
    const info = { username: name, ...(uid === undefined ? {} : { uid }), ...(groups.length === 0 ? {} : { groups }), ...(extra === undefined ? {} : { extra }) };
    const bindings = { user: fromJson(info, userType) };
    for (const made of compiled) mustHold(made, bindings, made.message, "user info validation rule");
  };
}

function mustHold(made: Expression, bindings: Values, message: string | undefined, what: string): void {
  let value: CelValue;
  try {
    value = evaluate(made.program, bindings, made.text);
  } catch (error) {
    throw new TokenRefused(`oidc: error evaluating ${what}: ${(error as Error).message}`, { cause: error });
  }
  if (value === true) return;
  const why = message === undefined || message === "" ? "" : `: ${message}`;
  throw new TokenRefused(`oidc: error evaluating ${what}: validation expression '${made.text}' failed${why}`);
}

function valueOf({ program, text }: Expression, bindings: Values, what: string): CelValue {
  try {
    return evaluate(program, bindings, text);
  } catch (error) {
    throw new TokenRefused(`oidc: error evaluating ${what} expression: ${(error as Error).message}`, { cause: error });
  }
}

function textClaim(claims: Claims, claim: string, what: string): string {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  if (value === undefined) throw new TokenRefused(`oidc: parse ${what} claims ${JSON.stringify(claim)}: claim not present`);
  if (typeof value !== "string") throw new TokenRefused(`oidc: parse ${what} claims ${JSON.stringify(claim)}: it is not a text`);
  return value;
}
