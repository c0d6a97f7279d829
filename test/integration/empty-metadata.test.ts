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
