import { expect, it } from "vitest";
import { readAggregated, readLegacy, readOpenApiIndex } from "./read-discovery.ts";

const kind = { group: "g", version: "v1", kind: "Widget" };

it("reads what an aggregated document says, and nothing else that stands in it", () => {
  const resource = { resource: "widgets", responseKind: { ...kind, evil: 1 }, scope: "Namespaced", singularResource: "widget", verbs: ["get", 7], shortNames: ["w"], extra: {} };
  const document = {
    kind: "APIGroupDiscoveryList",
    items: [
      {
        metadata: { name: "g" },
        versions: [{ version: "v1", resources: [resource, { resource: "others", subresources: [{ subresource: "status", responseKind: kind, verbs: ["get"] }] }] }],
      },
    ],
  };
  expect(readAggregated(document)).toEqual(
    new Map([
      [
        "g/v1",
        [
          { resource: "widgets", responseKind: kind, scope: "Namespaced", singularResource: "widget", verbs: ["get"], shortNames: ["w"] },
          { resource: "others", scope: "Cluster", singularResource: "", verbs: [], subresources: [{ subresource: "status", responseKind: kind, verbs: ["get"] }] },
        ],
      ],
    ]),
  );
});

it.each([
  undefined,
  null,
  7,
  "x",
  [],
  {},
  { kind: "APIGroupList" },
  { kind: "APIGroupDiscoveryList", items: 7 },
  { kind: "APIGroupDiscoveryList", items: [null, { versions: [7] }] },
])("takes %j for no document or an empty one", (document) => {
  const found = readAggregated(document);
  expect(found === undefined || [...found.values()].every((resources) => resources.length === 0)).toBe(true);
  expect(readLegacy(document, kind)).toBeUndefined();
});

it("makes the newer form of an older document", () => {
  const document = {
    kind: "APIResourceList",
    resources: [
      { name: "widgets", singularName: "widget", namespaced: true, kind: "Widget", verbs: ["list"], categories: ["all"] },
      { name: "widgets/scale", singularName: "", namespaced: true, group: "autoscaling", version: "v1", kind: "Scale", verbs: ["get"] },
      { name: "nodes", singularName: "", namespaced: false, kind: "NodeMetrics", verbs: ["get"] },
    ],
  };
  expect(readLegacy(document, { group: "g", version: "v1" })).toEqual([
    {
      resource: "widgets",
      responseKind: kind,
      scope: "Namespaced",
      singularResource: "widget",
      verbs: ["list"],
      categories: ["all"],
      subresources: [{ subresource: "scale", responseKind: { group: "autoscaling", version: "v1", kind: "Scale" }, verbs: ["get"] }],
    },
    { resource: "nodes", responseKind: { ...kind, kind: "NodeMetrics" }, scope: "Cluster", singularResource: "", verbs: ["get"] },
  ]);
});

it("reads the hashes of OpenAPI v3 documents", () => {
  const paths = { "apis/g/v1": { serverRelativeURL: "/openapi/v3/apis/g/v1?hash=AB%2FC" }, version: { serverRelativeURL: "/openapi/v3/version" }, bad: 7 };
  expect(readOpenApiIndex({ paths })).toEqual(
    new Map([
      ["apis/g/v1", "AB/C"],
      ["version", ""],
      ["bad", ""],
    ]),
  );
});
