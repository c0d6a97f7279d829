import { FieldPath } from "../../../meta/field-path.ts";
import type { FieldError } from "../../../meta/status-error.ts";
import { domainPrefixedPathErrors } from "../domain-prefixed-path.ts";
import { claimsEnv, compileExpression, speaksOf, userEnv } from "../jwt/claim-expressions.ts";
import type {
  AuthenticationConfiguration,
  ClaimMappings,
  ClaimValidationRule,
  ExtraMapping,
  IssuerConfig,
  JwtAuthenticatorConfig,
  PrefixedClaimOrExpression,
  UserValidationRule,
} from "./authentication-configuration.ts";

const ISSUERS_MAX = 64;

export interface ValidateOptions {
  /** Issuers of this cluster's own tokens. */
  readonly disallowedIssuers: readonly string[];
}

export interface ValidateDeps {
  /** Why a text is no bundle of certificates; undefined when it is one. */
  pemProblem(pem: string): string | undefined;
}

/** What is wrong with a configuration, with upstream's paths. @upstream apiserver/pkg/apis/apiserver/validation/validation.go */
export function* authenticationErrors(config: AuthenticationConfiguration, options: ValidateOptions, deps: ValidateDeps): Generator<FieldError> {
  const root = new FieldPath("jwt");
  if (config.jwt.length > ISSUERS_MAX) {
    yield root.tooMany(config.jwt.length, ISSUERS_MAX);
    return;
  }
  const issuers = new Set<string>();
  const discoveries = new Set<string>();
  for (const [index, entry] of config.jwt.entries()) {
    const path = root.index(index);
    yield* jwtErrors(entry, path, options, deps);
    const { url, discoveryURL = "" } = entry.issuer;
    if (issuers.has(url)) yield path.child("issuer", "url").duplicate(url);
    issuers.add(url);
    if (discoveryURL !== "" && discoveries.has(discoveryURL)) yield path.child("issuer", "discoveryURL").duplicate(discoveryURL);
    discoveries.add(discoveryURL);
  }
  const { anonymous } = config;
  if (anonymous !== undefined && !anonymous.enabled && (anonymous.conditions ?? []).length > 0)
    yield new FieldPath("anonymous").child("conditions").invalid(anonymous.conditions, "enabled should be set to true when conditions are defined");
}

function* jwtErrors(entry: JwtAuthenticatorConfig, path: FieldPath, options: ValidateOptions, deps: ValidateDeps): Generator<FieldError> {
  yield* issuerErrors(entry.issuer, path.child("issuer"), options, deps);
  yield* claimRuleErrors(entry.claimValidationRules ?? [], path.child("claimValidationRules"));
  yield* mappingErrors(entry.claimMappings, entry.claimValidationRules ?? [], path.child("claimMappings"));
  yield* userRuleErrors(entry.userValidationRules ?? [], path.child("userValidationRules"));
}

function* issuerErrors(issuer: IssuerConfig, path: FieldPath, { disallowedIssuers }: ValidateOptions, deps: ValidateDeps): Generator<FieldError> {
  const { url, discoveryURL = "", certificateAuthority = "", egressSelectorType = "" } = issuer;
  if (url === "") yield path.child("url").required();
  else yield* urlErrors(url, path.child("url"), disallowedIssuers);
  if (discoveryURL !== "") {
    const trimmed = (text: string): string => text.replace(/\/+$/, "");
    if (url !== "" && trimmed(url) === trimmed(discoveryURL)) yield path.child("discoveryURL").invalid(discoveryURL, "discoveryURL must be different from URL");
    yield* urlErrors(discoveryURL, path.child("discoveryURL"), []);
  }
  yield* audienceErrors(issuer, path);
  if (certificateAuthority !== "") {
    const problem = deps.pemProblem(certificateAuthority);
    if (problem !== undefined) yield path.child("certificateAuthority").invalid("<omitted>", problem);
  }
  if (egressSelectorType !== "")
    yield path
      .child("egressSelectorType")
      .invalid(egressSelectorType, "egress selector is not supported when StructuredAuthenticationConfigurationEgressSelector feature gate is disabled");
}

function* urlErrors(text: string, path: FieldPath, disallowed: readonly string[]): Generator<FieldError> {
  if (disallowed.includes(text)) yield path.invalid(text, `URL must not overlap with disallowed issuers: [${[...disallowed].sort().join(" ")}]`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    yield path.invalid(text, `parse ${JSON.stringify(text)}: invalid URL`);
    return;
  }
  if (url.protocol !== "https:") yield path.invalid(text, "URL scheme must be https");
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i.test(text)) yield path.invalid(text, "URL must not contain a username or password");
  if (url.search !== "") yield path.invalid(text, "URL must not contain a query");
  if (text.includes("#") && !text.endsWith("#")) yield path.invalid(text, "URL must not contain a fragment");
}

function* audienceErrors({ audiences, audienceMatchPolicy = "" }: IssuerConfig, issuer: FieldPath): Generator<FieldError> {
  const path = issuer.child("audiences");
  if (audiences.length === 0) {
    yield path.required(`at least one ${path.toString()} is required`);
    return;
  }
  const seen = new Set<string>();
  for (const [index, audience] of audiences.entries()) {
    if (audience === "") yield path.index(index).required();
    if (seen.has(audience)) yield path.index(index).duplicate(audience);
    seen.add(audience);
  }
  const policy = issuer.child("audienceMatchPolicy");
  if (audiences.length > 1 && audienceMatchPolicy !== "MatchAny") yield policy.invalid(audienceMatchPolicy, "audienceMatchPolicy must be MatchAny for multiple audiences");
  if (audiences.length === 1 && audienceMatchPolicy !== "" && audienceMatchPolicy !== "MatchAny")
    yield policy.invalid(audienceMatchPolicy, "audienceMatchPolicy must be empty or MatchAny for single audience");
}

function* claimRuleErrors(rules: readonly ClaimValidationRule[], root: FieldPath): Generator<FieldError> {
  const claims = new Set<string>();
  const expressions = new Set<string>();
  for (const [index, { claim = "", expression = "", message = "", requiredValue = "" }] of rules.entries()) {
    const path = root.index(index);
    if (claim !== "" && expression !== "") yield path.invalid(claim, "claim and expression can't both be set");
    else if (claim === "" && expression === "") yield path.required("claim or expression is required");
    else if (claim !== "") {
      if (message !== "") yield path.child("message").invalid(message, "may not be specified when claim is set");
      if (claims.has(claim)) yield path.child("claim").duplicate(claim);
      claims.add(claim);
    } else {
      if (requiredValue !== "") yield path.child("requiredValue").invalid(requiredValue, "may not be specified when expression is set");
      if (expressions.has(expression)) yield path.child("expression").duplicate(expression);
      else yield* expressionErrors(expression, path.child("expression"), "claims", "bool");
      expressions.add(expression);
    }
  }
}

function* mappingErrors(mappings: ClaimMappings, rules: readonly ClaimValidationRule[], path: FieldPath): Generator<FieldError> {
  yield* claimOrExpressionErrors(mappings.username, path.child("username"), true);
  yield* claimOrExpressionErrors(mappings.groups ?? {}, path.child("groups"), false);
  const { claim = "", expression = "" } = mappings.uid ?? {};
  if (claim !== "" && expression !== "") yield path.child("uid").invalid("", "claim and expression can't both be set");
  else if (expression !== "") yield* expressionErrors(expression, path.child("uid", "expression"), "claims", "any");
  yield* extraErrors(mappings.extra ?? [], path.child("extra"));
  const username = mappings.username.expression ?? "";
  const verified = [username, ...(mappings.extra ?? []).map(({ valueExpression }) => valueExpression), ...rules.map((rule) => rule.expression ?? "")];
  if (mentions(username, "email") && !verified.some((text) => mentions(text, "email_verified"))) {
    const places = "claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression";
    yield path.child("username", "expression").invalid(username, `claims.email_verified must be used in ${places} when claims.email is used in claimMappings.username.expression`);
  }
}

function mentions(expression: string | undefined, claim: string): boolean {
  if (expression === undefined || expression === "") return false;
  try {
    return speaksOf(expression, "claims", claim);
  } catch {
    // That it cannot be read is said elsewhere.
    return false;
  }
}

function* claimOrExpressionErrors({ claim = "", prefix, expression = "" }: PrefixedClaimOrExpression, path: FieldPath, isRequired: boolean): Generator<FieldError> {
  if (claim !== "" && expression !== "") yield path.invalid("", "claim and expression can't both be set");
  else if (claim === "" && expression === "") {
    if (isRequired) yield path.required("claim or expression is required");
  } else if (expression !== "") {
    if (prefix !== undefined) yield path.child("prefix").invalid(prefix, "may not be specified when expression is set");
    yield* expressionErrors(expression, path.child("expression"), "claims", "any");
  } else if (prefix === undefined) yield path.child("prefix").required("prefix is required when claim is set. It can be set to an empty string to disable prefixing");
}

function* extraErrors(extra: readonly ExtraMapping[], root: FieldPath): Generator<FieldError> {
  const seen = new Set<string>();
  for (const [index, { key = "", valueExpression = "" }] of extra.entries()) {
    const path = root.index(index);
    yield* domainPrefixedPathErrors(key, path.child("key"));
    if (key !== key.toLowerCase()) yield path.child("key").invalid(key, "must be lowercase");
    if (/^([^/]*\.)?(kubernetes\.io|k8s\.io)\//.test(key)) yield path.child("key").invalid(key, "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use");
    if (seen.has(key)) {
      yield path.child("key").duplicate(key);
      continue;
    }
    seen.add(key);
    if (valueExpression === "") yield path.child("valueExpression").required();
    else yield* expressionErrors(valueExpression, path.child("valueExpression"), "claims", "any");
  }
}

function* userRuleErrors(rules: readonly UserValidationRule[], root: FieldPath): Generator<FieldError> {
  const seen = new Set<string>();
  for (const [index, { expression = "" }] of rules.entries()) {
    const path = root.index(index).child("expression");
    if (expression === "") yield path.required();
    else if (seen.has(expression)) yield path.duplicate(expression);
    else yield* expressionErrors(expression, path, "user", "bool");
    seen.add(expression);
  }
}

function* expressionErrors(text: string, path: FieldPath, variable: "claims" | "user", result: "any" | "bool"): Generator<FieldError> {
  try {
    compileExpression(text, variable === "claims" ? claimsEnv : userEnv, result);
  } catch (error) {
    yield path.invalid(text, error instanceof Error ? error.message : String(error));
  }
}
