import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fittingObject } from "./fitting-objects.ts";
import { serveCluster, type ServedCluster } from "./served-cluster.ts";

const as = { name: "root", groups: ["system:masters"] };
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const generic = "the server rejected our request due to an error in our request";
let cluster: ServedCluster;
beforeAll(async () => {
  cluster = await serveCluster();
  await cluster.ask("POST", deployments, { as, body: fittingObject({ group: "apps", version: "v1", resource: "deployments", kind: "Deployment" }, 1) });
});
afterAll(() => cluster.stop());

const patch = async (type: string, body: unknown, query = ""): Promise<readonly [number, string]> => {
  const answer = await cluster.ask("PATCH", `${deployments}/n1${query}`, { as, headers: { "content-type": `application/${type}` }, body: JSON.stringify(body) });
  return [answer.status, answer.body.message];
};

// What users see of a patch that does not fit. @upstream apiserver/pkg/endpoints/handlers/patch.go
describe("a patch is refused", () => {
  it.each([
    ["json-patch+json", {}, 400, "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"],
    ["json-patch+json", ["x"], 400, "error decoding patch: json: cannot unmarshal string into Go value of type handlers.jsonPatchOp"],
    ["json-patch+json", [{ op: 1 }], 400, "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string"],
    ["json-patch+json", [{ op: "remove", path: "/nowhere" }], 422, generic],
    ["json-patch+json", [{ op: "test", path: "/spec/replicas", value: 9 }], 422, generic],
    ["merge-patch+json", "x", 400, "error decoding patch: json: cannot unmarshal string into Go value of type map[string]interface {}"],
    ["strategic-merge-patch+json", [], 400, "json: cannot unmarshal array into Go value of type map[string]interface {}"],
    [
      "strategic-merge-patch+json",
      { metadata: { labels: { a: 1 } } },
      422,
      ' "" is invalid: patch: Invalid value: "map[metadata:map[labels:map[a:1]]]": cannot convert int64 to string',
    ],
    [
      "strategic-merge-patch+json",
      { metadata: { labels: { a: true } } },
      422,
      ' "" is invalid: patch: Invalid value: "map[metadata:map[labels:map[a:true]]]": unrecognized type: string',
    ],
    ["strategic-merge-patch+json", { spec: { replicas: "3" } }, 422, ' "" is invalid: patch: Invalid value: "map[spec:map[replicas:3]]": unrecognized type: int32'],
    ["strategic-merge-patch+json", { spec: { paused: 1 } }, 422, ' "" is invalid: patch: Invalid value: "map[spec:map[paused:1]]": unrecognized type: bool'],
    [
      "strategic-merge-patch+json",
      { spec: { template: { spec: { nodeSelector: "x" } } } },
      422,
      ' "" is invalid: patch: Invalid value: "map[spec:map[template:map[spec:map[nodeSelector:x]]]]": cannot restore map from string',
    ],
  ])("%s %j", async (type, body, status, message) => {
    expect(await patch(type, body)).toEqual([status, message]);
  });

  it.each(["json-patch+json", "merge-patch+json"])("%s after which the object cannot be read, with that object", async (type) => {
    const body = type === "merge-patch+json" ? { spec: { replicas: "3" } } : [{ op: "replace", path: "/spec/replicas", value: "3" }];
    const [status, message] = await patch(type, body);
    expect(status).toBe(422);
    expect(message).toMatch(
      /^ "" is invalid: patch: Invalid value: "\{.*\\"replicas\\":\\"3\\".*\}": json: cannot unmarshal string into Go struct field DeploymentSpec\.spec\.replicas of type int32$/,
    );
  });

  it("with a field that nobody knows, when that is asked for", async () => {
    const [status, message] = await patch("strategic-merge-patch+json", { spec: { nothing: 1 } }, "?fieldValidation=Strict");
    expect([status, message]).toEqual([422, ' "" is invalid: patch: Invalid value: "map[spec:map[nothing:1]]": strict decoding error: unknown field "spec.nothing"']);
  });

  it("without saying more than upstream does", async () => {
    const answer = await cluster.ask("PATCH", `${deployments}/n1`, { as, headers: { "content-type": "application/json-patch+json" }, body: '[{"op":"remove","path":"/x"}]' });
    expect(answer.body).toEqual({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message: generic, reason: "Invalid", details: {}, code: 422 });
  });
});
