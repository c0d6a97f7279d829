import { describe, expect, it } from "vitest";
import { jwkOf, keyPairFor, signToken, TrialIssuer } from "../../../../test/support/trial-issuer.ts";
import { VirtualClock } from "../../../base/virtual-clock.ts";
import { nodePublicKeys } from "../../../platform/node/public-keys.ts";
import { signingAlgorithms } from "../../../platform/public-keys.ts";
import type { JwtAuthenticatorConfig } from "../configuration/authentication-configuration.ts";
import { TokenRefused } from "../token-refused.ts";
import { JwtAuthenticator } from "./jwt-authenticator.ts";

const pair = keyPairFor("ES256");
const api = ["https://api"];
const mapping: JwtAuthenticatorConfig = {
  issuer: { url: "https://issuer.example", audiences: ["keles"] },
  claimMappings: { username: { claim: "sub", prefix: "oidc:" }, groups: { claim: "groups", prefix: "g:" } },
};

function world(config: Partial<JwtAuthenticatorConfig> = {}, algorithms?: readonly string[]) {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const issuer = new TrialIssuer();
  issuer.keys = [jwkOf(pair, "one")];
  const authenticator = new JwtAuthenticator({ config: { ...mapping, ...config }, apiAudiences: api, algorithms }, { requests: issuer, publicKeys: nodePublicKeys, clock });
  const nowS = (): number => Math.floor(clock.now() / 1000);
  const claims = (more: object = {}): object => ({ iss: issuer.url, aud: "keles", sub: "jane", exp: nowS() + 600, ...more });
  const token = (more: object = {}): string => signToken(claims(more), { kid: "one", pair });
  return { clock, issuer, authenticator, claims, token, nowS, review: (text: string) => authenticator.review(text, api) };
}

describe("a token of an issuer", () => {
  it("stands for the user whom its claims name", async () => {
    const { review, token } = world();
    expect(await review(token({ groups: ["a", "b"], jti: "j1" }))).toEqual({
      user: { name: "oidc:jane", groups: ["g:a", "g:b"], extra: { "authentication.kubernetes.io/credential-id": ["JTI=j1"] } },
      audiences: api,
    });
    expect((await review(token({ groups: "one" })))?.user.groups).toEqual(["g:one"]);
  });

  it.each(signingAlgorithms.map((algorithm) => [algorithm] as const))("may be signed by %s", async (algorithm) => {
    const { issuer, review, claims } = world();
    const other = keyPairFor(algorithm);
    issuer.keys = [jwkOf(pair, "one"), jwkOf(other, "two")];
    const text = signToken(claims(), { algorithm, kid: "two", pair: other });
    expect((await review(text))?.user.name).toBe("oidc:jane");
    await expect(review(`${text.slice(0, -6)}AAAAAA`)).rejects.toThrow("failed to verify id token signature");
  });

  it.each<[string, object, string]>([
    ["for another audience", { aud: ["vault"] }, 'expected audience in ["keles"] got ["vault"]'],
    ["that is over", { exp: 1 }, "token is expired"],
    ["without an end", { exp: undefined }, "token is expired"],
    ["of a time to come", { nbf: 4_000_000_000 }, "before the nbf"],
    ["without the user's claim", { sub: undefined }, 'parse username claims "sub": claim not present'],
    ["with an empty name", { sub: "" }, "is empty"],
    ["with groups that are none", { groups: [1] }, 'parse groups claim "groups"'],
  ])("is refused %s", async (_, more, why) => {
    const { review, token } = world();
    await expect(review(token(more))).rejects.toThrow(why);
    await expect(review(token(more))).rejects.toBeInstanceOf(TokenRefused);
  });

  it("is nobody's business when it names another issuer, or is meant for no audience that is asked about", async () => {
    const { authenticator, issuer, review, token } = world();
    expect(await review(token({ iss: "https://other" }))).toBeUndefined();
    expect(await authenticator.review(token(), ["vault"])).toBeUndefined();
    for (const text of ["", "x", "a.b.c", "e30.e30.e30", `${token()}.more`, `{"a":1}`]) expect(await review(text)).toBeUndefined();
    expect(issuer.asked).toEqual([]);
  });

  it("is refused when it is signed in a way that is not allowed, or not at all", async () => {
    const { review, token, claims } = world({}, ["RS256"]);
    await expect(review(token())).rejects.toThrow('id token signed with unsupported algorithm, expected ["RS256"] got "ES256"');
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const unsigned = world();
    expect(await unsigned.review(`${part({ alg: "none" })}.${part(claims())}.`)).toBeUndefined();
    await expect(unsigned.review(`${part({ alg: "none" })}.${part(unsigned.claims())}.AAAA`)).rejects.toThrow("unsupported algorithm");
    // A public key is no secret: it must not serve as one.
    await expect(unsigned.review(`${part({ alg: "HS256", kid: "one" })}.${part(unsigned.claims())}.AAAA`)).rejects.toThrow("unsupported algorithm");
  });

  it("is refused when it asks for what is not understood", async () => {
    const { review, claims } = world();
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    expect(await review(`${part({ alg: "ES256", kid: "one", crit: ["b64"], b64: false })}.${part(claims())}.AAAA`)).toBeUndefined();
  });
});

describe("keys", () => {
  it("are fetched once, and again for one that is not known, but not more often than every ten seconds", async () => {
    const { clock, issuer, review, token, claims } = world();
    await review(token());
    await review(token({ jti: "2" }));
    expect(issuer.asked).toEqual(["https://issuer.example/.well-known/openid-configuration", "https://issuer.example/keys"]);
    const next = keyPairFor("ES256");
    const strange = (jti: string): string => signToken({ ...claims(), jti }, { kid: "two", pair: next });
    for (const jti of ["a", "b", "c"]) await expect(review(strange(jti))).rejects.toThrow("signature");
    expect(issuer.asked).toHaveLength(2);
    await clock.advance(10_000);
    for (const jti of ["a", "b", "c"]) await expect(review(strange(jti))).rejects.toThrow("signature");
    expect(issuer.asked).toHaveLength(4);
    issuer.keys = [jwkOf(next, "two")];
    await clock.advance(10_000);
    expect((await review(strange("d")))?.user.name).toBe("oidc:jane");
    // The old key is gone with its documents.
    await expect(review(token({ jti: "3" }))).rejects.toThrow("signature");
  });

  it("go on to count while the issuer is away, and a token waits for an issuer that comes late", async () => {
    const { clock, issuer, review, token } = world();
    issuer.failing = true;
    await expect(review(token())).rejects.toThrow('authenticator not initialized: Get "https://issuer.example/.well-known/openid-configuration": dial tcp');
    issuer.failing = false;
    await expect(review(token())).rejects.toThrow("not initialized");
    await clock.advance(10_000);
    expect((await review(token()))?.user.name).toBe("oidc:jane");
    issuer.failing = true;
    await clock.advance(3_700_000);
    expect((await review(token()))?.user.name).toBe("oidc:jane");
  });

  it("are looked for where the configuration says, and only believed from the issuer itself", async () => {
    const config = { issuer: { ...mapping.issuer, discoveryURL: "https://inside.example/discovery" } };
    const { issuer, review, token, clock } = world(config);
    issuer.documents.set("https://inside.example/discovery", JSON.stringify({ issuer: "https://evil.example", jwks_uri: "https://issuer.example/keys" }));
    await expect(review(token())).rejects.toThrow('expected "https://issuer.example" got "https://evil.example"');
    issuer.documents.set("https://inside.example/discovery", JSON.stringify({ issuer: issuer.url, jwks_uri: "http://issuer.example/keys" }));
    await clock.advance(10_000);
    await expect(review(token())).rejects.toThrow("is not a URL of https");
    issuer.documents.set("https://inside.example/discovery", JSON.stringify({ issuer: issuer.url, jwks_uri: "https://issuer.example/keys" }));
    await clock.advance(10_000);
    expect((await review(token()))?.user.name).toBe("oidc:jane");
  });

  it("are fetched once for many who ask at the same time", async () => {
    const { issuer, review, token } = world();
    await Promise.all(["a", "b", "c"].map((jti) => review(token({ jti }))));
    expect(issuer.asked).toHaveLength(2);
  });
});

describe("the cache", () => {
  it("holds ten seconds, never longer than the token", async () => {
    const { clock, issuer, review, token, nowS } = world();
    const long = token();
    const short = token({ exp: nowS() + 5 });
    await review(long);
    await review(short);
    issuer.keys = [];
    await clock.advance(5_500);
    await expect(review(short)).rejects.toThrow("expired");
    expect((await review(long))?.user.name).toBe("oidc:jane");
  });
});

describe("rules and expressions", () => {
  it("map claims by CEL", async () => {
    const { review, token } = world({
      claimMappings: {
        username: { expression: "claims.sub + '@' + claims.org" },
        groups: { expression: "claims.roles.split(',')" },
        uid: { expression: "claims.id" },
        extra: [
          { key: "example.org/tenant", valueExpression: "claims.tenant" },
          { key: "example.org/none", valueExpression: "''" },
        ],
      },
    });
    expect((await review(token({ org: "acme", roles: "a,b", id: "u1", tenant: ["x", "y"] })))?.user).toEqual({
      name: "jane@acme",
      uid: "u1",
      groups: ["a", "b"],
      extra: { "example.org/tenant": ["x", "y"] },
    });
    await expect(review(token())).rejects.toThrow("error evaluating username claim expression");
    await expect(review(token({ org: 1 }))).rejects.toThrow("error evaluating username claim expression");
  });

  it("refuse tokens whose claims or user they do not allow", async () => {
    const { review, token } = world({
      claimValidationRules: [
        { claim: "hd", requiredValue: "acme" },
        { expression: "claims.exp - claims.iat <= 3600", message: "it lasts too long" },
      ],
      userValidationRules: [{ expression: "!user.username.startsWith('oidc:system:')", message: "reserved" }],
    });
    const iat = 0;
    await expect(review(token({ iat }))).rejects.toThrow("required claim hd not present in ID token");
    await expect(review(token({ hd: "other", iat }))).rejects.toThrow("required claim hd value does not match. Got = other, want = acme");
    await expect(review(token({ hd: "acme", iat: -4_000 }))).rejects.toThrow("failed: it lasts too long");
    await expect(review(token({ hd: "acme", iat: 0, sub: "system:admin" }))).rejects.toThrow();
  });

  it("believe an email only when it is verified, where the token says so", async () => {
    const { review, token } = world({ claimMappings: { username: { claim: "email", prefix: "" } } });
    expect((await review(token({ email: "a@b" })))?.user.name).toBe("a@b");
    expect((await review(token({ email: "a@b", email_verified: true })))?.user.name).toBe("a@b");
    await expect(review(token({ email: "a@b", email_verified: false }))).rejects.toThrow("email not verified");
    await expect(review(token({ email: "a@b", email_verified: "true" }))).rejects.toThrow("email_verified");
  });
});

describe("a claim that lies elsewhere", () => {
  it("is fetched, and believed when its own token stands", async () => {
    const { issuer, review, token, claims } = world();
    const names = { _claim_names: { groups: "src" }, _claim_sources: { src: { endpoint: "https://issuer.example/groups", access_token: "t" } } };
    issuer.documents.set("https://issuer.example/groups", signToken({ ...claims(), groups: ["far"] }, { kid: "one", pair }));
    expect((await review(token(names)))?.user.groups).toEqual(["g:far"]);
    issuer.documents.set("https://issuer.example/groups", signToken({ ...claims(), groups: ["far"] }, { kid: "one", pair: keyPairFor("ES256") }));
    await expect(review(token({ ...names, jti: "2" }))).rejects.toThrow("failed to verify id token signature");
    await expect(review(token({ _claim_names: { groups: "src" } }))).rejects.toThrow("no claim sources");
  });
});
