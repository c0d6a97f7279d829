import { describe, expect, it } from "vitest";
import type { UserInfo } from "../../../meta/wire.ts";
import type { AuthorizationAttributes } from "../../authz/authorizer.ts";
import { impersonationOf } from "./impersonation-headers.ts";
import { Impersonator } from "./impersonator.ts";

const agentOn = (node: string): UserInfo => ({
  name: "system:serviceaccount:kube-system:agent",
  groups: ["system:serviceaccounts"],
  extra: { "authentication.kubernetes.io/node-name": [node], "authentication.kubernetes.io/pod-name": ["agent-x"] },
});
const alice: UserInfo = { name: "alice", groups: ["devs"] };

/** `verb group/resource/subresource namespace/name`, with `*` for anything; what is asked is kept. */
function world(...rights: readonly string[]) {
  const asked: AuthorizationAttributes[] = [];
  const textOf = ({ verb, group, resource, subresource, namespace, name }: AuthorizationAttributes): string => `${verb} ${group}/${resource}/${subresource} ${namespace}/${name}`;
  const allows = (right: string, text: string): boolean => new RegExp(`^${right.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^ /]*")}$`).test(text);
  const authorizer = {
    authorize: (attributes: AuthorizationAttributes) => {
      asked.push(attributes);
      return rights.some((right) => allows(right, textOf(attributes))) ? ({ verdict: "allow" } as const) : ({ verdict: "no-opinion" } as const);
    },
  };
  const impersonator = new Impersonator({ authorizer });
  const act = (headers: Readonly<Record<string, string>>, caller = alice, verb = "list") => {
    const wanted = impersonationOf({ headers });
    if (wanted === undefined) throw new Error("nobody is impersonated");
    return impersonator.actAs(wanted, {
      user: caller,
      verb,
      group: "",
      version: "v1",
      resource: "pods",
      subresource: "",
      namespace: "team",
      name: "",
      path: "/api/v1/namespaces/team/pods",
      isResource: true,
    });
  };
  return { act, asked, texts: () => asked.map(textOf) };
}

describe("constrained impersonation", () => {
  it("needs the right to be the user, and the right to do just this as one", async () => {
    const rights = ["impersonate:user-info authentication.k8s.io/users/ /bob", "impersonate-on:user-info:list /pods/ team/"];
    expect(await world(...rights).act({ "impersonate-user": "bob" })).toEqual({ user: { name: "bob", groups: ["system:authenticated"] }, constraint: "impersonate:user-info" });
    for (const [index] of rights.entries()) await expect(world(...rights.toSpliced(index, 1)).act({ "impersonate-user": "bob" })).rejects.toThrow("forbidden");
    await expect(world(...rights).act({ "impersonate-user": "bob" }, alice, "delete")).rejects.toThrow(
      'pods is forbidden: User "alice" cannot impersonate-on:user-info:delete resource "pods" in API group "" in the namespace "team"',
    );
    await expect(world(...rights).act({ "impersonate-user": "carol" })).rejects.toThrow(
      'users.authentication.k8s.io "carol" is forbidden: User "alice" cannot impersonate:user-info resource "users" in API group "authentication.k8s.io" at the cluster scope',
    );
  });

  it("asks for groups, the uid and extras too", async () => {
    const headers = { "impersonate-user": "bob", "impersonate-group": "a, b", "impersonate-uid": "7", "impersonate-extra-example.org%2fteam": "x" };
    const { act, texts } = world("impersonate:user-info */*/* */*", "impersonate:user-info */userextras/example.org/team /x", "impersonate-on:* */*/* */*");
    expect(await act(headers)).toEqual({
      user: { name: "bob", uid: "7", groups: ["a", "b", "system:authenticated"], extra: { "example.org/team": ["x"] } },
      constraint: "impersonate:user-info",
    });
    expect(texts().slice(1)).toEqual([
      "impersonate:user-info authentication.k8s.io/users/ /bob",
      "impersonate:user-info authentication.k8s.io/uids/ /7",
      "impersonate:user-info authentication.k8s.io/groups/ /a",
      "impersonate:user-info authentication.k8s.io/groups/ /b",
      "impersonate:user-info authentication.k8s.io/userextras/example.org/team /x",
    ]);
  });

  it("asks once for many groups", async () => {
    const { act, texts } = world("impersonate-on:* */*/* */*", "impersonate:user-info */*/* */*");
    await act({ "impersonate-user": "bob", "impersonate-group": "a, b, c, d" });
    expect(texts().slice(2)).toEqual(["impersonate:user-info authentication.k8s.io/groups/ /*"]);
  });

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ["system:masters", { "impersonate-group": "system:masters" }, "impersonating the system:masters group is not allowed"],
    [
      "a key that is no path",
      { "impersonate-extra-team": "x" },
      'impersonating an invalid key in extra is not allowed: extra.key: Invalid value: "team": must be a domain-prefixed path',
    ],
    ["an empty key", { "impersonate-extra-": "x" }, "impersonating the empty string key in extra is not allowed"],
    ["an empty value", { "impersonate-extra-example.org%2fteam": "" }, "impersonating the empty string value in extra is not allowed"],
  ])("never gives %s", async (_, headers, why) => {
    const { act } = world("impersonate:* */*/* */*", "impersonate-on:* */*/* */*");
    await expect(act({ "impersonate-user": "bob", ...headers })).rejects.toThrow(why);
  });

  it("makes service accounts of service accounts, and nodes of nodes, by their names alone", async () => {
    const all = ["impersonate:* */*/* */*", "impersonate-on:* */*/* */*"];
    expect(await world(...all).act({ "impersonate-user": "system:serviceaccount:team:robot" })).toEqual({
      user: { name: "system:serviceaccount:team:robot", groups: ["system:serviceaccounts", "system:serviceaccounts:team", "system:authenticated"] },
      constraint: "impersonate:serviceaccount",
    });
    expect(await world(...all).act({ "impersonate-user": "system:node:n1" })).toEqual({
      user: { name: "system:node:n1", groups: ["system:nodes", "system:authenticated"] },
      constraint: "impersonate:arbitrary-node",
    });
    for (const user of ["system:serviceaccount:team:robot", "system:node:n1"])
      await expect(world(...all).act({ "impersonate-user": user, "impersonate-group": "x" })).rejects.toThrow("impersonate");
    const asUser = world("impersonate:user-info */*/* */*", "impersonate-on:user-info:* */*/* */*");
    await expect(asUser.act({ "impersonate-user": "system:node:n1" })).rejects.toThrow("impersonate-on:arbitrary-node:list");
    expect((await asUser.act({ "impersonate-user": "system:node:Not_A_Node" })).constraint).toBe("impersonate:user-info");
  });

  it("lets an agent be the node that its pod runs on, and no other", async () => {
    const { act, asked } = world("impersonate:associated-node authentication.k8s.io/nodes/ /*", "impersonate-on:associated-node:list /pods/ team/");
    expect(await act({ "impersonate-user": "system:node:n1" }, agentOn("n1"))).toEqual({
      user: { name: "system:node:n1", groups: ["system:nodes", "system:authenticated"] },
      constraint: "impersonate:associated-node",
    });
    expect(asked.map(({ user, name }) => [user.extra, name])).toEqual([
      [{ "authentication.kubernetes.io/associated-node-keys": ["authentication.kubernetes.io/node-name", "authentication.kubernetes.io/pod-name"] }, ""],
      [{ "authentication.kubernetes.io/associated-node-keys": ["authentication.kubernetes.io/node-name", "authentication.kubernetes.io/pod-name"] }, "*"],
    ]);
    await expect(act({ "impersonate-user": "system:node:n2" }, agentOn("n1"))).rejects.toThrow("impersonate-on:");
    await expect(act({ "impersonate-user": "system:node:n1" }, { ...agentOn("n1"), name: "alice" })).rejects.toThrow("impersonate-on:arbitrary-node:list");
  });
});

describe("the old right to impersonate", () => {
  it("holds for everything, is tried last, and first for who used it before", async () => {
    const { act, texts } = world("impersonate /users/ /bob");
    expect(await act({ "impersonate-user": "bob" })).toEqual({ user: { name: "bob", groups: ["system:authenticated"] } });
    expect(texts()).toEqual(["impersonate-on:user-info:list /pods/ team/", "impersonate /users/ /bob"]);
    await act({ "impersonate-user": "bob" });
    expect(texts()).toHaveLength(3);
    await expect(act({ "impersonate-user": "carol" })).rejects.toThrow(
      'users "carol" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
  });

  it("makes a node a plain user", async () => {
    const { act } = world("impersonate /users/ /*");
    expect(await act({ "impersonate-user": "system:node:n1" })).toEqual({ user: { name: "system:node:n1", groups: ["system:authenticated"] } });
  });
});

describe("headers", () => {
  it("keep what came apart, and name a user", () => {
    const values = (name: string): readonly string[] => (name === "impersonate-group" ? ["a, b", "c"] : []);
    expect(impersonationOf({ headers: { "impersonate-user": "bob", "impersonate-group": "a, b, c" }, values })?.groups).toEqual(["a, b", "c"]);
    expect(impersonationOf({ headers: { accept: "*/*" } })).toBeUndefined();
    expect(() => impersonationOf({ headers: { "impersonate-uid": "7" } })).toThrow("without impersonating a user name");
    expect(() => impersonationOf({ headers: { "impersonate-extra-a": "7" } })).toThrow("without impersonating a user name");
  });
});
