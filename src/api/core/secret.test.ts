import { describe, expect, it } from "vitest";
import type { Secret } from "../generated/types/core-v1.ts";
import { rowOf, tryCreate, tryUpdate } from "../kind-trial.ts";
import { secretKind } from "./secret.ts";

const head = "apiVersion: v1\nkind: Secret\nmetadata: { name: s, namespace: default }\n";
const create = (text: string): ReturnType<typeof tryCreate<Secret>> => tryCreate(secretKind, head + text);
const redacted = 'Invalid value: "<secret contents redacted>"';

it("merges stringData, which wins, and forgets it", () => {
  const { object, errors } = create("data: { a: b2xk, b: Yg== }\nstringData: { a: new, c: grüß }");
  expect(errors).toEqual([]);
  expect(object).toMatchObject({ type: "Opaque", data: { a: "bmV3", b: "Yg==", c: "Z3LDvMOf" } });
  expect(object).not.toHaveProperty("stringData");
});

describe("a type has keys that it needs", () => {
  it.each([
    ["type: kubernetes.io/service-account-token", ["metadata.annotations[kubernetes.io/service-account.name]: Required value"]],
    ["type: kubernetes.io/dockercfg", ["data[.dockercfg]: Required value"]],
    ["type: kubernetes.io/dockercfg\nstringData: { .dockercfg: '{}' }", []],
    ["type: kubernetes.io/dockerconfigjson", ["data[.dockerconfigjson]: Required value"]],
    ["type: kubernetes.io/dockerconfigjson\nstringData: { .dockerconfigjson: '' }", [`data[.dockerconfigjson]: ${redacted}: unexpected end of JSON input`]],
    [
      "type: kubernetes.io/dockerconfigjson\nstringData: { .dockerconfigjson: '[]' }",
      [`data[.dockerconfigjson]: ${redacted}: json: cannot unmarshal array into Go value of type map[string]interface {}`],
    ],
    ["type: kubernetes.io/dockerconfigjson\nstringData: { .dockerconfigjson: hi }", [`data[.dockerconfigjson]: ${redacted}: invalid character 'h' looking for beginning of value`]],
    ["type: kubernetes.io/basic-auth", ["data[username]: Required value", "data[password]: Required value"]],
    ["type: kubernetes.io/basic-auth\nstringData: { password: '' }", []],
    ["type: kubernetes.io/ssh-auth\nstringData: { ssh-privatekey: '' }", ["data[ssh-privatekey]: Required value"]],
    ["type: kubernetes.io/tls\nstringData: { tls.crt: '' }", ["data[tls.key]: Required value"]],
    ["type: example.com/anything", []],
    ["data: { a/b: '' }", [expect.stringMatching(/^data\[a\/b\]: Invalid value: "a\/b": a valid config key must consist of/)]],
    [`stringData: { a: ${"x".repeat(1024 * 1024 + 1)} }`, ["data: Too long: may not be more than 1048576 bytes"]],
  ])("%.80s", (text, expected) => {
    expect(create(text).errors).toEqual(expected);
  });
});

it("keeps its type, and its data once immutable", () => {
  const { object } = create("stringData: { a: b }\nimmutable: true");
  const { errors } = tryUpdate(secretKind, object, (draft) => {
    draft.type = "other";
    draft.stringData = { a: "c" };
  });
  expect(errors).toEqual(['type: Invalid value: "other": field is immutable', "data: Forbidden: field is immutable when `immutable` is set"]);
});

it("shows its type and how much it has, and can be selected by type", () => {
  const { object } = create("stringData: { a: b, c: d }");
  expect(rowOf(secretKind, object, 0)).toEqual({ Name: "s", Type: "Opaque", Data: 2, Age: "<unknown>" });
  expect(secretKind.fieldSelectors?.["type"]?.(object)).toBe("Opaque");
});
