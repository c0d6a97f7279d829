import { describe, expect, it } from "vitest";
import { fieldErrorBody } from "../../../meta/status-error.ts";
import { readAuthenticationConfiguration } from "./authentication-configuration.ts";
import { authenticationErrors } from "./validate-authentication.ts";

const head = { apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthenticationConfiguration" };
const issuer = { url: "https://issuer.example", audiences: ["keles"] };
const username = { claim: "sub", prefix: "" };
const entry = { issuer, claimMappings: { username } };

const faults = (config: object): readonly string[] =>
  [
    ...authenticationErrors(
      readAuthenticationConfiguration({ ...head, ...config }),
      { disallowedIssuers: ["https://kubernetes.default.svc"] },
      { pemProblem: (pem) => (pem === "good" ? undefined : "data does not contain any valid RSA or ECDSA certificates") },
    ),
  ].map((error) => `${error.field}: ${fieldErrorBody(error)}`);
const jwt = (change: object): readonly string[] => faults({ jwt: [{ ...entry, ...change }] });
const ofIssuer = (change: object): readonly string[] => jwt({ issuer: { ...issuer, ...change } });

describe("a configuration of authentication", () => {
  it("without faults has none", () => {
    expect(faults({})).toEqual([]);
    expect(jwt({})).toEqual([]);
    expect(faults({ anonymous: { enabled: true, conditions: [{ path: "/livez" }] } })).toEqual([]);
    expect(ofIssuer({ audiences: ["a", "b"], audienceMatchPolicy: "MatchAny", certificateAuthority: "good", discoveryURL: "https://elsewhere.example/x" })).toEqual([]);
  });

  it.each<[string, () => readonly string[], string]>([
    ["url", () => ofIssuer({ url: "" }), "jwt[0].issuer.url: Required value"],
    ["scheme", () => ofIssuer({ url: "http://issuer.example" }), 'jwt[0].issuer.url: Invalid value: "http://issuer.example": URL scheme must be https'],
    [
      "password",
      () => ofIssuer({ url: "https://a:b@issuer.example" }),
      'jwt[0].issuer.url: Invalid value: "https://a:b@issuer.example": URL must not contain a username or password',
    ],
    ["query", () => ofIssuer({ url: "https://issuer.example?a=b" }), 'jwt[0].issuer.url: Invalid value: "https://issuer.example?a=b": URL must not contain a query'],
    ["fragment", () => ofIssuer({ url: "https://issuer.example#a" }), 'jwt[0].issuer.url: Invalid value: "https://issuer.example#a": URL must not contain a fragment'],
    [
      "the cluster's own issuer",
      () => ofIssuer({ url: "https://kubernetes.default.svc" }),
      'jwt[0].issuer.url: Invalid value: "https://kubernetes.default.svc": URL must not overlap with disallowed issuers: [https://kubernetes.default.svc]',
    ],
    [
      "discovery",
      () => ofIssuer({ discoveryURL: "https://issuer.example/" }),
      'jwt[0].issuer.discoveryURL: Invalid value: "https://issuer.example/": discoveryURL must be different from URL',
    ],
    ["audiences", () => ofIssuer({ audiences: [] }), "jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required"],
    ["an empty audience", () => ofIssuer({ audiences: [""] }), "jwt[0].issuer.audiences[0]: Required value"],
    [
      "several audiences",
      () => ofIssuer({ audiences: ["a", "b"] }),
      'jwt[0].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences',
    ],
    [
      "authority",
      () => ofIssuer({ certificateAuthority: "bad" }),
      'jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>": data does not contain any valid RSA or ECDSA certificates',
    ],
    [
      "egress",
      () => ofIssuer({ egressSelectorType: "cluster" }),
      'jwt[0].issuer.egressSelectorType: Invalid value: "cluster": egress selector is not supported when StructuredAuthenticationConfigurationEgressSelector feature gate is disabled',
    ],
    ["username", () => jwt({ claimMappings: {} }), "jwt[0].claimMappings.username: Required value: claim or expression is required"],
    [
      "prefix",
      () => jwt({ claimMappings: { username: { claim: "sub" } } }),
      "jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing",
    ],
    [
      "prefix with an expression",
      () => jwt({ claimMappings: { username: { expression: "claims.sub", prefix: "" } } }),
      'jwt[0].claimMappings.username.prefix: Invalid value: "": may not be specified when expression is set',
    ],
    [
      "both",
      () => jwt({ claimMappings: { username, groups: { claim: "a", expression: "b" } } }),
      'jwt[0].claimMappings.groups: Invalid value: "": claim and expression can\'t both be set',
    ],
    [
      "email",
      () => jwt({ claimMappings: { username: { expression: "claims.email" } } }),
      'jwt[0].claimMappings.username.expression: Invalid value: "claims.email": claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
    ],
    [
      "extra key",
      () => jwt({ claimMappings: { username, extra: [{ key: "Example.org/a", valueExpression: "'a'" }] } }),
      'jwt[0].claimMappings.extra[0].key: Invalid value: "Example.org/a": must be lowercase',
    ],
    [
      "reserved extra key",
      () => jwt({ claimMappings: { username, extra: [{ key: "auth.k8s.io/a", valueExpression: "'a'" }] } }),
      'jwt[0].claimMappings.extra[0].key: Invalid value: "auth.k8s.io/a": k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use',
    ],
    ["extra value", () => jwt({ claimMappings: { username, extra: [{ key: "example.org/a" }] } }), "jwt[0].claimMappings.extra[0].valueExpression: Required value"],
    ["empty rule", () => jwt({ claimValidationRules: [{}] }), "jwt[0].claimValidationRules[0]: Required value: claim or expression is required"],
    [
      "rule of two kinds",
      () => jwt({ claimValidationRules: [{ claim: "a", expression: "true" }] }),
      'jwt[0].claimValidationRules[0]: Invalid value: "a": claim and expression can\'t both be set',
    ],
    [
      "message of a claim",
      () => jwt({ claimValidationRules: [{ claim: "a", message: "m" }] }),
      'jwt[0].claimValidationRules[0].message: Invalid value: "m": may not be specified when claim is set',
    ],
    [
      "rule that is no question",
      () => jwt({ claimValidationRules: [{ expression: "'a'" }] }),
      `jwt[0].claimValidationRules[0].expression: Invalid value: "'a'": must evaluate to bool`,
    ],
    ["same rule twice", () => jwt({ userValidationRules: [{ expression: "true" }, { expression: "true" }] }), 'jwt[0].userValidationRules[1].expression: Duplicate value: "true"'],
    [
      "anonymous",
      () => faults({ anonymous: { enabled: false, conditions: [{ path: "/a" }] } }),
      'anonymous.conditions: Invalid value: [{"path":"/a"}]: enabled should be set to true when conditions are defined',
    ],
    ["same issuer twice", () => faults({ jwt: [entry, entry] }), 'jwt[1].issuer.url: Duplicate value: "https://issuer.example"'],
  ])("says where: %s", (_, found, expected) => {
    expect(found()).toContain(expected);
  });

  it("says why an expression does not compile, and allows an email that is looked at", () => {
    expect(jwt({ userValidationRules: [{ expression: "user.name == ''" }] })[0]).toMatch(
      /^jwt\[0\]\.userValidationRules\[0\]\.expression: Invalid value: .*compilation failed: .*undefined field 'name'/,
    );
    expect(jwt({ claimMappings: { username: { expression: "claims.?email_verified.orValue(true) ? claims.email : ''" } } })).toEqual([]);
    expect(jwt({ claimMappings: { username: { expression: "claims.email" } }, claimValidationRules: [{ expression: "claims.email_verified" }] })).not.toContain(
      "email_verified must",
    );
  });

  it("is read strictly", () => {
    expect(() => readAuthenticationConfiguration({ ...head, jwt: [{ isuer: {} }] })).toThrow('strict decoding error: unknown field "jwt[0].isuer"');
    expect(() => readAuthenticationConfiguration({ ...head, jwt: {} })).toThrow("cannot unmarshal");
    expect(() => readAuthenticationConfiguration({ kind: "AuthenticationConfiguration", apiVersion: "v1" })).toThrow("must be an AuthenticationConfiguration");
    expect(() => readAuthenticationConfiguration(null)).toThrow("must be an AuthenticationConfiguration");
    expect(readAuthenticationConfiguration({ ...head, apiVersion: "apiserver.config.k8s.io/v1beta1" }).jwt).toEqual([]);
  });
});
