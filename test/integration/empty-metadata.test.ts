import { afterAll, beforeAll, expect, it } from "vitest";
import { type ServedCluster, serveCluster } from "./served-cluster.ts";

let cluster: ServedCluster;
const as = { name: "root", groups: ["system:masters"] };
const path = "/api/v1/namespaces/default/configmaps";
const empty = { labels: {}, annotations: {}, finalizers: [], ownerReferences: [] };
const shown = (metadata: object): readonly string[] => Object.keys(metadata).filter((name) => name in empty);

beforeAll(async () => {
  cluster = await serveCluster();
});
afterAll(() => cluster.stop());

it("nothing is kept of metadata without anything in it", async () => {
  const made = await cluster.ask("POST", path, { as, body: { metadata: { name: "a", ...empty }, data: { a: "1" } } });
  expect([made.status, shown(made.body.metadata)]).toEqual([201, []]);
  const filled = { labels: { a: "b" }, annotations: { c: "d" }, finalizers: ["e.f/g"] };
  const grown = await cluster.ask("PUT", `${path}/a`, { as, body: { ...made.body, metadata: { ...made.body.metadata, ...filled } } });
  expect(shown(grown.body.metadata).toSorted()).toEqual(["annotations", "finalizers", "labels"]);
  const shrunk = await cluster.ask("PUT", `${path}/a`, { as, body: { ...grown.body, metadata: { ...grown.body.metadata, ...empty } } });
  expect([shrunk.status, shown(shrunk.body.metadata)]).toEqual([200, []]);
  const same = await cluster.ask("PATCH", `${path}/a`, { as, headers: { "content-type": "application/merge-patch+json" }, body: { metadata: empty } });
  expect(same.body.metadata.resourceVersion).toBe(shrunk.body.metadata.resourceVersion);
});

it("nor of empty lists and maps of a specification, however they come", async () => {
  const url = "/apis/apps/v1/namespaces/default/deployments";
  const template = (spec: object): object => ({
    metadata: { labels: { app: "a" } },
    spec: { containers: [{ name: "a", image: "a", env: [], volumeMounts: [], command: [] }], ...spec },
  });
  const empties = { volumes: [], tolerations: [], nodeSelector: {}, imagePullSecrets: [], topologySpreadConstraints: [] };
  const deployment = (spec: object): object => ({ metadata: { name: "a" }, spec: { selector: { matchLabels: { app: "a" }, matchExpressions: [] }, template: template(spec) } });
  const made = await cluster.ask("POST", url, { as, body: deployment(empties) });
  expect(made.status).toBe(201);
  expect(JSON.stringify(made.body.spec)).not.toMatch(/\[\]|matchExpressions|nodeSelector/);
  const applied = await cluster.ask("PATCH", `${url}/b?fieldManager=me`, {
    as,
    headers: { "content-type": "application/apply-patch+yaml" },
    body: { apiVersion: "apps/v1", kind: "Deployment", ...deployment(empties), metadata: { name: "b" } },
  });
  expect(applied.status).toBe(201);
  expect(JSON.stringify(applied.body.spec)).not.toMatch(/\[\]|matchExpressions|nodeSelector/);
  const filled = await cluster.ask("PUT", `${url}/a`, {
    as,
    body: { ...made.body, spec: { ...made.body.spec, template: template({ tolerations: [{ key: "a", operator: "Exists" }] }) } },
  });
  expect(filled.body.spec.template.spec.tolerations).toHaveLength(1);
  const patch = [{ op: "replace", path: "/spec/template/spec/tolerations", value: [] }];
  const cleared = await cluster.ask("PATCH", `${url}/a`, { as, headers: { "content-type": "application/json-patch+json" }, body: patch });
  expect([cleared.status, "tolerations" in cleared.body.spec.template.spec, cleared.body.metadata.generation]).toEqual([200, false, 3]);
});
