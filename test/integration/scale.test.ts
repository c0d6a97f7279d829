import { afterAll, beforeAll, expect, it } from "vitest";
import { fittingObject } from "./fitting-objects.ts";
import { serveCluster, type ServedCluster } from "./served-cluster.ts";

const as = { name: "root", groups: ["system:masters"] };
const url = "/apis/apps/v1/namespaces/default/deployments";
let cluster: ServedCluster;

beforeAll(async () => {
  cluster = await serveCluster();
  await cluster.ask("POST", url, { as, body: fittingObject({ group: "apps", version: "v1", resource: "deployments", kind: "Deployment" }, 1) });
});
afterAll(() => cluster.stop());

const applyScale = (manager: string, spec: object | undefined, query = "") =>
  cluster.ask("PATCH", `${url}/n1/scale?fieldManager=${manager}${query}`, {
    as,
    headers: { "content-type": "application/apply-patch+yaml" },
    body: { apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name: "n1" }, ...(spec === undefined ? {} : { spec }) },
  });

it("a Scale that is applied owns the replicas of what scales, and others meet it there", async () => {
  // Whoever made the deployment owns the default that it was given.
  expect((await applyScale("first", { replicas: 3 })).status).toBe(409);
  expect((await applyScale("first", { replicas: 3 }, "&force=true")).body).toMatchObject({ kind: "Scale", spec: { replicas: 3 } });
  const { body: deployment } = await cluster.ask("GET", `${url}/n1`, { as });
  expect(deployment.spec.replicas).toBe(3);
  expect(deployment.metadata.managedFields).toContainEqual({
    manager: "first",
    operation: "Apply",
    apiVersion: "apps/v1",
    time: expect.any(String),
    fieldsType: "FieldsV1",
    fieldsV1: { "f:spec": { "f:replicas": {} } },
    subresource: "scale",
  });
  const { status, body } = await applyScale("second", { replicas: 4 });
  expect([status, body.reason]).toEqual([409, "Conflict"]);
  expect(body.message).toContain(".spec.replicas");
  expect(body.message).toContain('"first"');
  expect((await applyScale("second", { replicas: 3 })).status).toBe(200);
  expect((await cluster.ask("GET", `${url}/n1/scale`, { as })).body.spec.replicas).toBe(3);
});

it("a Scale is shown as a table of its own", async () => {
  const { body } = await cluster.ask("GET", `${url}/n1/scale`, { as, headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" } });
  expect(body.columnDefinitions.map(({ name }: { readonly name: string }) => name)).toEqual(["Name", "Desired", "Available", "Age"]);
  expect(body.rows[0].cells.slice(0, 3)).toEqual(["n1", 3, 0]);
});

it("a Scale is applied by somebody with a name, and fits", async () => {
  const headers = { "content-type": "application/apply-patch+yaml" };
  const scale = { apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name: "n1" }, spec: { replicas: 1 } };
  const nameless = await cluster.ask("PATCH", `${url}/n1/scale`, { as, headers, body: scale });
  expect([nameless.status, nameless.body.message]).toEqual([422, 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch']);
  expect((await applyScale("first", { replicas: -1 })).status).toBe(422);
});
