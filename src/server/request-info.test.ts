import { describe, expect, it } from "vitest";
import { requestInfo, type ResourceRequest } from "./request-info.ts";

const read = (method: string, url: string) => {
  const [path = "", query = ""] = url.split("?");
  return requestInfo(method, path, new URLSearchParams(query));
};
const nothing = { group: "", version: "v1", namespace: "", resource: "", name: "", subresource: "", rest: "" };
const core = (fields: Partial<ResourceRequest>): Partial<ResourceRequest> => ({ ...nothing, ...fields });

describe("requestInfo", () => {
  it.each<[string, string, Partial<ResourceRequest>]>([
    ["GET", "/api/v1/pods", core({ verb: "list", resource: "pods" })],
    ["GET", "/api/v1/pods?watch=1", core({ verb: "watch", resource: "pods" })],
    ["GET", "/api/v1/pods?watch=false", core({ verb: "list", resource: "pods" })],
    ["HEAD", "/api/v1/nodes/a", core({ verb: "get", resource: "nodes", name: "a" })],
    ["POST", "/api/v1/namespaces/a/pods", core({ verb: "create", namespace: "a", resource: "pods" })],
    ["GET", "/api/v1/namespaces/a/pods/b", core({ verb: "get", namespace: "a", resource: "pods", name: "b" })],
    ["GET", "/api/v1/namespaces/a/pods/b/log", core({ verb: "get", namespace: "a", resource: "pods", name: "b", subresource: "log" })],
    ["PUT", "/api/v1/namespaces/a/pods/b/status", core({ verb: "update", namespace: "a", resource: "pods", name: "b", subresource: "status" })],
    ["DELETE", "/api/v1/namespaces/a/pods", core({ verb: "deletecollection", namespace: "a", resource: "pods" })],
    ["DELETE", "/api/v1/namespaces/a/pods/b", core({ verb: "delete", namespace: "a", resource: "pods", name: "b" })],
    ["GET", "/api/v1/namespaces", core({ verb: "list", resource: "namespaces" })],
    ["GET", "/api/v1/namespaces/a", core({ verb: "get", namespace: "a", resource: "namespaces", name: "a" })],
    ["PUT", "/api/v1/namespaces/a/finalize", core({ verb: "update", namespace: "a", resource: "namespaces", name: "a", subresource: "finalize" })],
    ["GET", "/api/v1/watch/namespaces/a/pods", core({ verb: "watch", namespace: "a", resource: "pods" })],
    ["GET", "/api/v1/watch/pods/b", core({ verb: "watch", resource: "pods", name: "b" })],
    ["GET", "/apis/apps/v1/namespaces/a/deployments/b/scale", core({ verb: "get", group: "apps", namespace: "a", resource: "deployments", name: "b", subresource: "scale" })],
    ["PATCH", "/apis/apps/v1/namespaces/a/deployments/b", core({ verb: "patch", group: "apps", namespace: "a", resource: "deployments", name: "b" })],
    ["GET", "//api//v1/pods//b/", core({ verb: "get", resource: "pods", name: "b" })],
    ["GET", "/api/v1/pods/a%2Fb", core({ verb: "get", resource: "pods", name: "a/b" })],
    ["GET", "/api/v1/nodes/n/proxy/a%20b/c", core({ verb: "get", resource: "nodes", name: "n", subresource: "proxy", rest: "a%20b/c" })],
    ["OPTIONS", "/api/v1/nodes/n/proxy/a/", core({ verb: "", resource: "nodes", name: "n", subresource: "proxy", rest: "a/" })],
    ["GET", "/api/v1/nodes/n/proxy/", core({ verb: "get", resource: "nodes", name: "n", subresource: "proxy" })],
  ])("reads %s %s", (method, url, resource) => {
    expect(read(method, url)?.resource).toEqual(resource);
  });

  it.each([
    ["GET", "/"],
    ["GET", "/healthz"],
    ["GET", "/api"],
    ["GET", "/api/v1"],
    ["GET", "/apis/apps/v1"],
    ["TRACE", "/api/v1/pods"],
  ])("finds no resource in %s %s", (method, path) => {
    expect(read(method, path)).toEqual({ path, verb: method.toLowerCase() });
  });

  it("knows a path that is not encoded properly", () => {
    expect(read("GET", "/api/v1/pods/%zz")).toBeUndefined();
    expect(read("GET", "/healthz/%")).toBeUndefined();
  });
});
