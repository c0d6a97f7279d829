import { expect, it } from "vitest";
import type { ApiRequest } from "../../meta/wire.ts";
import { forwardedHeaders, identityHeaders } from "./front-proxy-headers.ts";

it("says who asks", () => {
  expect(identityHeaders({ name: "jürgen", uid: "7", groups: ["a", "b"], extra: { "Example.com/Scopes": ["x", "y"], none: [] } })).toEqual({
    "x-remote-user": "jÃ¼rgen",
    "x-remote-uid": "7",
    "x-remote-group": ["a", "b"],
    "x-remote-extra-example.com%2Fscopes": ["x", "y"],
  });
  expect(identityHeaders({ name: "x", groups: [] })).toEqual({ "x-remote-user": "x" });
});

const request = (headers: ApiRequest["headers"], caller: ApiRequest["caller"]): ApiRequest => ({
  method: "GET",
  path: "/apis/g/v1/x",
  query: "watch=1",
  headers,
  body: { type: "none" },
  caller,
});

it("takes away what a caller says of itself", () => {
  const caller = { type: "network", address: "192.0.2.1", upgradable: false } as const;
  const headers = {
    "x-remote-user": "root",
    "x-remote-uid": "0",
    "x-remote-group": "masters",
    "x-remote-extra-a": "b",
    "x-forwarded-for": "198.51.100.1",
    host: "api:6443",
    accept: "*/*",
  };
  expect(forwardedHeaders(request(headers, caller), { name: "eve", groups: [] })).toEqual({
    "x-remote-user": "eve",
    "x-remote-uid": undefined,
    "x-remote-group": undefined,
    "x-remote-extra-a": undefined,
    "x-forwarded-for": "198.51.100.1, 192.0.2.1",
    "x-forwarded-host": "api:6443",
    "x-forwarded-proto": "https",
    "x-forwarded-uri": "/apis/g/v1/x?watch=1",
  });
});

it("tells nothing of a connection that there is not", () => {
  const user = { name: "system:kube-controller-manager", groups: ["system:masters"] };
  expect(forwardedHeaders(request({}, { type: "local", user }), user)).toEqual({ "x-remote-user": "system:kube-controller-manager", "x-remote-group": ["system:masters"] });
});
