import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/log.ts";
import { noMetrics } from "../../src/base/metrics.ts";
import { makeKubeconfig } from "../../src/client/kubeconfig.ts";
import { openAuthentication } from "../../src/cluster/identity/open-authentication.ts";
import { openAuthorization } from "../../src/cluster/identity/open-authorization.ts";
import { type KeyPair, makeAuthority, makeLeaf } from "../../src/cluster/pki/certificates.ts";
import { readSettings, type Settings } from "../../src/cluster/settings.ts";
import { toYaml } from "../../src/meta/yaml-codec.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import { nodeFiles } from "../../src/platform/node/files.ts";
import { nodeHttpsRequests } from "../../src/platform/node/https-requests.ts";
import { nodePublicKeys } from "../../src/platform/node/public-keys.ts";
import { systemRandom } from "../../src/platform/node/random.ts";
import { Listener } from "../../src/server/http/listener.ts";
import { jwkOf, keyPairFor, signToken } from "../support/trial-issuer.ts";
import { TrialHttps } from "../support/trial-https.ts";
import { serveCluster, type ServedCluster } from "./served-cluster.ts";

/** A served cluster with every way of proving identity and of deciding permission that can be asked for, over real HTTPS. */
const folder = mkdtempSync(join(tmpdir(), "keles-identity-"));
const closing: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
const nowMs = Date.now();
const signing = keyPairFor("RS256");
const whoPath = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

let clients: KeyPair;
let proxies: KeyPair;
let issuer: TrialHttps;
let tokens: TrialHttps;
let decider: TrialHttps;
let cluster: ServedCluster;
let port = 0;

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};
const leafOf = (authority: KeyPair, commonName: string, organizations: readonly string[] = []): Promise<KeyPair> =>
  makeLeaf(authority, { commonName, organizations, usage: "client", days: 1, nowMs });

beforeAll(async () => {
  clients = await makeAuthority("clients", { days: 1, nowMs });
  proxies = await makeAuthority("proxies", { days: 1, nowMs });
  const outside = await makeAuthority("outside", { days: 1, nowMs });
  issuer = await TrialHttps.start(outside, ({ path }, url) => {
    if (path === "/.well-known/openid-configuration") return { issuer: url, jwks_uri: `${url}/keys` };
    return path === "/keys" ? { keys: [jwkOf(signing, "k1")] } : undefined;
  });
  tokens = await TrialHttps.start(outside, ({ body }) => {
    const { apiVersion, kind, spec } = body as { readonly apiVersion: string; readonly kind: string; readonly spec: { readonly token: string } };
    const known = spec.token === "hook-token";
    return {
      apiVersion,
      kind,
      status: known ? { authenticated: true, user: { username: "hooked", uid: "u1", groups: ["outside"], extra: { "example.org/a": ["b"] } } } : { authenticated: false },
    };
  });
  decider = await TrialHttps.start(outside, ({ body }) => {
    const { apiVersion, kind, spec } = body as {
      readonly apiVersion: string;
      readonly kind: string;
      readonly spec: { readonly user: string; readonly resourceAttributes?: { readonly resource: string } };
    };
    const isPods = spec.resourceAttributes?.resource === "pods";
    return { apiVersion, kind, status: { allowed: spec.user === "hooked" && isPods, denied: spec.user === "oidc:mallory", reason: `the decider knows ${spec.user}` } };
  });
  const own = await leafOf(outside, "api-server");
  const kubeconfigOf = (name: string, url: string): string =>
    file(name, toYaml(makeKubeconfig({ cluster: "c", user: "u", url, ca: outside.certificate, certificate: own.certificate, privateKey: own.privateKey })));
  const settings = readSettings(
    {
      dataDir: folder,
      authenticationConfig: file(
        "authentication.yaml",
        toYaml({
          apiVersion: "apiserver.config.k8s.io/v1",
          kind: "AuthenticationConfiguration",
          jwt: [
            {
              issuer: { url: issuer.url, audiences: ["keles"], certificateAuthority: outside.certificate },
              claimMappings: {
                username: { expression: "'oidc:' + claims.sub" },
                groups: { claim: "groups", prefix: "oidc:" },
                extra: [{ key: "example.org/team", valueExpression: "claims.team" }],
              },
              claimValidationRules: [{ expression: "claims.team != 'banned'", message: "this team may not" }],
            },
          ],
          anonymous: { enabled: true, conditions: [{ path: "/healthz" }] },
        }),
      ),
      authenticationTokenWebhookConfigFile: kubeconfigOf("tokens.yaml", `${tokens.url}/authenticate`),
      authenticationTokenWebhookVersion: "v1",
      tokenAuthFile: file("tokens.csv", 'static-token,carol,c1,"ops,devs"\n'),
      requestheaderClientCaFile: file("proxies.pem", proxies.certificate),
      requestheaderAllowedNames: "our-proxy",
      authorizationConfig: file(
        "authorization.yaml",
        toYaml({
          apiVersion: "apiserver.config.k8s.io/v1",
          kind: "AuthorizationConfiguration",
          authorizers: [
            {
              type: "Webhook",
              name: "decider",
              webhook: {
                timeout: "5s",
                subjectAccessReviewVersion: "v1",
                matchConditionSubjectAccessReviewVersion: "v1",
                failurePolicy: "Deny",
                connectionInfo: { type: "KubeConfigFile", kubeConfigFile: kubeconfigOf("decider.yaml", `${decider.url}/authorize`) },
                matchConditions: [{ expression: "request.user == 'hooked' || request.user.startsWith('oidc:')" }],
              },
            },
            { type: "Node", name: "node" },
            { type: "RBAC", name: "rbac" },
          ],
        }),
      ),
    },
    {},
  );
  await serve(settings);
});
afterAll(async () => {
  for (const close of closing.toReversed()) await close();
});

async function serve(settings: Settings): Promise<void> {
  const requests = nodeHttpsRequests();
  const deps = { clock: systemClock, random: systemRandom, log: silentLogger, metrics: noMetrics, files: nodeFiles, requests, publicKeys: nodePublicKeys };
  const authentication = openAuthentication(settings, { issuer: "https://kubernetes.default.svc.cluster.local", frontProxyCa: proxies.certificate }, deps);
  cluster = await serveCluster({ authentication, authorization: openAuthorization(settings, deps) });
  const serving = await makeLeaf(clients, { commonName: "server", usage: "server", ips: ["127.0.0.1"], days: 1, nowMs });
  const listener = new Listener(
    { ...serving, clientCa: clients.certificate, frontProxyCa: authentication.frontProxyCa },
    { handle: cluster.api.handle, identities: {}, log: silentLogger },
  );
  ({ port } = await listener.listen({ host: "127.0.0.1", port: 0 }));
  closing.push(
    () => issuer.stop(),
    () => tokens.stop(),
    () => decider.stop(),
    () => requests.close(),
    () => cluster.stop(),
    () => listener.closeGracefully(1_000),
  );
}

interface Reply {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- an answer's shape is what the test is about
  readonly body: any;
}

function ask(
  path: string,
  options: { readonly method?: string; readonly headers?: Record<string, string | string[]>; readonly as?: KeyPair; readonly body?: unknown } = {},
): Promise<Reply> {
  const { method = "GET", headers = {}, as, body } = options;
  return new Promise((resolve, reject) => {
    const identity = as === undefined ? {} : { cert: as.certificate, key: as.privateKey };
    const sent = httpsRequest(
      { host: "127.0.0.1", port, path, method, headers: { "content-type": "application/json", ...headers }, ca: clients.certificate, agent: false, ...identity },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({ status: response.statusCode ?? 0, body: text.startsWith("{") ? JSON.parse(text) : text });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
const whoami = async (headers: Record<string, string | string[]> = {}, as?: KeyPair): Promise<unknown> => {
  const { status, body } = await ask(whoPath, { method: "POST", headers, body: {}, ...(as === undefined ? {} : { as }) });
  return status === 201 ? body.status.userInfo : status;
};
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const jwt = (sub: string, more: object = {}): string => {
  const exp = Math.floor(Date.now() / 1000) + 600;
  return signToken({ iss: issuer.url, aud: "keles", sub, exp, team: "a", groups: ["devs"], jti: "j1", ...more }, { algorithm: "RS256", kid: "k1", pair: signing });
};

describe("a token of an issuer", () => {
  it("opens the API as the user whom it names, and nothing is said to who brings a bad one", async () => {
    expect(await whoami(bearer(jwt("jane")))).toEqual({
      username: "oidc:jane",
      groups: ["oidc:devs", "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": ["JTI=j1"], "example.org/team": ["a"] },
    });
    for (const token of [jwt("jane", { aud: "other" }), jwt("jane", { exp: 1 }), jwt("jane", { team: "banned" }), `${jwt("jane")}x`]) {
      const { status, body } = await ask(whoPath, { method: "POST", headers: bearer(token), body: {} });
      expect([status, body.message]).toEqual([401, "Unauthorized"]);
    }
    expect(issuer.asked.length).toBeLessThanOrEqual(4);
  });

  it("is reviewed with its reason for who may know", async () => {
    const review = async (token: string): Promise<unknown> => {
      const root = { name: "root", groups: ["system:masters"] };
      return (await cluster.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", { as: root, body: { spec: { token } } })).body.status;
    };
    expect(await review(jwt("jane"))).toMatchObject({ authenticated: true, user: { username: "oidc:jane" }, audiences: ["https://kubernetes.default.svc.cluster.local"] });
    expect(await review(jwt("jane", { team: "banned" }))).toEqual({
      user: {},
      error: "oidc: error evaluating claim validation expression: validation expression 'claims.team != 'banned'' failed: this team may not",
    });
    expect(await review("unknown")).toEqual({ user: {}, error: "invalid bearer token" });
  });
});

describe("kubectl", () => {
  const kubectl = (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((path) => join(path, "kubectl"))
    .find((path) => existsSync(path));
  const run = (token: string, ...args: readonly string[]): Promise<{ readonly failed: boolean; readonly text: string }> =>
    new Promise((resolve) => {
      const home = join(folder, "home");
      mkdirSync(home, { recursive: true });
      const ca = file("clients.pem", clients.certificate);
      const flags = [`--server=https://127.0.0.1:${port}`, `--certificate-authority=${ca}`, `--token=${token}`, ...args];
      execFile(kubectl ?? "", flags, { env: { HOME: home, PATH: process.env["PATH"] }, timeout: 15_000 }, (error, stdout, stderr) =>
        resolve({ failed: error !== null, text: stdout + stderr }),
      );
    });

  it.skipIf(kubectl === undefined)("knows who it is, and what it may (kubectl must be in PATH)", async () => {
    const { text } = await run(jwt("jane"), "auth", "whoami", "-o", "json");
    expect(JSON.parse(text).status.userInfo).toMatchObject({ username: "oidc:jane", groups: ["oidc:devs", "system:authenticated"] });
    expect((await run("hook-token", "get", "pods")).text).toContain("No resources found in default namespace.");
    expect((await run("hook-token", "get", "secrets")).text).toContain("Error from server (Forbidden): secrets is forbidden");
    expect((await run("hook-token", "auth", "can-i", "list", "pods")).text).toBe("yes\n");
    expect((await run("nonsense", "get", "pods")).text).toContain("You must be logged in to the server (Unauthorized)");
    const rules = await run("static-token", "auth", "can-i", "--list");
    expect(rules.text).toContain("selfsubjectreviews.authentication.k8s.io");
    expect(rules.text).toContain("webhook authorizer does not support user rule resolution");
  });
});

describe("webhooks", () => {
  it("say whose a token is, and are told who asks", async () => {
    expect(await whoami(bearer("hook-token"))).toEqual({ username: "hooked", uid: "u1", groups: ["outside", "system:authenticated"], extra: { "example.org/a": ["b"] } });
    expect(await whoami(bearer("another"))).toBe(401);
    const [first] = tokens.asked.filter(({ body }) => (body as { spec: { token: string } }).spec.token === "hook-token");
    expect(first).toMatchObject({
      path: "/authenticate",
      caller: "api-server",
      body: { kind: "TokenReview", apiVersion: "authentication.k8s.io/v1", spec: { token: "hook-token", audiences: ["https://kubernetes.default.svc.cluster.local"] } },
    });
    await whoami(bearer("hook-token"));
    await whoami(bearer("another"));
    expect(tokens.asked.filter(({ body }) => (body as { spec: { token: string } }).spec.token === "hook-token")).toHaveLength(1);
    expect(tokens.asked.filter(({ body }) => (body as { spec: { token: string } }).spec.token === "another")).toHaveLength(1);
  });

  it("decide, by the order of the configuration", async () => {
    const pods = "/api/v1/namespaces/default/pods?labelSelector=app%3Dx";
    expect((await ask(pods, { headers: bearer("hook-token") })).status).toBe(200);
    expect(decider.asked.map(({ body }) => (body as { spec: unknown }).spec)).toContainEqual({
      user: "hooked",
      uid: "u1",
      groups: ["outside", "system:authenticated"],
      extra: { "example.org/a": ["b"] },
      resourceAttributes: {
        namespace: "default",
        verb: "list",
        version: "v1",
        resource: "pods",
        labelSelector: { requirements: [{ key: "app", operator: "In", values: ["x"] }] },
      },
    });
    const denied = await ask(whoPath, { method: "POST", headers: bearer(jwt("mallory")), body: {} });
    expect([denied.status, denied.body.message]).toEqual([
      403,
      'selfsubjectreviews.authentication.k8s.io is forbidden: User "oidc:mallory" cannot create resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope: the decider knows oidc:mallory',
    ]);
    // Others are not the webhook's business.
    const before = decider.asked.length;
    expect((await ask("/api/v1/namespaces/default/pods", { headers: bearer("static-token") })).status).toBe(403);
    expect(decider.asked).toHaveLength(before);
  });
});

describe("a token of a file", () => {
  it("stands for its user", async () => {
    expect(await whoami(bearer("static-token"))).toEqual({ username: "carol", uid: "c1", groups: ["ops", "devs", "system:authenticated"] });
  });
});

describe("nobody", () => {
  it("may come where the configuration says", async () => {
    expect((await ask("/healthz")).status).toBe(200);
    expect((await ask("/version")).status).toBe(401);
    expect(await whoami()).toBe(401);
  });
});

describe("a front proxy", () => {
  it("speaks for others, over a connection that its own authority signed", async () => {
    const proxy = await leafOf(proxies, "our-proxy");
    const headers = { "x-remote-user": "dora", "x-remote-uid": "d1", "x-remote-group": ["a, b", "c"], "x-remote-extra-example.org%2fteam": "t" };
    expect(await whoami(headers, proxy)).toEqual({ username: "dora", uid: "d1", groups: ["a, b", "c", "system:authenticated"], extra: { "example.org/team": ["t"] } });
    expect(await whoami({}, proxy)).toBe(401);
    expect(await whoami(headers, await leafOf(proxies, "another"))).toBe(401);
    // Its certificate makes nobody of itself.
    expect(await whoami({}, await leafOf(proxies, "root", ["system:masters"]))).toBe(401);
    expect(await whoami(bearer("static-token"), proxy)).toMatchObject({ username: "carol" });
  });

  it("may speak HTTP/2, and a group may have a comma in its name there too", async () => {
    const proxy = await leafOf(proxies, "our-proxy");
    const session = connect(`https://127.0.0.1:${port}`, { ca: clients.certificate, cert: proxy.certificate, key: proxy.privateKey });
    const groups = ["a, system:masters", "c"];
    const stream = session.request({ ":method": "POST", ":path": whoPath, "content-type": "application/json", "x-remote-user": "dora", "x-remote-group": groups });
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.end("{}");
    await new Promise((resolve, reject) => stream.on("end", resolve).on("error", reject));
    session.close();
    expect(JSON.parse(Buffer.concat(chunks).toString("utf8")).status.userInfo.groups).toEqual([...groups, "system:authenticated"]);
  });

  it("is no one else, whatever headers they send", async () => {
    const erin = await leafOf(clients, "erin", ["team"]);
    const sameName = await leafOf(clients, "our-proxy");
    const plain: readonly [KeyPair | undefined, Record<string, string>, unknown][] = [
      [undefined, {}, await whoami()],
      [erin, {}, await whoami({}, erin)],
      [sameName, {}, await whoami({}, sameName)],
      [undefined, bearer("static-token"), await whoami(bearer("static-token"))],
    ];
    expect(plain.map(([, , who]) => (who as { username?: string }).username)).toEqual([undefined, "erin", "our-proxy", "carol"]);
    const name = fc.constantFrom("x-remote-user", "X-Remote-User", "x-remote-uid", "x-remote-group", "X-REMOTE-GROUP", "x-remote-extra-scopes", "X-Remote-Extra-example.com%2fa");
    const value = fc.oneof(fc.constantFrom("system:masters", "root", "system:admin", "our-proxy"), fc.stringMatching(/^[!-~]{0,12}$/));
    const several = fc.dictionary(name, fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 3 })), { minKeys: 1, maxKeys: 5 });
    await fc.assert(
      fc.asyncProperty(several, fc.constantFrom(...plain), async (headers, [as, proof, expected]) => {
        expect(await whoami({ ...headers, ...proof }, as)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});
