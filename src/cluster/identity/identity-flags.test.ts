import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { silentLogger } from "../../base/log.ts";
import { noMetrics } from "../../base/metrics.ts";
import { seededRandom } from "../../base/random.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { readSettings } from "../settings.ts";
import { authorizationFromFlags } from "./authorization-flags.ts";
import { followFile } from "./follow-file.ts";
import { oidcFromFlags } from "./oidc-flags.ts";
import { type AuthenticationDeps, openAuthentication } from "./open-authentication.ts";
import { openAuthorization } from "./open-authorization.ts";

const folder = mkdtempSync(join(tmpdir(), "keles-flags-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const settings = (flags: Record<string, unknown> = {}) => readSettings({ dataDir: folder, ...flags }, {});
const issuer = { oidcIssuerUrl: "https://issuer", oidcClientId: "keles" };

function deps(content: { text: string | undefined } = { text: undefined }): AuthenticationDeps & { readonly clock: VirtualClock } {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const files = { readIfPresent: () => Promise.resolve(content.text === undefined ? undefined : new TextEncoder().encode(content.text)) };
  const requests = { send: () => Promise.reject(new Error("no network")) };
  return { clock, random: seededRandom(1), log: silentLogger, metrics: noMetrics, files, requests, publicKeys: { ofJwk: () => undefined } };
}
const place = { issuer: "https://kubernetes.default.svc", frontProxyCa: "" };

describe("flags of one issuer", () => {
  it("make a configuration", () => {
    expect(oidcFromFlags(settings(), { hasConfig: false })).toBeUndefined();
    const flags = { ...issuer, oidcGroupsClaim: "groups", oidcGroupsPrefix: "g:", oidcRequiredClaim: "hd=acme,team=a=b", oidcSigningAlgs: "ES256,RS256" };
    expect(oidcFromFlags(settings(flags), { hasConfig: false })).toEqual({
      config: {
        issuer: { url: "https://issuer", audiences: ["keles"] },
        claimMappings: { username: { claim: "sub", prefix: "https://issuer#" }, groups: { claim: "groups", prefix: "g:" } },
        claimValidationRules: [
          { claim: "hd", requiredValue: "acme" },
          { claim: "team", requiredValue: "a=b" },
        ],
      },
      algorithms: ["ES256", "RS256"],
    });
  });

  it.each<[object, string]>([
    [{}, "https://issuer#"],
    [{ oidcUsernamePrefix: "-" }, ""],
    [{ oidcUsernamePrefix: "x:" }, "x:"],
    [{ oidcUsernameClaim: "email" }, ""],
    [{ oidcUsernameClaim: "email", oidcUsernamePrefix: "x:" }, "x:"],
  ])("put a prefix before names: %o", (flags, prefix) => {
    expect(oidcFromFlags(settings({ ...issuer, ...flags }), { hasConfig: false })?.config.claimMappings.username.prefix).toBe(prefix);
  });

  it.each<[Record<string, unknown>, boolean, string]>([
    [{ oidcIssuerUrl: "https://issuer" }, false, "--oidc-issuer-url and --oidc-client-id must be given together"],
    [{ oidcGroupsClaim: "g" }, false, "--oidc-issuer-url and --oidc-client-id must be given together"],
    [issuer, true, "--authentication-config and --oidc-issuer-url exclude each other"],
    [{ ...issuer, oidcSigningAlgs: "HS256" }, false, '--oidc-signing-algs: "HS256" is not one of'],
    [{ ...issuer, oidcRequiredClaim: "hd" }, false, '--oidc-required-claim must read CLAIM=VALUE, not "hd"'],
    [{ ...issuer, oidcCaFile: "/nowhere" }, false, "cannot read /nowhere"],
  ])("must fit together: %o", (flags, hasConfig, why) => {
    expect(() => oidcFromFlags(settings(flags), { hasConfig })).toThrow(why);
  });
});

describe("ways of proving identity", () => {
  it.each<[string, () => Record<string, unknown>, string]>([
    ["a file that is away", () => ({ authenticationConfig: "/nowhere" }), "cannot read /nowhere"],
    ["a file that is not valid", () => ({ authenticationConfig: file("a.yaml", "kind: X") }), "is not valid: it must be an AuthenticationConfiguration"],
    [
      "its faults",
      () => ({ authenticationConfig: file("b.yaml", "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: [{issuer: {url: 'http://a'}}]") }),
      'jwt[0].issuer.url: Invalid value: "http://a": URL scheme must be https',
    ],
    ["a wrong issuer by flags", () => ({ ...issuer, oidcIssuerUrl: "http://issuer" }), "URL scheme must be https"],
  ])("fail with what is wrong: %s", (_, flags, why) => {
    expect(() => openAuthentication(settings(flags()), place, deps())).toThrow(why);
  });
});

describe("ways of deciding", () => {
  it("come from flags, in their order", () => {
    expect(authorizationFromFlags(settings()).authorizers).toEqual([
      { type: "Node", name: "node" },
      { type: "RBAC", name: "rbac" },
    ]);
    const hook = { authorizationMode: "RBAC,Webhook", authorizationWebhookConfigFile: "/etc/hook", authorizationWebhookVersion: "v1" };
    expect(authorizationFromFlags(settings(hook)).authorizers[1]).toMatchObject({
      type: "Webhook",
      name: "webhook",
      webhook: { authorizedTTL: "5m", unauthorizedTTL: "30s", subjectAccessReviewVersion: "v1", connectionInfo: { kubeConfigFile: "/etc/hook" } },
    });
  });

  it.each<[Record<string, unknown>, string]>([
    [{ authorizationMode: "Magic" }, '--authorization-mode: "Magic" is not one of ABAC, AlwaysAllow'],
    [{ authorizationMode: "RBAC,RBAC" }, "--authorization-mode names RBAC twice"],
    [{ authorizationMode: "," }, "--authorization-mode must name at least one mode"],
    [{ authorizationMode: "Webhook" }, "--authorization-mode Webhook needs --authorization-webhook-config-file"],
    [{ authorizationMode: "ABAC" }, "--authorization-mode ABAC needs --authorization-policy-file"],
    [{ authorizationPolicyFile: "/x" }, "--authorization-policy-file needs --authorization-mode ABAC"],
  ])("must fit together: %o", (flags, why) => {
    expect(() => authorizationFromFlags(settings(flags))).toThrow(why);
  });

  it("change with their file, as far as they may", async () => {
    const config = (...types: readonly string[]): string =>
      JSON.stringify({
        apiVersion: "apiserver.config.k8s.io/v1",
        kind: "AuthorizationConfiguration",
        authorizers: types.map((type) => ({ type, name: type.toLowerCase() })),
      });
    const path = file("authorization.yaml", config("RBAC"));
    const content = { text: config("RBAC") as string | undefined };
    const given = deps(content);
    const { authorizer: make, run } = openAuthorization(settings({ authorizationConfig: path }), given);
    const nothing = { authorize: () => ({ verdict: "no-opinion" }) as const };
    const authorizer = make({ node: nothing, rbac: nothing });
    const stop = new AbortController();
    const running = run(stop.signal);
    const verdict = async (): Promise<string> => {
      const user = { name: "a", groups: [] };
      const attributes = { user, verb: "get", group: "", version: "v1", resource: "pods", subresource: "", namespace: "", name: "", path: "", isResource: true };
      return (await authorizer.authorize(attributes)).verdict;
    };
    expect(await verdict()).toBe("no-opinion");
    content.text = config("RBAC", "AlwaysAllow");
    await given.clock.advance(5_000);
    expect(await verdict()).toBe("allow");
    for (const bad of ["{", config("AlwaysDeny"), config("RBAC", "Node"), undefined, config("RBAC", "Magic")]) {
      content.text = bad;
      await given.clock.advance(5_000);
      expect(await verdict()).toBe("allow");
    }
    content.text = config("AlwaysDeny", "RBAC");
    await given.clock.advance(5_000);
    expect(await verdict()).toBe("no-opinion");
    stop.abort();
    await running;
    expect(() => openAuthorization(settings({ authorizationConfig: path, authorizationMode: "RBAC" }), given)).toThrow(
      "--authorization-config and --authorization-mode exclude each other",
    );
  });
});

describe("a file that is followed", () => {
  it("is taken in once for each change, and counted", async () => {
    const content = { text: "a" as string | undefined };
    const { clock, files, log } = deps(content);
    const used: string[] = [];
    const counted: string[] = [];
    const reloads = { inc: ([status = ""]: readonly string[] = []) => void counted.push(status) };
    const use = (text: string): void => {
      if (text === "bad") throw new Error("bad");
      used.push(text);
    };
    const stop = new AbortController();
    const running = followFile({ path: "/f", text: "a", use }, { files, clock, log, reloads }, stop.signal);
    for (const text of ["a", "b", "b", undefined, "bad", "bad", "c"]) {
      content.text = text;
      await clock.advance(5_000);
    }
    stop.abort();
    await running;
    expect(used).toEqual(["b", "c"]);
    expect(counted).toEqual(["success", "failure", "success"]);
  });
});
