import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ApiRequest, Caller } from "../../meta/wire.ts";
import { defaultRequestHeaders, identityHeadersIn, requestHeader, type RequestHeaderOptions, withoutForwarded, withoutHeaders } from "./request-header.ts";

const options: RequestHeaderOptions = { ...defaultRequestHeaders, allowedNames: ["proxy"] };
const certificate = (commonName: string) => ({ commonName, organizations: [], fingerprint: "ab", notAfter: 0 });
const proxy: Caller = { type: "network", address: "192.0.2.1", upgradable: false, frontProxy: certificate("proxy") };

const request = (headers: ApiRequest["headers"], caller: Caller = proxy, values?: ApiRequest["values"]): ApiRequest => ({
  method: "GET",
  path: "/",
  query: "",
  headers,
  body: { type: "none" },
  caller,
  ...(values === undefined ? {} : { values }),
});
const who = (headers: ApiRequest["headers"], caller?: Caller, given = options): unknown => requestHeader(given).authenticate(request(headers, caller));

describe("a front proxy", () => {
  it("says who asks", () => {
    const headers = { "x-remote-user": "jane", "x-remote-uid": "7", "x-remote-group": "a, b", "x-remote-extra-example.com%2fscope": "x, y", "x-remote-extra-bad%zz": "z" };
    expect(who(headers)).toEqual({ name: "jane", uid: "7", groups: ["a", "b"], extra: { "example.com/scope": ["x", "y"], "bad%zz": ["z"] } });
    expect(who({ "x-remote-user": "jane" })).toEqual({ name: "jane", groups: [] });
    expect(who({ "x-remote-group": "system:masters" })).toBeUndefined();
    expect(who({ "x-remote-user": "" })).toBeUndefined();
  });

  it("says it in the headers that are configured, of which the first with a name counts", () => {
    const own = { ...options, usernameHeaders: ["x-first", "x-second"], groupHeaders: ["x-g", "x-h"], extraHeaderPrefixes: ["x-more-"] };
    expect(who({ "x-second": "jane", "x-remote-user": "root", "x-g": "a", "x-h": "b", "x-more-k": "v" }, proxy, own)).toEqual({
      name: "jane",
      groups: ["a", "b"],
      extra: { k: ["v"] },
    });
  });

  it("names one group in one header, commas and all", () => {
    const values = (name: string): readonly string[] => (name === "x-remote-group" ? ["team, system:masters", "b"] : ["jane"]);
    expect(requestHeader(options).authenticate(request({ "x-remote-user": "jane", "x-remote-group": "team, system:masters, b" }, proxy, values))).toMatchObject({
      groups: ["team, system:masters", "b"],
    });
  });

  it("must have a name that is allowed, if any are named", () => {
    const other: Caller = { ...proxy, frontProxy: certificate("other") };
    expect(who({ "x-remote-user": "jane" }, other)).toBeUndefined();
    expect(who({ "x-remote-user": "jane" }, other, { ...options, allowedNames: [] })).toMatchObject({ name: "jane" });
  });
});

describe("anybody else", () => {
  const header = fc.oneof(
    fc.constantFrom("x-remote-user", "x-remote-uid", "x-remote-group", "x-remote-extra-a", "x-remote-extra-", "x-first", "x-more-k", "authorization"),
    fc.string({ minLength: 1 }).map((text) => `x-remote-${text.toLowerCase()}`),
  );
  const headers = fc.dictionary(header, fc.string(), { maxKeys: 8 });
  const caller = fc.constantFrom<Caller>(
    { type: "network", address: "192.0.2.1", upgradable: false },
    { type: "network", address: "192.0.2.1", upgradable: true, certificate: certificate("proxy") },
    { type: "network", address: "192.0.2.1", upgradable: false, certificate: certificate("front-proxy-client") },
    { type: "local", user: { name: "a", groups: [] } },
  );

  it("is nobody by headers, whatever they are", () => {
    fc.assert(
      fc.property(headers, caller, (given, from) => {
        expect(who(given, from)).toBeUndefined();
        expect(who(given, from, { ...options, allowedNames: [] })).toBeUndefined();
      }),
    );
  });
});

describe("handlers", () => {
  const own: RequestHeaderOptions = { ...options, usernameHeaders: ["x-first"], extraHeaderPrefixes: ["x-more-"] };
  const given = { accept: "*/*", "x-remote-user": "a", "x-remote-extra-k": "b", "x-first": "c", "x-more-k": "d", "x-remote-thing": "e" };

  it("never see those headers, nor does whoever the request is sent on to", () => {
    const names = identityHeadersIn(given, own);
    expect(names.toSorted()).toEqual(["x-first", "x-more-k", "x-remote-extra-k", "x-remote-user"]);
    const seen = withoutHeaders(
      request(given, proxy, () => ["x"]),
      names,
    );
    expect(seen.headers).toEqual({ accept: "*/*", "x-remote-thing": "e" });
    expect(seen.values?.("x-first")).toEqual([]);
    const target = { scheme: "http", host: "h", port: 1, path: "/", headers: { "x-remote-user": "mine" }, identity: "none" } as const;
    const { body } = withoutForwarded({ status: 200, headers: {}, body: { type: "proxy", target } }, names);
    expect(body).toMatchObject({ target: { headers: { "x-first": undefined, "x-more-k": undefined, "x-remote-user": "mine" } } });
  });
});
