import { expect, it } from "vitest";
import { authenticationData } from "./authentication-data.ts";

const pem = (body: string): string => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
const nowMs = 1_000_000;
/** A certificate says when it ends: `5000 x`. */
const notAfterMs = (text: string): number | undefined => {
  const end = /\n(\d+)/.exec(text)?.[1];
  return end === undefined ? undefined : Number(end);
};
const own = { clientCa: pem("9000000 own"), requestHeaderCa: pem("9000000 front"), allowedNames: ["front-proxy-client"] };

it("says whom to trust and which headers to read", () => {
  expect(authenticationData({}, own, { nowMs, notAfterMs })).toEqual({
    "client-ca-file": pem("9000000 own"),
    "requestheader-allowed-names": '["front-proxy-client"]',
    "requestheader-client-ca-file": pem("9000000 front"),
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-uid-headers": '["X-Remote-Uid"]',
    "requestheader-username-headers": '["X-Remote-User"]',
  });
});

it("keeps what others wrote while it is good, and is at rest then", () => {
  const before = { "client-ca-file": pem("8000000 other") + pem("10 over") + pem("no certificate"), "requestheader-allowed-names": '["other","front-proxy-client"]', stray: "x" };
  const data = authenticationData(before, own, { nowMs, notAfterMs });
  expect(data["client-ca-file"]).toBe(pem("8000000 other") + pem("9000000 own"));
  expect(data["requestheader-allowed-names"]).toBe('["other","front-proxy-client"]');
  expect(data["stray"]).toBeUndefined();
  expect(authenticationData(data, own, { nowMs, notAfterMs })).toEqual(data);
});

it("makes anew what does not read, and never grows without bound", () => {
  const many = Array.from({ length: 100 }, (_, index) => pem(`8000000 ${index}`)).join("");
  const data = authenticationData({ "client-ca-file": many, "requestheader-group-headers": "{" }, own, { nowMs, notAfterMs });
  expect(data["client-ca-file"]?.match(/BEGIN/g)?.length).toBe(32);
  expect(data["client-ca-file"]?.endsWith(own.clientCa)).toBe(true);
  expect(data["requestheader-group-headers"]).toBe('["X-Remote-Group"]');
});
