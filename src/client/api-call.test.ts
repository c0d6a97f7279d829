import { describe, expect, it } from "vitest";
import { configMaps, deployments, leases, nodes, pods } from "../api/generated/resources.ts";
import type { Pod } from "../api/generated/types/core-v1.ts";
import { createCall, createSubresourceCall, deleteCall, deleteCollectionCall, getCall, listCall, patchCall, rawCall, updateCall, watchCall } from "./api-call.ts";

const signal = new AbortController().signal;
const pod = (metadata: Pod["metadata"]): Pod => ({ apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [] } });

describe("paths and queries", () => {
  it.each([
    ["get", getCall(pods, "web", { namespace: "a" }), "GET /api/v1/namespaces/a/pods/web"],
    [
      "get a subresource at a version",
      getCall(deployments, "d", { namespace: "a", subresource: "scale", resourceVersion: "0" }),
      "GET /apis/apps/v1/namespaces/a/deployments/d/scale?resourceVersion=0",
    ],
    [
      "list everywhere",
      listCall(pods, { labelSelector: "app in (a,b)", fieldSelector: "spec.nodeName=n", limit: 5, continue: "x=" }),
      "GET /api/v1/pods?labelSelector=app%20in%20(a%2Cb)&fieldSelector=spec.nodeName%3Dn&limit=5&continue=x%3D",
    ],
    ["list exactly", listCall(nodes, { resourceVersion: "7", resourceVersionMatch: "Exact" }), "GET /api/v1/nodes?resourceVersion=7&resourceVersionMatch=Exact"],
    [
      "watch",
      watchCall(pods, { namespace: "a", resourceVersion: "9", allowBookmarks: true, timeoutSeconds: 30, signal }),
      "GET /api/v1/namespaces/a/pods?watch=1&resourceVersion=9&allowWatchBookmarks=true&timeoutSeconds=30",
    ],
    ["create", createCall(pods, pod({ namespace: "a", generateName: "w-" }), { dryRun: true, fieldManager: "me" }), "POST /api/v1/namespaces/a/pods?dryRun=All&fieldManager=me"],
    ["create in a namespace that the object does not name", createCall(configMaps, { metadata: { name: "c" } }, { namespace: "b" }), "POST /api/v1/namespaces/b/configmaps"],
    ["update status", updateCall(pods, pod({ namespace: "a", name: "web" }), { subresource: "status" }), "PUT /api/v1/namespaces/a/pods/web/status"],
    [
      "apply",
      patchCall(pods, "web", { type: "apply", value: {}, force: true }, { namespace: "a", fieldManager: "me" }),
      "PATCH /api/v1/namespaces/a/pods/web?fieldManager=me&force=true",
    ],
    ["delete", deleteCall(nodes, "n", {}), "DELETE /api/v1/nodes/n"],
    ["delete a collection", deleteCollectionCall(pods, { namespace: "a", labelSelector: "x=y" }), "DELETE /api/v1/namespaces/a/pods?labelSelector=x%3Dy"],
    ["evict", createSubresourceCall(pods, "web", {}, { namespace: "a", subresource: "eviction" }), "POST /api/v1/namespaces/a/pods/web/eviction"],
    ["raw", rawCall("GET", "/openapi/v2?timeout=3s", undefined), "GET /openapi/v2?timeout=3s"],
  ])("%s", (_, call, expected) => {
    expect(`${call.method} ${call.path}${call.query === "" ? "" : `?${call.query}`}`).toBe(expected);
  });
});

it("names the patch by its content type", () => {
  const typeOf = (patch: Parameters<typeof patchCall>[2]): string | undefined => patchCall(nodes, "n", patch, {}).body?.contentType;
  expect(typeOf({ type: "json", operations: [] })).toBe("application/json-patch+json");
  expect(typeOf({ type: "merge", value: {} })).toBe("application/merge-patch+json");
  expect(typeOf({ type: "strategic", value: {} })).toBe("application/strategic-merge-patch+json");
  expect(typeOf({ type: "apply", value: {} })).toBe("application/apply-patch+yaml");
});

it("fills in apiVersion and kind, and writes DeleteOptions", () => {
  expect(createCall(leases, { metadata: { name: "d", namespace: "a" } }, {}).body?.value).toEqual({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "d", namespace: "a" },
  });
  expect(deleteCall(nodes, "n", { gracePeriodSeconds: 0, propagationPolicy: "Orphan", preconditions: { uid: "u" }, dryRun: true }).body?.value).toEqual({
    apiVersion: "v1",
    kind: "DeleteOptions",
    gracePeriodSeconds: 0,
    propagationPolicy: "Orphan",
    preconditions: { uid: "u" },
    dryRun: ["All"],
  });
});

it("refuses what would address a collection by mistake", () => {
  expect(() => getCall(pods, "", { namespace: "a" })).toThrow("resource name may not be empty");
  expect(() => deleteCall(pods, "web", {})).toThrow("an empty namespace may not be set when a resource name is provided");
  expect(() => createCall(pods, pod({ name: "x" }), {})).toThrow("an empty namespace may not be set during creation");
});
