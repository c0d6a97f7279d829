import { afterAll, beforeAll, expect, it } from "vitest";
import { isTrue } from "../../src/server/request-info.ts";
import { fittingObject } from "./fitting-objects.ts";
import { serveCluster, type ServedCluster } from "./served-cluster.ts";

const as = { name: "root", groups: ["system:masters"] };
const maps = "/api/v1/namespaces/default/configmaps";
let cluster: ServedCluster;
beforeAll(async () => {
  cluster = await serveCluster();
});
afterAll(() => cluster.stop());

// Go writes true, Python True; everything but "0" and "false" in any case is true. @upstream apimachinery/pkg/runtime Convert_Slice_string_To_bool
it.each([
  ["true", true],
  ["True", true],
  ["1", true],
  ["", true],
  ["yes", true],
  ["False", false],
  ["false", false],
  ["0", false],
] as const)("%j is %s", async (value, expected) => {
  expect(isTrue(value)).toBe(expected);
  const apply = (manager: string, data: string, more = "") =>
    cluster.ask("PATCH", `${maps}/forced?fieldManager=${manager}${more}`, {
      as,
      headers: { "content-type": "application/apply-patch+yaml" },
      body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "forced" }, data: { key: data } },
    });
  await apply("first", "a", "&force=true");
  expect((await apply("second", "b", `&force=${value}`)).status).toBe(expected ? 200 : 409);

  await cluster.ask("POST", maps, { as, body: { ...fittingObject({ group: "", version: "v1", resource: "configmaps", kind: "ConfigMap" }, 1), metadata: { name: "orphaning" } } });
  await cluster.ask("PATCH", `${maps}/orphaning`, { as, headers: { "content-type": "application/merge-patch+json" }, body: { metadata: { finalizers: ["example.com/held"] } } });
  const deleted = await cluster.ask("DELETE", `${maps}/orphaning?orphanDependents=${value}`, { as });
  expect(deleted.body.metadata.finalizers).toEqual(expected ? ["example.com/held", "orphan"] : ["example.com/held"]);
  await cluster.ask("PATCH", `${maps}/orphaning`, { as, headers: { "content-type": "application/merge-patch+json" }, body: { metadata: { finalizers: null } } });
});
