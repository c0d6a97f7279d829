import { afterEach, expect, it } from "vitest";
import { secrets, serviceAccounts, tokenReviews } from "../../src/api/generated/resources.ts";
import { controllersWorld, type World } from "./controllers-world.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});
const namespace = "default";
const token = "kubernetes.io/service-account-token";

async function begin() {
  world = await controllersWorld();
  const { client, settle } = world;
  await client.create(serviceAccounts, { metadata: { name: "robot" } }, { namespace });
  await client.create(secrets, { metadata: { name: "s", annotations: { "kubernetes.io/service-account.name": "robot" } }, type: token }, { namespace });
  await settle();
  const textOf = async (): Promise<string> => atob((await client.get(secrets, "s", { namespace })).data?.["token"] ?? "");
  const review = async (text: string) => (await client.create(tokenReviews, { metadata: {}, spec: { token: text } })).status;
  return { ...world, textOf, review };
}

it("fills a secret that names an account, with a token that lets in", async () => {
  const { client, settle, textOf, review } = await begin();
  const made = await client.get(secrets, "s", { namespace });
  expect([atob(made.data?.["ca.crt"] ?? ""), atob(made.data?.["namespace"] ?? "")]).toEqual(["PEM", "default"]);
  const { uid } = (await client.get(serviceAccounts, "robot", { namespace })).metadata;
  expect(await review(await textOf())).toMatchObject({
    authenticated: true,
    user: { username: "system:serviceaccount:default:robot", uid, groups: expect.arrayContaining(["system:serviceaccounts:default"]) as string[] },
  });
  await settle();
  expect((await client.get(secrets, "s", { namespace })).metadata.labels).toHaveProperty(["kubernetes.io/legacy-token-last-used"], "2026-01-01");
  expect(world?.complaints).toEqual([]);
});

it("lets nobody in with a token that is changed, marked, or gone from its secret", async () => {
  const { client, settle, textOf, review } = await begin();
  const text = await textOf();
  expect((await review(`${text.slice(0, -4)}AAAA`))?.authenticated).not.toBe(true);
  const made = await client.get(secrets, "s", { namespace });
  await client.update(secrets, { ...made, metadata: { ...made.metadata, labels: { "kubernetes.io/legacy-token-invalid-since": "2025-12-01" } } }, { namespace });
  expect(await review(text)).toMatchObject({ error: expect.stringContaining("has been marked invalid") as string });
  const marked = await client.get(secrets, "s", { namespace });
  await client.update(secrets, { ...marked, metadata: { ...marked.metadata, labels: {} } }, { namespace });
  expect((await review(text))?.authenticated).toBe(true);
  await client.delete(secrets, "s", { namespace });
  await settle();
  expect((await review(text))?.authenticated).not.toBe(true);
});

it("deletes a secret with its account, and not one whose account comes again", async () => {
  const { client, settle, textOf, review } = await begin();
  const text = await textOf();
  await client.delete(serviceAccounts, "robot", { namespace });
  await settle();
  await expect(client.get(secrets, "s", { namespace })).rejects.toThrow("not found");
  await client.create(serviceAccounts, { metadata: { name: "robot" } }, { namespace });
  await settle();
  expect((await review(text))?.authenticated).not.toBe(true);
  await client.create(secrets, { metadata: { name: "nobody", annotations: { "kubernetes.io/service-account.name": "stranger" } }, type: token }, { namespace });
  await settle();
  await expect(client.get(secrets, "nobody", { namespace })).rejects.toThrow("not found");
});
