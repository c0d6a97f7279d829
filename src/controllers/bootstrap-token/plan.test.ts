import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import type { ConfigMap, Secret } from "../../api/generated/types/core-v1.ts";
import { at, epochMs } from "../sample-objects.ts";
import { holdsForMs, signed, tokenType } from "./plan.ts";

const hmac = (key: string, text: string): string => createHmac("sha256", key).update(text).digest("base64url");
const token = (data: Readonly<Record<string, string>> = {}, rest: Partial<Secret> = {}): Secret => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "bootstrap-token-abcdef", namespace: "kube-system" },
  type: tokenType,
  data: Object.fromEntries(
    Object.entries({ "token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-signing": "true", ...data }).map(([key, value]) => [key, btoa(value)]),
  ),
  ...rest,
});
const map: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "cluster-info" }, data: { kubeconfig: "where é" } };

it("signs the content with the token, detached from it", () => {
  const value = signed(map, [token()], epochMs, hmac).data?.["jws-kubeconfig-abcdef"] ?? "";
  const [header = "", payload, signature] = value.split(".");
  expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({ alg: "HS256", kid: "abcdef" });
  expect(payload).toBe("");
  expect(signature).toBe(hmac("0123456789abcdef", `${header}.${Buffer.from("where é").toString("base64url")}`));
});

it.each([
  ["is over", token({ expiration: at(-1) })],
  ["has an end that nobody can read", token({ expiration: "soon" })],
  ["may not sign", token({ "usage-bootstrap-signing": "false" })],
  ["has another name", token({ "token-id": "fedcba" })],
  ["is of another type", token({}, { type: "Opaque" })],
  ["has no secret", token({ "token-secret": "" })],
])("leaves out a token that %s, and takes its signature away", (_, secret) => {
  const before = signed(map, [token()], epochMs, hmac);
  expect(signed(before, [secret], epochMs, hmac).data).toEqual(map.data);
  expect(signed(map, [secret], epochMs, hmac)).toBe(map);
});

it("leaves alone what is right already", () => {
  const before = signed(map, [token()], epochMs, hmac);
  expect(signed(before, [token({ expiration: at(10) })], epochMs, hmac)).toBe(before);
});

it.each([
  [{}, undefined],
  [{ expiration: at(10) }, 10_000],
  [{ expiration: at(-10) }, 0],
  [{ expiration: "junk" }, 0],
])("%j holds for %s ms", (data, expected) => {
  expect(holdsForMs(token(data), epochMs)).toBe(expected);
});
