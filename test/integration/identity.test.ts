import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clusterRoleBindings, clusterRoles, namespaces, roleBindings, roles, secrets, serviceAccounts } from "../../src/api/generated/resources.ts";
import { type Person, serveCluster, type ServedCluster } from "./served-cluster.ts";

let cluster: ServedCluster;
const alice: Person = { name: "alice", groups: ["devs"] };

beforeAll(async () => {
  cluster = await serveCluster();
  await cluster.admin.create(namespaces, { metadata: { name: "team" } });
  await cluster.admin.create(roles, {
    metadata: { name: "reader", namespace: "team" },
    rules: [{ verbs: ["get", "list"], apiGroups: [""], resources: ["pods"] }],
  });
  await cluster.admin.create(roleBindings, {
    metadata: { name: "devs-read", namespace: "team" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" },
    subjects: [{ kind: "Group", apiGroup: "rbac.authorization.k8s.io", name: "devs" }],
  });
});
afterAll(() => cluster.stop());

describe("access reviews", () => {
  const url = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const review = (spec: unknown): unknown => ({ apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec });

  it("tells someone what they may do, and why", async () => {
    const spec = { resourceAttributes: { namespace: "team", verb: "list", resource: "pods" } };
    const { status, body } = await cluster.ask("POST", url, { as: alice, body: review(spec) });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      kind: "SelfSubjectAccessReview",
      spec,
      status: { allowed: true, reason: 'RBAC: allowed by RoleBinding "devs-read/team" of Role "reader" to Group "devs"' },
    });
  });

  it.each([
    ["another verb", { resourceAttributes: { namespace: "team", verb: "delete", resource: "pods" } }],
    ["another namespace", { resourceAttributes: { namespace: "default", verb: "list", resource: "pods" } }],
    ["a path", { nonResourceAttributes: { verb: "get", path: "/metrics" } }],
  ])("says no to %s", async (_, spec) => {
    const { body } = await cluster.ask("POST", url, { as: alice, body: review(spec) });
    expect(body.status).toEqual({ allowed: false });
  });

  it("refuses questions that are none", async () => {
    const none = await cluster.ask("POST", url, { as: alice, body: review({}) });
    expect(none.status).toBe(422);
    expect(none.body.message).toContain("spec.resourceAttributes: Invalid value: ");
    expect(none.body.message).toContain("exactly one of nonResourceAttributes or resourceAttributes must be specified");
    expect((await cluster.ask("GET", url, { as: { name: "root", groups: ["system:masters"] } })).status).toBe(405);
  });

  it("tells administrators what others may do, in the namespace that they name", async () => {
    const root = { name: "root", groups: ["system:masters"] };
    const spec = { user: "bob", groups: ["devs"], resourceAttributes: { namespace: "team", verb: "get", resource: "pods" } };
    const one = await cluster.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", { as: root, body: { spec } });
    expect(one.body.status.allowed).toBe(true);
    const local = "/apis/authorization.k8s.io/v1/namespaces/team/localsubjectaccessreviews";
    expect((await cluster.ask("POST", local, { as: root, body: { spec } })).body).toMatchObject({ metadata: { namespace: "team" }, status: { allowed: true } });
    const elsewhere = { ...spec, resourceAttributes: { ...spec.resourceAttributes, namespace: "default" } };
    expect((await cluster.ask("POST", local, { as: root, body: { spec: elsewhere } })).body.message).toContain("must match metadata.namespace");
    expect((await cluster.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", { as: alice, body: { spec } })).status).toBe(403);
  });

  it("lists all rules that hold in a namespace", async () => {
    const { body } = await cluster.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", { as: alice, body: { spec: { namespace: "team" } } });
    expect(body.status.incomplete).toBe(false);
    expect(body.status.resourceRules).toContainEqual({ verbs: ["get", "list"], apiGroups: [""], resources: ["pods"] });
    expect(body.status.nonResourceRules.flatMap(({ nonResourceURLs }: { readonly nonResourceURLs: string[] }) => nonResourceURLs)).toContain("/healthz");
  });
});

describe("identity reviews", () => {
  it("tells someone who they are", async () => {
    const { status, body } = await cluster.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", { as: alice, body: {} });
    expect(status).toBe(201);
    expect(body.status.userInfo).toEqual({
      username: "alice",
      groups: ["devs", "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": ["X509SHA256=ab"] },
    });
  });

  it("tells whose a token is, for whom it is meant", async () => {
    await cluster.admin.create(serviceAccounts, { metadata: { name: "robot", namespace: "team" } });
    const root = { name: "root", groups: ["system:masters"] };
    const { body: issued } = await cluster.ask("POST", "/api/v1/namespaces/team/serviceaccounts/robot/token", { as: root, body: { spec: { audiences: ["vault"] } } });
    const review = (spec: unknown): Promise<{ readonly body: { readonly status: unknown } }> =>
      cluster.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", { as: root, body: { spec } });
    const { token } = issued.status;
    expect((await review({ token, audiences: ["vault", "other"] })).body.status).toMatchObject({
      authenticated: true,
      audiences: ["vault"],
      user: { username: "system:serviceaccount:team:robot", groups: ["system:serviceaccounts", "system:serviceaccounts:team", "system:authenticated"] },
    });
    expect((await review({ token })).body.status).toEqual({ user: {}, error: "invalid bearer token" });
    expect((await review({ token: "nonsense" })).body.status).toEqual({ user: {}, error: "invalid bearer token" });
    // A token for others opens nothing here.
    expect((await cluster.ask("GET", "/api/v1/pods", { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
  });

  it("takes a bearer token from a header and from a WebSocket's protocols", async () => {
    const root = { name: "root", groups: ["system:masters"] };
    const { body: issued } = await cluster.ask("POST", "/api/v1/namespaces/team/serviceaccounts/robot/token", { as: root, body: { spec: {} } });
    const { token } = issued.status;
    const whoami = (headers: { readonly [name: string]: string }): ReturnType<typeof cluster.ask> =>
      cluster.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", { headers, body: {} });
    for (const headers of [
      { authorization: `Bearer ${token}` },
      { "sec-websocket-protocol": `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString("base64url")}, v5.channel.k8s.io` },
    ])
      expect((await whoami(headers)).body.status.userInfo.username).toBe("system:serviceaccount:team:robot");
    expect((await whoami({ authorization: "Bearer nonsense" })).status).toBe(401);
  });
});

describe("tokens", () => {
  const whoami = async (token: string): Promise<unknown> => {
    const { status, body } = await cluster.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", { headers: { authorization: `Bearer ${token}` }, body: {} });
    return status === 201 ? body.status.userInfo : status;
  };

  it("come from a file", async () => {
    expect(await whoami("letmein")).toEqual({ username: "dave", uid: "7", groups: ["devs", "ops", "system:authenticated"] });
    expect(await whoami("letmei")).toBe(401);
  });

  it("let nodes join, until they expire", async () => {
    const soon = new Date(cluster.clock.now() + 60_000).toISOString();
    const stringData = {
      "token-id": "abcdef",
      "token-secret": "0123456789abcdef",
      "usage-bootstrap-authentication": "true",
      "auth-extra-groups": "system:bootstrappers:workers",
      expiration: soon,
    };
    await cluster.admin.create(secrets, { metadata: { name: "bootstrap-token-abcdef", namespace: "kube-system" }, type: "bootstrap.kubernetes.io/token", stringData });
    expect(await whoami("abcdef.0123456789abcdef")).toEqual({
      username: "system:bootstrap:abcdef",
      groups: ["system:bootstrappers", "system:bootstrappers:workers", "system:authenticated"],
    });
    expect(await whoami("abcdef.0123456789abcdee")).toBe(401);
    expect(await whoami("abcdeg.0123456789abcdef")).toBe(401);
    await cluster.clock.advance(61_000);
    expect(await whoami("abcdef.0123456789abcdef")).toBe(401);
  });

  it("can be checked by others, with the keys of the issuer", async () => {
    const as = { name: "system:serviceaccount:team:robot", groups: ["system:serviceaccounts"] };
    const { body } = await cluster.ask("GET", "/.well-known/openid-configuration", { as });
    expect(body).toMatchObject({ issuer: "https://kubernetes.default.svc.cluster.local", id_token_signing_alg_values_supported: ["ES256"] });
    const jwks = await cluster.ask("GET", "/openid/v1/jwks", { as });
    expect(jwks.body.keys).toEqual([expect.objectContaining({ kty: "EC", use: "sig", alg: "ES256" })]);
    expect(jwks.body.keys[0]).not.toHaveProperty("d");
    expect((await cluster.ask("GET", "/openid/v1/jwks")).status).toBe(403);
  });
});

describe("impersonation", () => {
  const whoami = (as: Person, headers: { readonly [name: string]: string }): ReturnType<typeof cluster.ask> =>
    cluster.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", { as, headers, body: {} });
  const root = { name: "root", groups: ["system:masters"] };

  it.each([
    ["a user", { "impersonate-user": "bob" }, { username: "bob", groups: ["system:authenticated"] }],
    ["groups", { "impersonate-user": "bob", "impersonate-group": "a, b" }, { username: "bob", groups: ["a", "b", "system:authenticated"] }],
    [
      "a service account",
      { "impersonate-user": "system:serviceaccount:team:robot" },
      { username: "system:serviceaccount:team:robot", groups: ["system:serviceaccounts", "system:serviceaccounts:team", "system:authenticated"] },
    ],
    [
      "a uid and extras",
      { "impersonate-user": "bob", "impersonate-uid": "7", "impersonate-extra-example.com%2fscope": "x, y" },
      { username: "bob", uid: "7", groups: ["system:authenticated"], extra: { "example.com/scope": ["x", "y"] } },
    ],
  ])("takes on %s", async (_, headers, expected) => {
    expect((await whoami(root, headers as { readonly [name: string]: string })).body.status.userInfo).toEqual(expected);
  });

  it("is the anonymous user without standing", async () => {
    // system:basic-user is for the authenticated: the anonymous user may not even ask who it is.
    expect((await whoami(root, { "impersonate-user": "system:anonymous" })).body.message).toBe(
      'selfsubjectreviews.authentication.k8s.io is forbidden: User "system:anonymous" cannot create resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope',
    );
  });

  it("asks for each part", async () => {
    await cluster.admin.create(clusterRoles, { metadata: { name: "act" }, rules: [{ verbs: ["impersonate"], apiGroups: [""], resources: ["users"], resourceNames: ["bob"] }] });
    await cluster.admin.create(clusterRoleBindings, {
      metadata: { name: "act" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "act" },
      subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "alice" }],
    });
    expect((await whoami(alice, { "impersonate-user": "bob" })).body.status.userInfo.username).toBe("bob");
    expect((await whoami(alice, { "impersonate-user": "carol" })).body).toMatchObject({
      code: 403,
      message: 'users "carol" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at the cluster scope',
    });
    expect((await whoami(alice, { "impersonate-user": "bob", "impersonate-group": "system:masters" })).body.message).toBe(
      'groups "system:masters" is forbidden: User "alice" cannot impersonate resource "groups" in API group "" at the cluster scope',
    );
    expect((await whoami(alice, { "impersonate-user": "bob", "impersonate-uid": "7" })).body.message).toContain('resource "uids" in API group "authentication.k8s.io"');
  });

  it("needs a user", async () => {
    const { status, body } = await whoami(root, { "impersonate-group": "a" });
    expect(status).toBe(400);
    expect(body.message).toContain("without impersonating a user name");
  });
});
